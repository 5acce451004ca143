"""Every document about an image over HTTP: the bytes of its digest, or a problem document."""

from __future__ import annotations

from typing import Any

import pytest

from supplychain.model.access import Role
from supplychain.model.digest import Digest
from supplychain.records.content import key_of
from supplychain.records.folder import FolderStore
from supplychain.records.record import Record
from tests.kit.keys import signer
from tests.kit.runs import index_run, manifest_run, scan_record
from tests.kit.sboms import make_sbom
from tests.kit.scans import AT, SUBJECT
from tests.kit.serving import Served, problem
from tests.kit.visitors import organisation, visitor
from tests.unit.server.test_evidence import (
    BINARY,
    EVIDENCE,
    REVIEW,
    SBOM,
    believing,
    send,
    stated,
)

__all__ = ["believing"]
CLAIMS = f"/v1/images/{SUBJECT.digest}/claims"


def listed(served: Served, path: str = EVIDENCE) -> list[dict[str, Any]]:
    answer = served.get(path)
    assert answer.status_code == 200, answer.text
    documents: list[dict[str, Any]] = answer.json()["documents"]
    return documents


@pytest.fixture
def settled(believing: Served) -> Served:
    """Something made here, something signed, and somebody's mere word."""
    assert send(believing, stated(), environment="prod").status_code == 201
    assert send(believing, SBOM, "sbom").status_code == 202
    return believing


def test_every_document_is_listed_with_whose_word_it_is(settled: Served) -> None:
    found = listed(settled)
    assert [(one["kind"], one["claimed_by"]) for one in found] == [
        ("sbom", "ada"), ("attestation", None), ("sbom", None), ("scan", None),
    ]  # fmt: skip
    assert {one["subject"] for one in found} == {str(SUBJECT.digest)}
    claim, signed, _, scan = found
    assert (claim["digest"], claim["size"]) == (str(Digest.of(SBOM)), len(SBOM))
    assert (claim["verified_by"], claim["media_type"]) == (None, "application/json")
    assert signed["verified_by"] == f"key:{signer().public_key.fingerprint}"
    assert signed["predicate_type"] == REVIEW
    assert (scan["verified_by"], scan["size"]) == ("first-hand", 2)
    whole = [*listed(settled, f"{EVIDENCE}?limit=3")]
    cursor = settled.get(f"{EVIDENCE}?limit=3").json()["next_cursor"]
    assert [*whole, *listed(settled, f"{EVIDENCE}?cursor={cursor}")] == found


def test_a_document_comes_byte_for_byte_under_its_digest(settled: Served) -> None:
    for one in listed(settled):
        answer = settled.get(f"{EVIDENCE}/{one['digest']}")
        assert answer.status_code == 200, answer.text
        assert str(Digest.of(answer.content)) == one["digest"]
        assert len(answer.content) == one["size"]
        assert answer.headers["etag"] == f'"{one["digest"]}"'
        assert answer.headers["content-type"] == "application/octet-stream"
        tagged = {"If-None-Match": answer.headers["etag"]}
        again = settled.get(f"{EVIDENCE}/{one['digest']}", headers=tagged)
        assert (again.status_code, again.content) == (304, b"")
    assert settled.get(f"{EVIDENCE}/{Digest.of(SBOM)}").content == SBOM


def test_of_an_index_its_platforms_documents_are_there_too(served: Served) -> None:
    run = index_run(attestations=True)
    with served.typist.record() as record:
        record.save_run(run, at=served.typist.now)
    path = f"/v1/images/{run.subject.digest}/evidence"
    found = listed(served, path)
    subjects = {str(p.subject.digest) for p in run.platforms} | {str(run.subject.digest)}
    assert {one["subject"] for one in found} == subjects
    assert all(served.get(f"{path}/{one['digest']}").status_code == 200 for one in found)
    [one] = [one for one in found if one["subject"] == str(run.platforms[0].subject.digest)]
    alone = f"/v1/images/{one['subject']}/evidence"
    assert [each["digest"] for each in listed(served, alone)] == [one["digest"]]
    other = next(each["digest"] for each in found if each["digest"] != one["digest"])
    problem(served.get(f"{alone}/{other}"), 404, "not_found")
    sent = served.client.post(alone, content=SBOM, params={"kind": "sbom"}, headers=BINARY)
    assert sent.status_code == 202, sent.text
    claims = served.get(f"/v1/images/{run.subject.digest}/claims").json()["claims"]
    assert [each["subject"] for each in claims] == [one["subject"]]


