"""Signed claims about vulnerabilities, handed in and reviewed over HTTP."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from supplychain.model.access import Role
from supplychain.model.digest import Digest
from supplychain.model.finding import Severity
from supplychain.signing.blobs import Blob, sign
from tests.kit.keys import signer
from tests.kit.records import row_counts
from tests.kit.scans import make_finding
from tests.kit.serving import Served, problem
from tests.kit.vex import CVE, openvex, openvex_statement
from tests.kit.visitors import visitor

TRUST = "vex:\n  trust: {keys: [../vendor.pub]}\n"
HELD = f"{TRUST}  review: {{reviewers: [alice]}}\n"


def signed(data: bytes, key: str = "vendor") -> dict[str, str]:
    """A document with somebody's signature, as it is handed in."""
    bundle = sign(Blob("v.json", (Digest.of(data),), data), signer(key))
    both = {"document": data, "bundle": bundle}
    return {
        "environment": "prod",
        **{name: base64.b64encode(value).decode() for name, value in both.items()},
    }


def hand_in(served: Served, body: object, **headers: str) -> httpx.Response:
    return served.post("/v1/vex", body, headers=headers)


def policy(served: Served, more: str) -> None:
    path = served.typist.policy("vulnerabilities: {severity: high}")
    path.write_text(path.read_text() + more)


@pytest.fixture
def affected(served: Served) -> Served:
    """An image with a finding, and a policy that believes its vendor."""
    (served.typist.folder / "vendor.pub").write_bytes(signer("vendor").public_key.pem())
    policy(served, TRUST)
    served.typist.examined(make_finding(severity=Severity.CRITICAL))
    return served


def test_a_claim_of_whom_the_policy_believes_counts_at_once(affected: Served) -> None:
    assert affected.decide().json()["decision"] == "deny"
    answer = hand_in(affected, signed(openvex()))
    assert answer.status_code == 201, answer.text
    (claim,) = answer.json()["claims"]
    assert (claim["vulnerability"], claim["status"]) == ([CVE], "not_affected")
    assert affected.decide().json()["decision"] == "allow"
    assert affected.get(answer.headers["location"]).json() == answer.json()
    (listed,) = affected.get("/v1/vex").json()["documents"]
    assert answer.headers["location"] == f"/v1/vex/{listed['digest']}"


def test_a_claim_that_is_held_counts_once_somebody_reviewed_it(affected: Served) -> None:
    policy(affected, HELD)
    where = hand_in(affected, signed(openvex())).headers["location"]
    assert affected.decide().json()["decision"] == "deny"
    alice = visitor(affected, Role.WAIVER_APPROVER, owner="alice")
    mallory = visitor(affected, Role.WAIVER_APPROVER, owner="mallory")
    said = {"number": 1, "reason": "we never parse XML"}
    # Of whom the policy does not name, the word is kept and counts for nothing.
    assert mallory.post(f"{where}/review", said).status_code == 200
    assert affected.decide().json()["decision"] == "deny"
    reviewed = alice.post(f"{where}/review", said)
    assert reviewed.status_code == 200, reviewed.text
    assert affected.decide().json()["decision"] == "allow"
    taken_back = alice.post(f"{where}/review", {**said, "withdraw": True})
    assert taken_back.status_code == 200
    assert affected.decide().json()["decision"] == "deny"
    submitter = visitor(affected, Role.SUBMITTER, owner="bob")
    problem(submitter.post(f"{where}/review", said), 403, "forbidden")
    problem(alice.post(f"{where}/review", {**said, "reason": " "}), 422, "input")
    problem(alice.post(f"{where}/review", {**said, "number": 9}), 404, "not_found")
    problem(alice.post(f"/v1/vex/sha256:{'0' * 64}/review", said), 404, "not_found")


