"""Evidence through a server: as at the record, and never other bytes than were asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from supplychain.model.digest import Digest
from supplychain.records.content import key_of
from tests.kit.keys import signer
from tests.kit.listening import Remote
from tests.kit.misbehaving import Answer, cut, redirect, reply, scripted_server
from tests.kit.sboms import make_sbom
from tests.kit.scans import SUBJECT
from tests.kit.typist import IMAGE, Typist
from tests.unit.server.test_evidence import BINARY, EVIDENCE, REVIEW, SBOM, stated

DOCUMENT = str(Digest.of(SBOM))
OTHER, PLATFORM = str(Digest.of(b"another image")), str(Digest.of(b"a platform"))
JSON, BYTES = "application/json", "application/octet-stream"


@pytest.fixture
def settled(remote: Remote) -> Remote:
    """Something made here, and somebody's mere word."""
    remote.typist.examined()
    remote.served.client.post(
        EVIDENCE, content=SBOM, params={"kind": "sbom"}, headers=BINARY
    ).raise_for_status()
    return remote


def same(remote: Remote, *words: str) -> str:
    there, here = (where(*words).ended(0).ageless for where in (remote.type, remote.here))
    assert there == here
    return there


def test_it_is_listed_and_written_as_at_the_record(settled: Remote) -> None:
    for image in (IMAGE, IMAGE[7:19], SUBJECT.name):
        found = json.loads(same(settled, "evidence", "list", image, "-o", "json"))["documents"]
        assert [one["kind"] for one in found] == ["sbom", "sbom", "scan"]
    text = same(settled, "evidence", "list", IMAGE)
    assert "claimed " in text
    assert "  by ada\n" in text
    assert text.count("  by first-hand\n") == 2
    for name in (DOCUMENT, DOCUMENT[7:19], DOCUMENT[:20]):
        assert same(settled, "evidence", "download", IMAGE, name) == SBOM.decode()
    file = settled.typist.folder / "out"
    settled.type("evidence", "download", IMAGE, DOCUMENT, "--output-file", str(file)).ended(0)
    assert file.read_bytes() == SBOM
    for where in (settled.type, settled.here):
        where("evidence", "download", IMAGE, "0" * 12).refused(1, "no evidence")
        where("evidence", "download", IMAGE, f"sha256:{'0' * 64}").refused(1, "no evidence")
        where("evidence", "download", IMAGE, "../x").refused(2, "is no digest")
        where("evidence", "list", "0" * 12).refused(1)


def test_whether_a_claim_counts_is_said_as_at_the_record(settled: Remote) -> None:
    path = settled.typist.policy("sbom: {}")
    claims = ("evidence", "claims", IMAGE)
    assert json.loads(same(settled, *claims, "-o", "json"))["claims"][0]["counts"] is None
    assert "counts nowhere" in same(settled, *claims)
    assert "does not count in prod: " in same(settled, *claims, "-e", "prod")
    settled.served.client.post(
        EVIDENCE, content=make_sbom(), params={"kind": "sbom"}, headers=BINARY
    ).raise_for_status()
    assert "takes no sbom of ada" in same(settled, *claims, "-e", "prod")
    path.write_text(path.read_text() + "claims:\n  - {by: [ada], kinds: [sbom]}\n")
    assert "  counts in prod\n" in same(settled, *claims, "-e", "prod")
    [first, _] = json.loads(same(settled, *claims, "-e", "prod", "-o", "json"))["claims"]
    assert (first["counts"], first["because"]) == (True, None)
    settled.type(*claims, "-e", "../prod").refused(2)


@pytest.mark.parametrize("damage", [None, b"{}"])
def test_bytes_that_are_gone_or_others_are_written_nowhere(
    settled: Remote, damage: bytes | None
) -> None:
    stored = settled.typist.data / "content" / key_of(Digest.of(SBOM))
    stored.unlink()
    if damage is not None:
        stored.write_bytes(damage)
    file = settled.typist.folder / "out"
    for where in (settled.type, settled.here):
        words = ("evidence", "download", IMAGE, DOCUMENT, "--output-file", str(file))
        where(*words).refused(1, "content store")
        assert not file.exists()
    assert ("MISSING" in same(settled, "evidence", "list", IMAGE)) is (damage is None)


