"""Evidence that was made elsewhere: verified before it is recorded, or kept apart."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from supplychain.model.access import Role
from supplychain.model.digest import Digest
from supplychain.model.evidence import CYCLONEDX_PREDICATE
from supplychain.model.subject import Subject
from supplychain.signing import dsse
from supplychain.signing.statement import write
from tests.kit.keys import signer
from tests.kit.sboms import changed, make_sbom
from tests.kit.scans import SUBJECT
from tests.kit.serving import Served, problem
from tests.kit.visitors import organisation, visitor

EVIDENCE = f"/v1/images/{SUBJECT.digest}/evidence"
REVIEW = "https://example.com/review/v1"
BINARY = {"Content-Type": "application/octet-stream"}
SBOM = b'{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}'


def stated(subject: Subject = SUBJECT, key: str = "release", by: str = "Ann") -> bytes:
    """A signed statement about an image, as an envelope."""
    payload = write(subject, REVIEW, json.dumps({"by": by}).encode())
    return json.dumps(dsse.seal(payload, signer(key)).value()).encode()


def send(served: Served, body: bytes, kind: str = "attestation", **query: str) -> httpx.Response:
    answer: httpx.Response = served.client.post(
        EVIDENCE, content=body, params={"kind": kind, **query}, headers=BINARY
    )
    return answer


@pytest.fixture
def believing(served: Served) -> Served:
    """An image whose policy wants a review, signed with the release key."""
    (served.typist.folder / "release.pub").write_bytes(signer().public_key.pem())
    served.typist.policy(f"attestation: {{type: {REVIEW}, keys: [../release.pub], max_age: 24h}}")
    served.typist.examined()
    return served


def rows(served: Served, table: str) -> int:
    with closing(sqlite3.connect(served.typist.data / "supplychain.db")) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)


def test_what_somebody_trusted_signed_counts_for_the_very_next_decision(believing: Served) -> None:
    assert believing.decide().json()["decision"] == "deny"
    answer = send(believing, stated(), environment="prod")
    assert answer.status_code == 201, answer.text
    (told,) = answer.json()["statements"]
    assert (told["subject"], told["predicate_type"]) == (str(SUBJECT.digest), REVIEW)
    assert believing.decide().json()["decision"] == "allow"
    assert send(believing, stated(), environment="prod").status_code == 201
    assert rows(believing, "attestations") >= 1


def test_who_handed_it_in_first_is_shown_beside_whose_word_it_is(believing: Served) -> None:
    assert send(believing, stated(), environment="prod").status_code == 201
    bob = visitor(believing, Role.SUBMITTER, owner="machine:bob")
    again = bob.ask(
        "POST",
        EVIDENCE,
        content=stated() + b"\n" + stated(by="Bea"),
        params={"kind": "attestation", "environment": "prod"},
        headers=BINARY,
    )
    assert again.status_code == 201, again.text
    found = believing.client.get(EVIDENCE).json()["documents"]
    assert all(one["verified_by"] and one["claimed_by"] is None for one in found)
    assert {(one["kind"], one["handed_in_by"]) for one in found} == {
        ("attestation", "machine:bob"),
        ("attestation", "ada"),
        ("sbom", None),
        ("scan", None),
    }


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (stated(key="another"), 422, "verification"),
        (stated(Subject("registry.test/shop/web", Digest.of(b"x"))), 422, "verification"),
        (stated().replace(b'"payload": "', b'"payload": "AAAA'), 422, "verification"),
        (stated() + b"\n" + stated(key="another"), 422, "verification"),
        (b"", 422, "input"),
        (b"{}", 422, "input"),
        (b"\x00\xff", 422, "input"),
        (b'{"payloadType": 1}', 422, "verification"),
        (SBOM, 422, "input"),
    ],
    ids=[
        "another-key",
        "another-image",
        "changed",
        "one-of-two",
        "empty",
        "nothing",
        "binary",
        "no-envelope",
        "unsigned",
    ],
)
def test_what_does_not_hold_is_refused_and_changes_nothing(
    believing: Served, body: bytes, status: int, code: str
) -> None:
    before = rows(believing, "evidence"), rows(believing, "audit_events")
    problem(send(believing, body, environment="prod"), status, code)
    assert (rows(believing, "evidence"), rows(believing, "audit_events")) == before
    assert believing.decide().json()["decision"] == "deny"


def test_whose_word_counts_is_said_by_the_policy_and_by_nobody_else(believing: Served) -> None:
    problem(send(believing, stated()), 422, "input")
    problem(send(believing, stated(), environment="nowhere"), 422, "input")
    believing.typist.policy("sbom: {}", environment="staging")
    problem(send(believing, stated(), environment="staging"), 422, "input")


def test_evidence_about_an_image_that_nobody_recorded_is_refused(believing: Served) -> None:
    other = f"/v1/images/{Digest.of(b'another')}/evidence?kind=attestation&environment=prod"
    answer = believing.client.post(other, content=stated(), headers=BINARY)
    problem(answer, 404, "not_found")


@pytest.mark.parametrize("kind", ["sbom", "scan"])
def test_what_nobody_signed_is_kept_apart_and_counts_for_nothing(served: Served, kind: str) -> None:
    served.typist.policy("sbom: {}")
    with served.typist.record() as record:
        from tests.kit.runs import manifest_run, scan_record

        at = served.typist.now
        record.save_run(manifest_run(scan=scan_record(produced_at=at)), at=at)
    before = served.decide().json()
    answer = send(served, SBOM, kind)
    assert answer.status_code == 202, answer.text
    assert answer.json()["claimed_by"] == "ada"
    assert answer.json()["digest"] == str(Digest.of(SBOM))
    assert send(served, SBOM, kind).status_code == 202
    (listed,) = served.get(f"/v1/images/{SUBJECT.digest}/claims").json()["claims"]
    assert listed["kind"] == kind
    after = served.decide().json()
    assert (after["decision"], after["reasons"]) == ("deny", before["reasons"])
    problem(served.get(f"/v1/images/{SUBJECT.digest}/documents/sbom"), 404, "not_found")


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"a": 1, "a": 2}', b"{" * 5000])
def test_what_is_no_document_is_not_even_kept_apart(served: Served, body: bytes) -> None:
    served.typist.examined()
    problem(send(served, body, "sbom"), 422, "input")
    assert served.get(f"/v1/images/{SUBJECT.digest}/claims").json()["claims"] == []


@pytest.mark.parametrize("served", [{"max_upload_size": "64KiB"}], indirect=True)
def test_evidence_is_taken_up_to_a_size_and_no_further(served: Served) -> None:
    served.typist.examined()
    large = b'{"a": "' + b"x" * 70_000 + b'"}'
    problem(send(served, large, "sbom"), 413, "limit")

    def endless() -> Iterator[bytes]:
        for _ in range(1000):
            yield b" " * 4096

    answer = served.client.post(f"{EVIDENCE}?kind=sbom", content=endless(), headers=BINARY)
    problem(answer, 413, "limit")
    assert send(served, large[:60_000] + b'"}', "sbom").status_code == 202


@pytest.mark.parametrize("kind", ["attestation", "sbom"])
def test_a_key_that_was_used_with_another_body_is_refused(believing: Served, kind: str) -> None:
    def keyed(body: bytes) -> httpx.Response:
        answer: httpx.Response = believing.client.post(
            EVIDENCE,
            content=body,
            params={"kind": kind, "environment": "prod"},
            headers=BINARY | {"Idempotency-Key": "k"},
        )
        return answer

    one, other = (stated(by="Ann"), stated(by="Bob")) if kind == "attestation" else (SBOM, b"{}")
    first, again = keyed(one), keyed(one)
    assert first.status_code in {201, 202}
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    before = rows(believing, "evidence"), rows(believing, "audit_events")
    problem(keyed(other), 422, "input")
    assert (rows(believing, "evidence"), rows(believing, "audit_events")) == before


def listing(*parts: object, **document: object) -> bytes:
    """A CycloneDX document, as another tool writes it."""
    said = {"bomFormat": "CycloneDX", "specVersion": "1.4", "components": parts, **document}
    return json.dumps(said).encode()


DJANGO = {"type": "library", "name": "django", "version": "2.2", "purl": "pkg:pypi/django@2.2"}
WITHIN = {"type": "application", "name": "shop", "components": [DJANGO, DJANGO]}


def claimed(
    served: Served, purl: str = "pkg:pypi/django@2.2", **query: str
) -> list[dict[str, Any]]:
    answer = served.get("/v1/search/claims", params={"purl": purl, **query})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["claims"]
    return found


def test_what_is_claimed_is_found_where_it_is_asked_for_and_nowhere_else(served: Served) -> None:
    served.typist.examined()
    document = listing(WITHIN)
    assert send(served, document, "sbom").json()["components"] == 2
    assert send(served, document, "sbom").json()["components"] == 2
    [one] = claimed(served)
    assert (one["subject"], one["claimed_by"]) == (str(SUBJECT.digest), "ada")
    assert one["names"] == [SUBJECT.name]
    assert one["document"] == str(Digest.of(document))
    [held] = one["found"]
    assert (held["package"], held["version"], held["certain"]) == ("django", "2.2", True)
    assert claimed(served, "pkg:pypi/Django", versions=">=2.0, <2.2.28")
    assert not claimed(served, "pkg:pypi/django", versions=">=2.2.28")
    assert not claimed(served, at="2001-01-01T00:00:00Z")
    searched = served.get("/v1/search/components", params={"purl": "pkg:pypi/django"})
    assert searched.json()["images"] == []
    claims = served.get(f"/v1/images/{SUBJECT.digest}/claims").json()["claims"]
    assert [claim["components"] for claim in claims] == [2]


def test_of_each_caller_the_newest_claim_is_found(served: Served) -> None:
    served.typist.examined()
    send(served, listing(DJANGO), "sbom")
    other = visitor(served, Role.SUBMITTER, owner="bob")
    body = listing(DJANGO, serialNumber="urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79")
    asked = other.ask("POST", f"{EVIDENCE}?kind=sbom", content=body, headers=BINARY)
    assert asked.status_code == 202, asked.text
    assert [one["claimed_by"] for one in claimed(served)] == ["bob", "ada"]
    send(served, listing(), "sbom")
    assert [one["claimed_by"] for one in claimed(served)] == ["bob"]


def test_claims_come_by_pages_of_one_moment(served: Served) -> None:
    served.typist.examined()
    documents = [listing(DJANGO, serialNumber=str(number)) for number in range(4)]
    visitors = [visitor(served, Role.SUBMITTER, owner=f"caller-{n}") for n in range(4)]

    def hand_in(number: int) -> None:
        asked = visitors[number].ask(
            "POST", f"{EVIDENCE}?kind=sbom", content=documents[number], headers=BINARY
        )
        assert asked.status_code == 202, asked.text

    for number in range(3):
        hand_in(number)
    path = "/v1/search/claims?purl=pkg:pypi/django&limit=2"
    first = served.get(path).json()
    hand_in(3)
    following = f"cursor={first['next_cursor']}"
    second = served.get(f"{path}&{following}").json()
    seen = [one["document"] for one in (*first["claims"], *second["claims"])]
    assert seen == [str(Digest.of(one)) for one in reversed(documents[:3])]
    assert second["next_cursor"] is None
    assert len(claimed(served, "pkg:pypi/django")) == 4
    problem(served.get(f"{path}&versions=2.2&{following}"), 422, "input")


def test_claims_are_found_by_their_own_organisation_alone(served: Served) -> None:
    served.typist.examined()
    send(served, listing(DJANGO), "sbom")
    organisation(served)
    stranger = visitor(served, Role.VIEWER, organisation="bank")
    answer = stranger.get("/v1/search/claims?purl=pkg:pypi/django")
    assert answer.status_code == 200
    assert answer.json()["claims"] == []


@pytest.mark.parametrize(
    "document",
    [
        listing({"name": 1}),
        listing({"purl": "pkg:pypi/django@2.2"}),
        listing({"name": "django", "version": ["2.2"]}),
        listing({"name": "django", "version": {}}),
        listing({"name": "x" * 400}),
        listing({"name": "a\0b"}),
        listing({"name": "django", "components": {}}),
        listing(components={"name": "django"}),
        listing(components=["django"]),
    ],
)
def test_a_document_that_lists_what_is_no_component_is_kept_and_counts_for_nothing(
    served: Served, document: bytes
) -> None:
    served.typist.examined()
    before = rows(served, "components")
    answer = send(served, document, "sbom")
    assert (answer.status_code, answer.json()["components"]) == (202, None)
    assert answer.json()["unread"]
    assert rows(served, "components") == before
    assert rows(served, "sbom_contents") == 0


def test_what_nobody_could_find_does_not_speak_for_an_image(served: Served) -> None:
    served.typist.examined()
    named = changed(make_sbom(), lambda parsed: parsed["components"][0].update(name="x" * 400))
    told = send(served, named, "sbom").json()
    assert "a name of 400 characters" in told["unread"]
    assert rows(served, "sbom_contents") == 0


def test_what_is_no_cyclonedx_is_kept_and_not_searched(served: Served) -> None:
    served.typist.examined()
    answer = send(served, b'{"spdxVersion": "SPDX-2.3"}', "sbom")
    assert (answer.status_code, answer.json()["components"]) == (202, None)
    assert claimed(served) == []


def signed_sbom(document: bytes, subject: Subject = SUBJECT, key: str = "release") -> bytes:
    payload = write(subject, CYCLONEDX_PREDICATE, document)
    return json.dumps(dsse.seal(payload, signer(key)).value()).encode()


def found(served: Served, purl: str = "pkg:pypi/django", **query: str) -> list[dict[str, Any]]:
    answer = served.get("/v1/search/components", params={"purl": purl, **query})
    assert answer.status_code == 200, answer.text
    images: list[dict[str, Any]] = answer.json()["images"]
    return images


def test_what_a_signed_sbom_lists_is_found_among_what_scans_found(believing: Served) -> None:
    assert not found(believing)
    answer = send(believing, signed_sbom(listing(WITHIN)), environment="prod")
    assert answer.status_code == 201, answer.text
    assert [one["components"] for one in answer.json()["statements"]] == [2]
    [image] = found(believing)
    assert (image["digest"], image["names"]) == (str(SUBJECT.digest), [SUBJECT.name])
    [held] = image["platforms"][0]["found"]
    assert (held["package"], held["version"], held["certain"]) == ("django", "2.2", True)
    assert held["detail"] == f"in an SBOM of key:{signer().public_key.fingerprint}"
    assert not found(believing, versions=">=2.2.28")
    assert not found(believing, at="2001-01-01T00:00:00Z")
    assert claimed(believing) == []
    # The newest one of the same signer takes its place.
    assert send(believing, signed_sbom(listing()), environment="prod").status_code == 201
    assert not found(believing)


def test_the_same_bytes_without_a_signature_stay_a_mere_claim(believing: Served) -> None:
    document = listing(DJANGO)
    stated_otherwise = write(SUBJECT, REVIEW, document)
    body = json.dumps(dsse.seal(stated_otherwise, signer()).value()).encode()
    assert send(believing, document, "sbom").status_code == 202
    told = send(believing, body, environment="prod").json()["statements"]
    assert [one["components"] for one in told] == [None]
    assert not found(believing)
    problem(
        send(believing, signed_sbom(document, key="another"), environment="prod"),
        422,
        "verification",
    )
    assert not found(believing)
    assert [one["claimed_by"] for one in claimed(believing)] == ["ada"]


def test_a_signed_sbom_that_cannot_be_searched_is_kept(believing: Served) -> None:
    body = signed_sbom(listing({"name": "x" * 400}))
    told = send(believing, body, environment="prod")
    assert (told.status_code, told.json()["statements"][0]["components"]) == (201, None)
    assert rows(believing, "sbom_contents") == 0
