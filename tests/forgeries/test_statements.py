"""What a trusted key signed, or seems to have signed, and that must not count for this image.

Each is put into a layout on disk and verified there. What readers of single documents refuse is in
`tests/unit/signing`; the threat model names both.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from supplychain.errors import VerificationError
from supplychain.model.digest import Digest
from supplychain.model.evidence import CYCLONEDX_PREDICATE, SIGNATURE_PREDICATE
from supplychain.model.subject import Subject
from supplychain.signing import dsse, simplesigning, statement
from supplychain.signing.encoding import write_base64
from supplychain.signing.legacy import Suffix
from tests.kit.keys import signer
from tests.kit.scene import Scene, by_identity, by_key
from tests.kit.sigstore import Forge

OTHER = Digest.of(b"another image")
SBOM = b'{"bomFormat":"CycloneDX","specVersion":"1.6","version":1}'
Forgery = Callable[[Scene], bytes]


def _says(change: Callable[[Scene, dict[str, Any]], None]) -> Forgery:
    """A statement by the trusted key that says something else."""

    def forgery(scene: Scene) -> bytes:
        value = json.loads(scene.statement)
        change(scene, value)
        return scene.keyed(json.dumps(value).encode())

    return forgery


def _with(**changes: Any) -> Forgery:
    return _says(lambda _, value: value.update(changes))


def _subjects(make: Callable[[Any], list[Any]]) -> Forgery:
    return _says(lambda _, value: value.update(subject=make(value["subject"][0])))


def _edited(change: Callable[[Any], None]) -> Forgery:
    """The genuine bundle, edited after it was signed."""

    def forgery(scene: Scene) -> bytes:
        value = json.loads(scene.keyed())
        change(value)
        return json.dumps(value).encode()

    return forgery


def _enveloped(**changes: Any) -> Forgery:
    return _edited(lambda value: value["dsseEnvelope"].update(changes))


def _signatures(make: Callable[[Any], list[Any]]) -> Forgery:
    return _edited(
        lambda value: value["dsseEnvelope"].update(
            signatures=make(value["dsseEnvelope"]["signatures"][0])
        )
    )


def _theirs(digest: Digest = OTHER) -> dict[str, Any]:
    return {"digest": {digest.algorithm: digest.hex}}


def _unbound(scene: Scene) -> bytes:
    """A signature over the bare payload, which binds no type of it."""
    made = json.loads(scene.keyed())
    bare = dsse.Envelope(scene.statement, signer().sign(scene.statement))
    return json.dumps(made | {"dsseEnvelope": bare.value()}).encode()


def _resigned(scene: Scene) -> bytes:
    """CVE-2022-36056: the statement of one bundle, the signature of another by the same key."""
    made = json.loads(scene.keyed())
    theirs = json.loads(
        scene.keyed(statement.write(Subject("x", OTHER), SIGNATURE_PREDICATE, b"{}"))
    )
    made["dsseEnvelope"]["signatures"] = theirs["dsseEnvelope"]["signatures"]
    return json.dumps(made).encode()


FORGERIES: dict[str, tuple[Forgery, str]] = {
    "about another digest": (_subjects(lambda _: [_theirs()]), "about another digest"),
    "about our digest under another algorithm": (
        _subjects(lambda ours: [{"digest": {"sha512": ours["digest"]["sha256"]}}]),
        "about another digest",
    ),
    "about our digest in capitals": (
        _subjects(lambda ours: [{"digest": {"sha256": ours["digest"]["sha256"].upper()}}]),
        "about another digest",
    ),
    "about our digest and another at once": (
        _subjects(lambda ours: [{"digest": {**ours["digest"], "sha512": "0" * 128}}]),
        "about another digest",
    ),
    "whose subjects are null": (_with(subject=None), "no subjects"),
    "without subjects": (_with(subject=[]), "no subjects"),
    "with a null subject before ours": (
        _subjects(lambda ours: [None, ours]),
        "a subject is not an object",
    ),
    "with an extra subject": (_subjects(lambda ours: [ours, _theirs()]), "more than one subject"),
    "with our digest last of 10,000": (
        _subjects(lambda ours: [_theirs()] * 9999 + [ours]),
        "10000 subjects, at most 1024",
    ),
    "whose predicate is null": (_with(predicate=None), "predicate is not an object"),
    "whose predicate is a list": (_with(predicate=[]), "predicate is not an object"),
    "that is an SBOM by the name of a signature": (
        _with(predicate=json.loads(SBOM)),
        "is not empty",
    ),
    "that is a signature by the name of an SBOM": (
        _with(predicateType=CYCLONEDX_PREDICATE),
        "not a CycloneDX document",
    ),
    "of another type of document": (
        _with(_type="https://example.com/v1"),
        "not an in-toto statement",
    ),
    "with a look-alike of its predicate type": (
        _with(PredicateType=SIGNATURE_PREDICATE),
        "differs from a known one by case",
    ),
    "that is no JSON": (lambda scene: scene.keyed(b"signed, and no statement"), "not strict JSON"),
    "that is empty": (lambda scene: scene.keyed(b""), "not strict JSON"),
    "with more after its end": (
        lambda scene: scene.keyed(scene.statement + b"{}"),
        "more after its end",
    ),
    "with a byte order mark": (
        lambda scene: scene.keyed(b"\xef\xbb\xbf" + scene.statement),
        "not strict JSON",
    ),
    "by another key": (lambda scene: scene.keyed(key="attacker"), "no given key verifies"),
    "with the signature of another statement": (_resigned, "no given key verifies"),
    "with a signature that binds no type": (_unbound, "no given key verifies"),
    "with a changed payload type": (
        _enveloped(payloadType="application/vnd.in-toto+json;v=2"),
        "not 'application/vnd.in-toto+json'",
    ),
    "with no signature": (_signatures(lambda _: []), "not exactly one signature"),
    "with two signatures": (_signatures(lambda one: [one, one]), "not exactly one signature"),
    "with a forged signature before the genuine one": (
        _signatures(lambda one: [{"sig": "AAAA"}, one]),
        "not exactly one signature",
    ),
    # CVE-2022-21449, of another library: zero was a signature of anything.
    "with a signature of zeros": (
        _signatures(lambda _: [{"sig": write_base64(encode_dss_signature(0, 0))}]),
        "no given key verifies",
    ),
    "with an empty signature": (_signatures(lambda _: [{"sig": ""}]), "no given key verifies"),
    "with more after the end of its signature": (
        _signatures(lambda one: [{"sig": write_base64(b64decode(one["sig"]) + b"\0")}]),
        "no given key verifies",
    ),
    "beside a message of its own": (
        _edited(lambda value: value.update(messageSignature={"signature": "AAAA"})),
        "not hold one thing that is signed",
    ),
    "with a key and a certificate": (
        _edited(
            lambda value: value["verificationMaterial"].update(certificate={"rawBytes": "AAAA"})
        ),
        "not name one thing to verify it by",
    ),
}


@pytest.mark.parametrize(("forge", "words"), FORGERIES.values(), ids=FORGERIES.keys())
def test_a_statement(scene: Scene, forge: Forgery, words: str) -> None:
    scene.attach(forge(scene))
    assert words in scene.refusal(by_key())


@pytest.mark.parametrize(("forge", "words"), FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forgery_does_not_hide_what_is_genuine(scene: Scene, forge: Forgery, words: str) -> None:
    scene.attach(forge(scene))
    scene.attach(scene.keyed())
    report = scene.verify(by_key())
    assert (len(report.signatures), len(report.rejected)) == (1, 1)


def test_an_sbom_offered_as_a_signature(scene: Scene) -> None:
    """`cosign verify` takes any statement of the key, in bundle mode, for a signature."""
    made = statement.write(scene.subject, CYCLONEDX_PREDICATE, SBOM)
    lie = {"dev.sigstore.bundle.predicateType": SIGNATURE_PREDICATE}
    scene.attach(scene.keyed(made), annotations=lie)
    report = scene.verify(by_key())
    assert [one.predicate_type for one in report.verified] == [CYCLONEDX_PREDICATE]
    with pytest.raises(VerificationError, match=f"has no {re.escape(SIGNATURE_PREDICATE)}"):
        report.require(SIGNATURE_PREDICATE)


def test_a_signature_offered_as_an_sbom(scene: Scene) -> None:
    """CVE-2022-35929, CVE-2026-39395: a statement of another type than was asked for."""
    lie = {"dev.sigstore.bundle.predicateType": CYCLONEDX_PREDICATE}
    scene.attach(scene.keyed(), annotations=lie)
    with pytest.raises(VerificationError, match=f"has no {re.escape(CYCLONEDX_PREDICATE)}"):
        scene.verify(by_key()).require(CYCLONEDX_PREDICATE)


def test_an_unparsable_payload_in_the_older_form(scene: Scene) -> None:
    """CVE-2022-35929, CVE-2026-39395: it was verified, and what it says was never looked at."""
    sealed = dsse.seal(b"signed, and no statement", signer()).encode()
    scene.attach_layers([(sealed, {"predicateType": CYCLONEDX_PREDICATE})], Suffix.ATTESTATIONS)
    assert "not strict JSON" in scene.refusal(by_key())


def test_the_signature_of_another_image_in_the_older_form(scene: Scene) -> None:
    """CVE-2022-36056: payload and signature belong together, and to another image."""
    theirs = simplesigning.write(Subject("registry.example/other", OTHER))
    annotations = {simplesigning.SIGNATURE_ANNOTATION: _signed(theirs)}
    scene.attach_layers([(theirs, annotations)])
    assert "the signature is about another digest" in scene.refusal(by_key())


def test_signatures_swapped_between_layers(scene: Scene) -> None:
    """CVE-2022-36056: each is genuine, and neither belongs to its payload."""
    named = simplesigning.write(Subject("registry.example/mirror", scene.subject.digest))
    scene.attach_layers(
        [
            (scene.simple, {simplesigning.SIGNATURE_ANNOTATION: _signed(named)}),
            (named, {simplesigning.SIGNATURE_ANNOTATION: _signed(scene.simple)}),
        ]
    )
    report = scene.verify(by_key())
    assert report.verified == ()
    assert ["no given key verifies" in one.reason for one in report.rejected] == [True, True]


def _signed(payload: bytes) -> str:
    return write_base64(signer().sign(payload))


def _objects(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where the objects with members are in a document."""
    if isinstance(value, dict):
        if value:
            yield path
        for name, inner in value.items():
            yield from _objects(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _objects(inner, (*path, number))


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for name in path:
        value = value[name]
    return value


def _twice(value: Any, path: tuple[str | int, ...]) -> bytes:
    """The document with the first member of one of its objects said twice."""
    marker = "the member to be said twice"
    place = _at(value, path)
    name = next(iter(place))
    place[marker] = place[name]
    written = json.dumps(value).encode()
    del place[marker]
    return written.replace(f'"{marker}"'.encode(), json.dumps(name).encode())


@pytest.mark.parametrize("kind", ["a key", "a certificate"])
def test_any_member_of_a_bundle_said_twice(scene: Scene, forge: Forge, kind: str) -> None:
    """Readers differ in which of the two counts, so neither does."""
    genuine = scene.keyed() if kind == "a key" else forge.attest(scene.statement).bundle()
    value = json.loads(genuine)
    places = list(_objects(value))
    assert len(places) >= 5
    for place in places:
        scene.attach(_twice(value, place))
    trust = replace(by_identity(forge.trusted_root()), keys=by_key().keys)
    report = scene.verify(trust)
    assert report.verified == ()
    assert len(report.rejected) == len(places)
    assert {("same member twice" in one.reason) for one in report.rejected} == {True}


def test_any_member_of_a_statement_said_twice(scene: Scene) -> None:
    value = json.loads(statement.write(scene.subject, CYCLONEDX_PREDICATE, SBOM))
    places = list(_objects(value))
    for place in places:
        scene.attach(scene.keyed(_twice(value, place)))
    report = scene.verify(by_key())
    assert (report.verified, len(report.rejected)) == ((), len(places))


def _base64_fields(
    value: object, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[str | int, ...]]:
    names = {"payload", "sig", "rawBytes", "keyId", "canonicalizedBody", "rootHash"}
    names |= {"signedEntryTimestamp", "signedTimestamp"}
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in names:
                yield (*path, name)
            yield from _base64_fields(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _base64_fields(inner, (*path, number))


def _stray(text: str) -> str:
    """The last character before the padding with another value of the bits that are cut off."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    bare = text.rstrip("=")
    if bare == text:
        return text
    return bare[:-1] + alphabet[alphabet.index(bare[-1]) + 1] + text[len(bare) :]


RESPELLINGS: dict[str, Callable[[str], str]] = {
    "a line break": lambda text: text[:4] + "\n" + text[4:],
    "a space after it": lambda text: text + " ",
    "no padding": lambda text: text.rstrip("="),
    "more padding": lambda text: text + "====",
    "bits that do not count": _stray,
    "the alphabet for addresses": lambda text: text.replace("+", "-").replace("/", "_"),
}


@pytest.mark.parametrize("respell", RESPELLINGS.values(), ids=RESPELLINGS.keys())
def test_base64_that_is_not_canonical(
    scene: Scene, forge: Forge, respell: Callable[[str], str]
) -> None:
    """Bytes with two spellings are two documents with one signature."""
    genuine = forge.attest(scene.statement, stamped_at=[forge.at]).value()
    fields = list(_base64_fields(genuine))
    assert len(fields) >= 7
    changed = 0
    for field in fields:
        value = json.loads(json.dumps(genuine))
        place = _at(value, field[:-1])
        spelling = respell(place[field[-1]])
        if spelling != place[field[-1]]:
            place[field[-1]] = spelling
            scene.attach(json.dumps(value).encode())
            changed += 1
    assert changed
    report = scene.verify(by_identity(forge.trusted_root()))
    assert (report.verified, len(report.rejected)) == ((), changed)
    assert {("base64" in one.reason) for one in report.rejected} == {True}


@pytest.mark.parametrize(
    "rest", [b"{}", b"\0", b"\n]", b"x" * 100], ids=["object", "NUL", "]", "x"]
)
def test_a_bundle_with_more_after_its_end(scene: Scene, rest: bytes) -> None:
    scene.attach(scene.keyed() + rest)
    assert "more after its end" in scene.refusal(by_key())