def test_who_handed_in_what_was_verified_is_shown_as_at_the_record(remote: Remote) -> None:
    (remote.typist.folder / "release.pub").write_bytes(signer().public_key.pem())
    remote.typist.policy(f"attestation: {{type: {REVIEW}, keys: [../release.pub], max_age: 24h}}")
    remote.typist.examined()
    asked = {"kind": "attestation", "environment": "prod"}
    remote.served.client.post(
        EVIDENCE, content=stated(), params=asked, headers=BINARY
    ).raise_for_status()
    assert same(remote, "evidence", "list", IMAGE).count(", handed in by ada\n") == 1
    found = json.loads(same(remote, "evidence", "list", IMAGE, "-o", "json"))["documents"]
    assert [one["handed_in_by"] for one in found] == ["ada", None, None]


def told(**other: object) -> bytes:
    one = {
        "subject": IMAGE, "kind": "sbom", "digest": DOCUMENT, "media_type": JSON,
        "size": len(SBOM), "predicate_type": None, "verified_by": None, "claimed_by": "ada",
        "handed_in_by": "ada", "recorded_at": "2026-11-24T09:00:00Z",
    }  # fmt: skip
    return json.dumps({"documents": [one | other], "next_cursor": None}).encode()


def claimed(**other: object) -> bytes:
    one = {
        "subject": IMAGE, "kind": "sbom", "claimed_by": "ada", "digest": DOCUMENT, "size": 7,
        "recorded_at": "2026-11-24T09:00:00Z", "unread": "", "components": None,
        "counts": True, "because": None,
    }  # fmt: skip
    return json.dumps({"claims": [one | other], "next_cursor": None}).encode()


def shown(digest: str = IMAGE) -> bytes:
    one = {"digest": PLATFORM, "platform": "linux/amd64", "scanned_at": None}
    said = {
        "digest": digest, "media_type": JSON, "names": ["registry.test/shop/web"],
        "recorded_at": "2026-11-24T09:00:00Z", "platforms": [one | {"findings": {}}],
        "decisions": [],
    }  # fmt: skip
    return json.dumps(said).encode()


