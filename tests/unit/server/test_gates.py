from datetime import timedelta

import pytest

from supplychain.model.digest import Digest
from supplychain.model.finding import Severity
from tests.kit.failings import in_order
from tests.kit.scans import SUBJECT, make_finding
from tests.kit.serving import DECIDE, Served, problem

CRITICAL = "vulnerabilities: {severity: critical}"


def test_an_image_with_all_that_its_policy_asks_for_is_allowed(served: Served) -> None:
    in_order(served.typist)
    answer = served.decide()
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["decision"] == "allow"
    assert told["image"] == str(SUBJECT)
    assert told["environment"] == "prod"
    assert told["reasons"] == told["remedies"] == []
    assert told["decided_at"] < told["expires_at"]
    assert told["evidence_url"] == f"/v1/decisions/{told['decision_id']}"


def test_a_denial_is_an_answer_with_every_reason_and_what_would_help(served: Served) -> None:
    served.typist.policy(CRITICAL, "sbom: {}")
    first = make_finding(vulnerability_id="CVE-2026-1", severity=Severity.CRITICAL)
    second = make_finding(vulnerability_id="CVE-2026-2", severity=Severity.CRITICAL)
    served.typist.examined(first, second)
    answer = served.decide()
    assert answer.status_code == 200
    told = answer.json()
    assert told["decision"] == "deny"
    assert [reason["vulnerability"] for reason in told["reasons"]] == ["CVE-2026-1", "CVE-2026-2"]
    assert {reason["rule"] for reason in told["reasons"]} == {"vulnerabilities"}
    assert {reason["purl"] for reason in told["reasons"]} == {first.purl}
    assert told["remedies"]


def test_it_is_the_very_decision_that_the_command_line_gives(served: Served) -> None:
    in_order(served.typist)
    told = served.decide().json()
    shown = served.typist.type("decisions", "list", "--output", "json")
    assert told["decision_id"] in shown.stdout


def test_a_digest_alone_is_asked_about_under_its_recorded_name(served: Served) -> None:
    in_order(served.typist)
    assert served.decide(str(SUBJECT.digest)).json()["image"] == str(SUBJECT)


def test_where_nothing_is_recorded_or_no_policy_is_the_answer_is_no(served: Served) -> None:
    in_order(served.typist)
    unknown = served.decide(f"registry.test/shop/web@{Digest.of(b'another')}")
    assert unknown.json()["decision"] == "deny"
    assert served.decide(environment="elsewhere").json()["decision"] == "deny"


def test_what_was_recorded_a_moment_ago_counts_at_once(served: Served) -> None:
    served.typist.policy("sbom: {}")
    assert served.decide().json()["decision"] == "deny"
    served.typist.examined()
    assert served.decide().json()["decision"] == "allow"


def test_a_policy_that_changed_a_moment_ago_counts_at_once(served: Served) -> None:
    in_order(served.typist)
    for _ in range(3):
        served.typist.policy("sbom: {}")
        assert served.decide().json()["decision"] == "allow"
        served.typist.policy("freshness: {scan: 1h}")
        assert served.decide().json()["decision"] == "deny"


@pytest.mark.parametrize(
    "image",
    [
        "registry.test/shop/web:1.4",
        "registry.test/shop/web",
        "sha256:1f3c",
        f"oci:/etc@{SUBJECT.digest}",
        "registry.test/shop/web@md5:" + "0" * 32,
        "../../etc/passwd",
        "\x00",
    ],
)
def test_what_is_no_digest_is_refused(served: Served, image: str) -> None:
    in_order(served.typist)
    problem(served.decide(image), 422, "input")


def test_a_policy_that_cannot_be_read_is_no_allow(served: Served) -> None:
    in_order(served.typist)
    assert served.decide().json()["decision"] == "allow"
    (served.typist.folder / "policies" / "prod.yaml").write_text("rules: [")
    document = problem(served.decide(), 503, "policy")
    assert "prod.yaml" in document["detail"]


def test_a_batch_is_answered_in_its_order(served: Served) -> None:
    in_order(served.typist)
    other = f"registry.test/shop/web@{Digest.of(b'another')}"
    answer = served.post("/v1/gates/prod/decide-batch", {"images": [other, str(SUBJECT), other]})
    told = answer.json()["decisions"]
    assert [one["image"] for one in told] == [other, str(SUBJECT), other]
    assert [one["decision"] for one in told] == ["deny", "allow", "deny"]


def test_a_batch_with_one_image_that_cannot_be_judged_is_refused_whole(served: Served) -> None:
    in_order(served.typist)
    images = {"images": [str(SUBJECT), "registry.test/shop/web:1.4"]}
    problem(served.post("/v1/gates/prod/decide-batch", images), 422, "input")
    many = {"images": [str(SUBJECT)] * 1001}
    problem(served.post("/v1/gates/prod/decide-batch", many), 422, "input")
    problem(served.post("/v1/gates/prod/decide-batch", {"images": []}), 422, "input")


def test_a_verdict_that_has_run_out_is_made_anew(served: Served) -> None:
    served.typist.policy("freshness: {scan: 24h, database: 48h}")
    served.typist.examined(ago=timedelta(hours=25))
    assert served.decide().json()["decision"] == "deny"


def test_a_record_that_cannot_be_read_is_no_allow(served: Served) -> None:
    in_order(served.typist)
    assert served.decide().json()["decision"] == "allow"
    served.typist.sql("DROP TABLE decision_links")
    assert served.post(DECIDE, {"image": str(SUBJECT)}).status_code == 503