def test_a_claim_is_reviewed_as_it_was_seen_or_not_at_all(affected: Served) -> None:
    policy(affected, HELD)
    where = hand_in(affected, signed(openvex())).headers["location"]
    alice = visitor(affected, Role.WAIVER_APPROVER, owner="alice")
    seen, said = affected.get(where).headers["etag"], {"number": 1, "reason": "we never parse XML"}

    def reviewed(tag: str) -> httpx.Response:
        return alice.post(f"{where}/review", said, headers={"If-Match": tag})

    problem(reviewed('"another"'), 412, "precondition")
    assert affected.decide().json()["decision"] == "deny"
    assert reviewed(seen).status_code == 200
    problem(reviewed(seen), 412, "precondition")
    assert reviewed(affected.get(where).headers["etag"]).status_code == 200


def _large(size: int) -> bytes:
    """A document of more than so many bytes, of claims about what is not there."""
    note = "x" * 5000
    count = size // 5000 + 1
    return openvex(
        openvex_statement(),
        *(
            openvex_statement(vulnerability={"name": f"CVE-2000-{n}"}, impact_statement=note)
            for n in range(10_000, 10_000 + count)
        ),
    )


def test_a_document_of_some_megabytes_is_taken(affected: Served) -> None:
    data = _large(3 << 20)
    answer = hand_in(affected, signed(data))
    assert answer.status_code == 201, answer.text[:500]
    assert len(answer.json()["claims"]) > 600
    assert affected.decide().json()["decision"] == "allow"


def test_a_document_of_more_than_is_read_is_refused(affected: Served) -> None:
    problem(hand_in(affected, signed(b"{}" + b" " * (16 << 20))), 413, "limit")


@pytest.mark.parametrize("served", [{"max_upload_size": "2MiB"}], indirect=True)
def test_an_upload_ends_where_the_operator_says(affected: Served) -> None:
    problem(hand_in(affected, signed(_large(3 << 20))), 413, "limit")
    assert affected.get("/v1/vex").json()["documents"] == []
    assert hand_in(affected, signed(_large(1 << 20))).status_code == 201


def _bodies() -> list[tuple[bytes, int, str]]:
    good = signed(openvex())
    written = json.dumps(good).encode()
    deep: Any = {"a": []}
    for _ in range(40):
        deep = {"a": deep}
    return [
        (b"", 422, "input"),
        (b"[]", 422, "input"),
        (b"\xff", 422, "input"),
        (written[:-1] + b', "environment": "prod"}', 422, "input"),
        (json.dumps({**good, "more": 1}).encode(), 422, "input"),
        (json.dumps({**good, "environment": "a\0"}).encode(), 422, "input"),
        (json.dumps({**good, "more": deep}).encode(), 413, "limit"),
        (json.dumps({**good, "document": "%%%"}).encode(), 422, "input"),
        (json.dumps({**good, "environment": "nowhere"}).encode(), 422, "input"),
        (json.dumps(signed(openvex(), "stranger")).encode(), 422, "verification"),
        (
            json.dumps({**good, "document": signed(openvex(version=2))["document"]}).encode(),
            422,
            "verification",
        ),
        (json.dumps(signed(b"{}")).encode(), 422, "input"),
    ]


def test_what_does_not_hold_is_refused_and_changes_nothing(affected: Served) -> None:
    url = affected.service.settings.database_url
    before = row_counts(url)
    for body, status, code in _bodies():
        answer = affected.client.post(
            "/v1/vex", content=body, headers={"Content-Type": "application/json"}
        )
        problem(answer, status, code)
    problem(affected.client.post("/v1/vex", content=_bodies()[0][0]), 415, "media_type")
    assert row_counts(url) == before
    assert affected.decide().json()["decision"] == "deny"


def test_a_key_that_was_used_with_another_document_is_refused(affected: Served) -> None:
    key = {"Idempotency-Key": "k"}
    body = signed(openvex())
    first, again = (hand_in(affected, body, **key) for _ in range(2))
    assert first.status_code == 201
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    problem(hand_in(affected, signed(openvex(version=2)), **key), 422, "input")
    assert len(affected.get("/v1/vex").json()["documents"]) == 1