@pytest.mark.parametrize(
    ("damage", "code"), [(None, "content_missing"), (b"{ }", "digest_mismatch")]
)
def test_bytes_that_are_gone_or_others_are_a_problem(
    settled: Served, damage: bytes | None, code: str
) -> None:
    path = settled.typist.data / "content" / key_of(Digest.of(SBOM))
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    told = problem(settled.get(f"{EVIDENCE}/{Digest.of(SBOM)}"), 503, code)
    assert told["retryable"] is False
    sizes = {one["digest"]: one["size"] for one in listed(settled)}
    assert sizes[str(Digest.of(SBOM))] == (None if damage is None else 3)
    tagged = {"If-None-Match": f'"{Digest.of(SBOM)}"'}
    problem(settled.get(f"{EVIDENCE}/{Digest.of(SBOM)}", headers=tagged), 503, code)


def test_what_is_no_evidence_about_the_image_is_not_there(settled: Served) -> None:
    decision = settled.decide().json()["decision_id"]
    for other in (decision, str(Digest.of(b"never")), str(SUBJECT.digest)):
        problem(settled.get(f"{EVIDENCE}/{other}"), 404, "not_found")
    unknown = f"/v1/images/{Digest.of(b'another')}/evidence"
    problem(settled.get(unknown), 404, "not_found")
    problem(settled.get(f"{unknown}/{Digest.of(SBOM)}"), 404, "not_found")
    problem(settled.get(f"{EVIDENCE}/sha256:beef"), 422, "input")


def test_it_is_there_for_whoever_may_read_this_project_and_nobody_else(settled: Served) -> None:
    document = f"{EVIDENCE}/{Digest.of(SBOM)}"
    assert visitor(settled, Role.VIEWER).get(document).content == SBOM
    with settled.typist.record() as record:
        record.access.projects.create("other", at=settled.typist.now)
    url = f"sqlite:///{settled.typist.data / 'supplychain.db'}"
    with Record.open(url, FolderStore(settled.typist.data / "content"), project="other") as other:
        other.save_run(manifest_run(), at=AT)
    elsewhere = visitor(settled, *Role, owner="eve", projects=("other",))
    problem(elsewhere.get(document), 403, "forbidden")
    problem(elsewhere.get(f"{document}?project=other"), 404, "not_found")
    [own] = elsewhere.get(f"{EVIDENCE}?project=other").json()["documents"]
    assert own["kind"] == "scan"
    organisation(settled)
    stranger = visitor(settled, *Role, owner="eve", organisation="bank")
    problem(stranger.get(EVIDENCE), 404, "not_found")
    problem(stranger.get(document), 404, "not_found")


TAKEN = "claims:\n  - {by: [ada], kinds: [sbom]}\n"


def judged(served: Served, environment: str) -> list[tuple[object, object]]:
    answer = served.get(CLAIMS, params={"environment": environment})
    assert answer.status_code == 200, answer.text
    return [(one["counts"], one["because"]) for one in answer.json()["claims"]]


def test_of_a_claim_is_said_what_the_gate_makes_of_it(served: Served) -> None:
    with served.typist.record() as record:
        at = served.typist.now
        record.save_run(manifest_run(scan=scan_record(produced_at=at)), at=at)
    good = make_sbom()
    path = served.typist.policy("sbom: {}")
    assert send(served, good, "sbom").status_code == 202
    rest = served.get(CLAIMS).json()["claims"]
    assert [(one["counts"], one["because"]) for one in rest] == [(None, None)]
    assert judged(served, "prod") == [(False, "the policy of prod takes no sbom of ada")]
    assert judged(served, "nowhere") == [(False, "nowhere has no policy")]
    assert served.decide().json()["decision"] == "deny"
    path.write_text(path.read_text() + TAKEN)
    assert judged(served, "prod") == [(True, None)]
    assert served.decide().json()["decision"] == "allow"
    # What cannot be read takes no earlier one's place; what can, does.
    assert send(served, b'{"spdxVersion": "SPDX-2.3"}', "sbom").json()["unread"]
    assert [counts for counts, _ in judged(served, "prod")] == [False, True]
    assert served.decide().json()["decision"] == "allow"
    assert send(served, good + b"\n", "sbom").json()["unread"] == ""
    assert judged(served, "prod")[0] == (True, None)
    assert judged(served, "prod")[2] == (False, "ada handed in a later one")
    other = visitor(served, Role.SUBMITTER, owner="bob")
    body = good + b"\n\n"
    assert other.ask("POST", f"{EVIDENCE}?kind=sbom", content=body, headers=BINARY).is_success
    assert judged(served, "prod")[:2] == [
        (False, "the policy of prod takes no sbom of bob"), (True, None),
    ]  # fmt: skip
    problem(served.get(CLAIMS, params={"environment": "../prod"}), 422, "input")