BAD: dict[str, tuple[Answer, str]] = {
    "other bytes": (reply(200, SBOM + b" ", kind=BYTES), "other bytes than those"),
    "no bytes": (reply(200, b"", kind=BYTES), "other bytes than those"),
    "half of it": (reply(200, SBOM[:9], kind=BYTES), "other bytes than those"),
    "cut off": (cut(SBOM, 9, BYTES), "cut off"),
    "a page": (reply(200, b"<html>", kind="text/html"), "is text/html"),
    "as JSON": (reply(200, SBOM, kind=JSON), "is application/json"),
    "nothing": (reply(204), "of no type"),
    "sent on": (redirect("https://evil.example/"), "nobody is followed"),
    "not modified": (reply(304), "sends on to nowhere"),
    "not ours": (reply(404, b"<html>", kind="text/html"), "without a problem document"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_that_document_is_written_nowhere(
    typist: Typist, name: str, tmp_path: Path
) -> None:
    typist.patch.setenv("SUPPLYCHAIN_TOKEN", "sct_k3v9x2m4q7ab_x")
    answer, said = BAD[name]
    file = tmp_path / "out"
    file.write_bytes(b"as it was")
    with scripted_server() as server:
        server.on("GET", EVIDENCE, reply(200, told(), kind=JSON))
        server.on("GET", f"{EVIDENCE}/{DOCUMENT}", answer)
        for document in (DOCUMENT, DOCUMENT[7:19]):
            words = ("evidence", "download", IMAGE, document)
            there = typist.type("--server", server.url, *words, "--output-file", str(file))
            there.refused(1, said)
            assert file.read_bytes() == b"as it was"
            typist.type("--server", server.url, *words).refused(1, said)
        assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


FALSE_LISTS: dict[str, dict[str, object]] = {
    "another document": {"digest": f"sha256:{'0' * 64}"},
    "no digest": {"digest": "latest"},
    "verified and claimed": {"verified_by": "first-hand"},
    "neither": {"claimed_by": None},
    "no kind": {"kind": "verdict"},
    "no time": {"recorded_at": "yesterday"},
    "no size": {"size": "large"},
    "about another image": {"subject": OTHER},
}


@pytest.mark.parametrize("name", FALSE_LISTS)
def test_a_list_that_cannot_be_one_is_none(typist: Typist, name: str) -> None:
    typist.patch.setenv("SUPPLYCHAIN_TOKEN", "sct_k3v9x2m4q7ab_x")
    with scripted_server() as server:
        server.on("GET", f"{EVIDENCE}/{DOCUMENT}", reply(200, SBOM, kind=BYTES))
        words = ("evidence", "download", IMAGE, DOCUMENT[7:19])
        server.on("GET", EVIDENCE, reply(200, told(), kind=JSON))
        server.on("GET", f"/v1/images/{IMAGE}", reply(200, shown(), kind=JSON))
        typist.type("--server", server.url, *words).ended(0)
        typist.type("--server", server.url, "evidence", "list", IMAGE).ended(0)
        server.on("GET", EVIDENCE, reply(200, told(**FALSE_LISTS[name]), kind=JSON))
        typist.type("--server", server.url, *words).refused(1)
        if name != "another document":
            typist.type("--server", server.url, "evidence", "list", IMAGE).refused(
                1, "answers what no server"
            )


FALSE_CLAIMS: dict[str, dict[str, object]] = {
    "counts, and why not": {"because": "no"},
    "counts not, and not why": {"counts": False},
    "nobody asked": {"counts": None},
    "a word": {"counts": "yes"},
    "no kind": {"kind": "verdict"},
    "of another image": {"subject": OTHER},
}


@pytest.mark.parametrize("name", FALSE_CLAIMS)
def test_a_claim_that_counts_and_does_not_is_none(typist: Typist, name: str) -> None:
    typist.patch.setenv("SUPPLYCHAIN_TOKEN", "sct_k3v9x2m4q7ab_x")
    path, words = f"/v1/images/{IMAGE}/claims", ("evidence", "claims", IMAGE, "-e", "prod")
    with scripted_server() as server:
        server.on("GET", path, reply(200, claimed(), kind=JSON))
        server.on("GET", f"/v1/images/{IMAGE}", reply(200, shown(), kind=JSON))
        typist.type("--server", server.url, *words).ended(0)
        server.on("GET", path, reply(200, claimed(**FALSE_CLAIMS[name]), kind=JSON))
        typist.type("--server", server.url, *words).refused(1, "answers what no server")


def test_what_is_about_a_platform_of_the_image_is_no_other_image(typist: Typist) -> None:
    typist.patch.setenv("SUPPLYCHAIN_TOKEN", "sct_k3v9x2m4q7ab_x")
    lists = {"list": (EVIDENCE, told), "claims": (f"/v1/images/{IMAGE}/claims", claimed)}
    for command, (path, said) in lists.items():
        with scripted_server() as server:
            words = ("--server", server.url, "evidence", command, IMAGE)
            more = {"counts": None} if command == "claims" else {}
            server.on("GET", path, reply(200, said(subject=PLATFORM, **more), kind=JSON))
            server.on("GET", f"/v1/images/{IMAGE}", reply(200, shown(), kind=JSON))
            typist.type(*words).ended(0)
            server.on("GET", f"/v1/images/{IMAGE}", reply(200, shown(OTHER), kind=JSON))
            typist.type(*words).refused(1, "answers what no server")
