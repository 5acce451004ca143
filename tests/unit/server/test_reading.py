"""What can be asked about: pages, tags, and that it is what the command line says."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest

from supplychain.model.access import Role
from supplychain.model.digest import Digest
from supplychain.model.finding import Severity
from supplychain.model.subject import Subject
from tests.kit.failings import in_order
from tests.kit.runs import index_run, manifest_run, sbom_record, scan_record
from tests.kit.scans import SUBJECT, make_component, make_finding
from tests.kit.serving import Served, problem
from tests.kit.typist import HOUR
from tests.kit.visitors import visitor

IMAGE = f"/v1/images/{SUBJECT.digest}"


def filled(served: Served, count: int) -> list[str]:
    """So many images, the newest first."""
    found: list[str] = []
    with served.typist.record() as record:
        for number in range(count):
            subject = Subject("registry.test/shop/web", Digest.of(b"image %d" % number))
            # Some of one instant: what is of one age needs an order too.
            at = served.typist.now - 9 * HOUR + timedelta(seconds=number // 3)
            scan = scan_record(subject=subject, report=b"%d" % number, produced_at=at)
            record.save_run(manifest_run(subject=subject, scan=scan), at=at)
            found.insert(0, str(subject.digest))
    return found


def pages(served: Served, path: str, name: str) -> list[list[Any]]:
    """Every page, by its links."""
    found = []
    following: str | None = path
    while following:
        answer = served.get(following)
        assert answer.status_code == 200, answer.text
        found.append(answer.json()[name])
        following = answer.links["next"]["url"] if "next" in answer.links else None
        assert (following is None) == (answer.json()["next_cursor"] is None)
    return found


def test_images_come_page_by_page_each_once(served: Served) -> None:
    digests = filled(served, 10)
    found = pages(served, "/v1/images?limit=4", "images")
    assert [len(page) for page in found] == [4, 4, 2]
    assert [image["digest"] for page in found for image in page] == digests


def test_what_is_recorded_meanwhile_moves_no_page(served: Served) -> None:
    digests = filled(served, 6)
    first = served.get("/v1/images?limit=3")
    served.typist.examined()
    second = served.get(first.links["next"]["url"])
    shown = [image["digest"] for image in (*first.json()["images"], *second.json()["images"])]
    assert shown == digests


def test_decisions_come_page_by_page_and_filtered(served: Served) -> None:
    for digest in filled(served, 5):
        assert served.decide(digest).json()["decision"] == "deny"
    in_order(served.typist)
    served.decide()
    found = pages(served, "/v1/decisions?limit=2", "decisions")
    assert [len(page) for page in found] == [2, 2, 2]
    assert len({one["digest"] for page in found for one in page}) == 6
    allowed = served.get("/v1/decisions?verdict=allow").json()["decisions"]
    assert [one["subject"] for one in allowed] == [str(SUBJECT.digest)]
    of_image = served.get(f"/v1/decisions?image={SUBJECT.digest}&environment=prod").json()
    assert of_image["decisions"] == allowed
    assert served.get("/v1/decisions?since=2100-01-01T00:00:00Z").json()["decisions"] == []


@pytest.mark.parametrize("cursor", ["x", "", "WyJ4Il0", "a" * 2000, "%00"])
def test_a_cursor_that_nobody_made_is_refused(served: Served, cursor: str) -> None:
    problem(served.get(f"/v1/images?cursor={cursor}"), 422, "input")


@pytest.mark.parametrize(
    ("at", "after"),
    [
        ("0001-01-01T00:00:00+23:59", "1"),
        ("9999-12-31T23:59:59-23:59", "1"),
        ("2026-11-27T00:00:00", "1"),
        ("2026-11-27T00:00:00Z", "\0"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/vex", "/v1/waivers", "/v1/deployments", "/v1/runs"])
def test_a_cursor_of_no_moment_or_no_text_is_refused(
    served: Served, path: str, at: str, after: str
) -> None:
    of = hashlib.sha256(json.dumps([path, []]).replace(" ", "").encode()).hexdigest()[:16]
    forged = base64.urlsafe_b64encode(json.dumps([at, after, of]).encode()).decode()
    problem(served.get(f"{path}?cursor={forged.rstrip('=')}"), 422, "input")


def test_a_cursor_is_good_for_its_own_list_alone(served: Served) -> None:
    filled(served, 3)
    cursor = served.get("/v1/images?limit=1").json()["next_cursor"]
    problem(served.get(f"/v1/decisions?cursor={cursor}"), 422, "input")
    problem(served.get(f"/v1/images?cursor={cursor}&project=default"), 422, "input")
    at, _, of = json.loads(base64.urlsafe_b64decode(cursor + "=="))
    forged = base64.urlsafe_b64encode(json.dumps([at, "sha256:00", of]).encode()).decode()
    problem(served.get(f"/v1/images?cursor={forged}"), 422, "input")


def test_who_has_it_already_gets_nothing_but_its_tag(served: Served) -> None:
    in_order(served.typist)
    first = served.get(IMAGE)
    tag = first.headers["etag"]
    for given in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = served.get(IMAGE, headers={"If-None-Match": given})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert served.get(IMAGE, headers={"If-None-Match": '"x"'}).status_code == 200
    served.decide()
    assert served.get(IMAGE, headers={"If-None-Match": tag}).status_code == 200


def test_an_image_is_shown_as_the_command_line_shows_it(served: Served) -> None:
    in_order(served.typist)
    served.decide()
    shown = served.typist.type("images", "show", str(SUBJECT.digest), "--output", "json").json()
    shown.pop("schemaVersion")
    assert served.get(IMAGE).json() == shown


def test_components_findings_and_documents_of_an_image(served: Served) -> None:
    finding = make_finding(severity=Severity.CRITICAL)
    at = served.typist.now - HOUR
    scan = scan_record(findings=(finding,), report=b'{"a": 1}', produced_at=at)
    with served.typist.record() as record:
        run = manifest_run(scan=scan, sbom=sbom_record(produced_at=at))
        record.save_run(run, at=at)
        sbom = run.platforms[0].sbom
    assert sbom is not None
    (component,) = served.get(f"{IMAGE}/components").json()["components"]
    assert component["purl"] == make_component().purl
    (found,) = served.get(f"{IMAGE}/findings").json()["findings"]
    assert (found["vulnerability_id"], found["severity"]) == (finding.vulnerability_id, "critical")
    assert found["first_seen_at"] is not None
    assert served.get(f"{IMAGE}/documents/scan").content == b'{"a": 1}'
    assert served.get(f"{IMAGE}/documents/sbom").content == sbom.document
    assert served.get(f"{IMAGE}/exports/sbom").content == sbom.document


def test_a_document_of_an_index_takes_a_platform(served: Served) -> None:
    run = index_run("registry.test/shop/multi")
    with served.typist.record() as record:
        record.save_run(run, at=served.typist.now - HOUR)
    path = f"/v1/images/{run.subject.digest}/documents/scan"
    assert "platform" in problem(served.get(path), 422, "input")["hint"]
    named = run.platforms[0].platform
    assert served.get(path, params={"platform": str(named)}).status_code in {200, 404}


def test_what_contains_what(served: Served) -> None:
    component = make_component()
    finding = make_finding(component)
    with served.typist.record() as record:
        at = served.typist.now - HOUR
        scan = scan_record(components=(component,), findings=(finding,), produced_at=at)
        record.save_run(manifest_run(scan=scan), at=at)
    served.decide()
    bare = component.purl.partition("@")[0]
    for path in (
        f"/v1/search/components?purl={bare}",
        f"/v1/search/vulnerabilities?id={finding.vulnerability_id}",
    ):
        (found,) = served.get(path).json()["images"]
        assert found["digest"] == str(SUBJECT.digest)
        (platform,) = found["platforms"]
        assert platform["found"][0]["package"] == component.name
        assert len(served.get(f"{path}&environment=prod").json()["images"]) == 1
        assert served.get(f"{path}&environment=nowhere").json()["images"] == []
        assert served.get(f"{path}&at=2020-01-01T00:00:00Z").json()["images"] == []
        problem(served.get(f"{path}&at=2020-01-01T00:00:00"), 422, "input")
    problem(served.get("/v1/search/components?purl=openssl"), 422, "input")
    assert served.get("/v1/search/licences?expression=unknown").status_code == 200


def test_images_that_contain_something_come_by_pages(served: Served) -> None:
    subjects = [Subject(f"registry.test/{n}", Digest.of(b"%d" % n)) for n in range(5)]
    at = served.typist.now - HOUR
    with served.typist.record() as record:
        for subject in subjects:
            record.save_run(manifest_run(subject, scan=scan_record(subject=subject)), at=at)
    bare = make_component().purl.partition("@")[0]
    seen = pages(served, f"/v1/search/components?limit=2&purl={bare}", "images")
    assert [[image["digest"] for image in page] for page in seen] == [
        [str(subjects[n].digest) for n in numbers] for numbers in ((4, 3), (2, 1), (0,))
    ]


def test_environments_and_what_is_demanded_there(served: Served) -> None:
    in_order(served.typist)
    served.typist.policy("sbom: {}", environment="staging")
    assert served.get("/v1/environments").json() == {"environments": ["prod", "staging"]}
    answer = served.get("/v1/environments/prod/policy")
    decided = served.decide().json()
    assert str(Digest.of(answer.content)) == decided["policy"]
    problem(served.get("/v1/environments/nowhere/policy"), 404, "not_found")
    problem(served.get("/v1/environments/..%2F..%2Fetc/policy"), 404, "not_found")


def test_a_decision_is_given_byte_for_byte_and_comes_out_again(served: Served) -> None:
    in_order(served.typist)
    told = served.decide().json()
    document = served.get(told["evidence_url"])
    assert str(Digest.of(document.content)) == told["decision_id"]
    replayed = served.get(f"{told['evidence_url']}/replay").json()
    assert replayed == {"decision": told["decision_id"], "verdict": "allow", "same": True}
    checked = served.get("/v1/decisions/verification").json()
    assert (checked["decisions"], checked["breaks"]) == (1, [])
    noted = served.get(f"/v1/decisions/verification?link={checked['newest']['link']}").json()
    assert noted["breaks"] == []
    lost = served.get(f"/v1/decisions/verification?link={Digest.of(b'another')}").json()
    assert lost["breaks"]


@pytest.mark.parametrize("path", ["/v1/decisions/verification", "/v1/audit/verify"])
def test_chains_are_verified_one_at_a_time(served: Served, path: str) -> None:
    """Each reads the whole record: a few at once, and nobody else would be answered."""
    in_order(served.typist)
    served.decide()
    asker = visitor(served, Role.VIEWER, Role.AUDITOR)
    with served.service.verifying.entered():
        told = asker.get(path)
        problem(told, 429, "rate")
        assert int(told.headers["retry-after"]) > 0
        assert asker.get("/v1/me").status_code == 200
    problem(asker.get(f"{path}?link=no-digest"), 422, "input")
    assert asker.get(path).json()["breaks"] == []


def test_why_a_verdict_changed(served: Served) -> None:
    in_order(served.typist)
    before = served.decide().json()["decision_id"]
    served.typist.policy("freshness: {scan: 1h}")
    after = served.decide().json()["decision_id"]
    told = served.get(f"/v1/decisions/{after}/difference?since={before}").json()
    assert told["verdicts"] == ["allow", "deny"]
    assert told["changes"]


def test_a_decision_that_was_tampered_with_is_no_answer(served: Served) -> None:
    in_order(served.typist)
    told = served.decide().json()
    name = told["decision_id"].removeprefix("sha256:")
    (stored,) = [
        path
        for path in (served.typist.data / "content").rglob("*")
        if name in str(path) and path.is_file()
    ]
    stored.chmod(0o600)
    stored.write_bytes(stored.read_bytes().replace(b"allow", b"deny "))
    problem(served.get(told["evidence_url"]), 503, "digest_mismatch")


def test_a_verdict_as_a_verification_summary(served: Served) -> None:
    in_order(served.typist)
    path = f"{IMAGE}/exports/vsa?environment=prod"
    problem(served.get(path), 404, "not_found")
    served.decide()
    assert served.get(path).json()["verificationResult"] == "PASSED"


def test_what_nobody_recorded_is_not_found(served: Served) -> None:
    other = f"/v1/images/{Digest.of(b'another')}"
    for path in ("", "/components", "/findings", "/documents/sbom", "/exports/sbom"):
        problem(served.get(other + path), 404, "not_found")
    problem(served.get(f"/v1/decisions/{Digest.of(b'another')}"), 404, "not_found")
    problem(served.get("/v1/waivers/WV-1"), 404, "not_found")
    problem(served.get(f"/v1/vex/{Digest.of(b'another')}"), 404, "not_found")
