"""What a verifier believes, and each forgery that it refuses, with its reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from supplychain.errors import InputError, LimitError, RegistryError, VerificationError
from supplychain.model.artifact import OCI_INDEX, OCI_MANIFEST, Descriptor, Manifest
from supplychain.model.digest import Digest
from supplychain.model.evidence import (
    CYCLONEDX_PREDICATE,
    SIGNATURE_PREDICATE,
    VerifiedAttestation,
)
from supplychain.model.subject import Subject
from supplychain.signing import dsse, found, publication, storage
from supplychain.signing.bundle import BUNDLE_LIMIT, MEDIA_TYPE, Bundle
from supplychain.signing.formats import Format
from supplychain.signing.trust.trust import Trust
from supplychain.signing.verification import VerificationReport, verify, verify_bundle
from tests.kit.artifacts import MemoryStore, put_image
from tests.kit.keys import signer

AT = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
SBOM = b'{"bomFormat":"CycloneDX","version":1}\n'
KEY = signer().public_key
BUNDLE = (Format.BUNDLE,)


def _sign(store: MemoryStore, subject: Subject, key: str = "release") -> publication.Publication:
    """Sign as a bundle alone."""
    return publication.sign_image(store, subject, signer(key), at=AT, formats=BUNDLE)


def _attest(store: MemoryStore, subject: Subject) -> publication.Publication:
    """Attest the SBOM as a bundle alone."""
    return publication.attest(store, subject, signer(), "cyclonedx", SBOM, at=AT, formats=BUNDLE)


def _verify(store: MemoryStore, subject: Subject) -> VerificationReport:
    return verify(store, subject, Trust((KEY,)), at=AT)


def _reason(report: VerificationReport) -> str:
    assert report.verified == ()
    (rejection,) = report.rejected
    return rejection.reason


def _attach(store: MemoryStore, subject: Subject, data: bytes, **changes: Any) -> Digest:
    """Attach these bytes as a bundle, in a referrer that differs by `changes`."""
    layer = {"mediaType": MEDIA_TYPE, "digest": str(store.put_blob(data)), "size": len(data)}
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": MEDIA_TYPE,
        "layers": [layer],
        "subject": {"digest": str(subject.digest)},
        **changes,
    }
    digest = store.put_manifest(json.dumps(manifest).encode(), OCI_MANIFEST)
    store.list_referrer(subject.digest, digest)
    return digest


def _statement(subject: Subject, /, **changes: Any) -> bytes:
    value = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {subject.digest.algorithm: subject.digest.hex}}],
        "predicateType": SIGNATURE_PREDICATE,
        "predicate": {},
        **changes,
    }
    return json.dumps(value).encode()


def _bundle(payload: bytes, key: str = "release") -> bytes:
    return Bundle.by_key(KEY.hint, dsse.seal(payload, signer(key))).encode()


def test_a_signature_and_an_attestation_are_believed() -> None:
    store = MemoryStore()
    subject = put_image(store)
    signed = _sign(store, subject)
    attested = _attest(store, subject)
    report = _verify(store, subject)
    assert report.verified == (
        VerifiedAttestation(
            subject, SIGNATURE_PREDICATE, signed.payload, signed.envelope, KEY.fingerprint, AT
        ),
        VerifiedAttestation(
            subject,
            CYCLONEDX_PREDICATE,
            attested.payload,
            attested.envelope,
            KEY.fingerprint,
            AT,
            predicate_digest=Digest.of(SBOM),
        ),
    )
    assert (report.rejected, report.foreign) == ((), ())
    assert [b.manifest for b in report.documents] == [signed.manifest, attested.manifest]
    assert [Digest.of(b.data) for b in report.documents] == [signed.envelope, attested.envelope]
    assert report.signatures == report.verified[:1]


def test_what_is_asked_for_is_found_by_type_and_document() -> None:
    store = MemoryStore()
    subject = put_image(store)
    _attest(store, subject)
    report = _verify(store, subject)
    assert report.find(CYCLONEDX_PREDICATE) == report.verified
    assert report.require(CYCLONEDX_PREDICATE, document=Digest.of(SBOM)) == report.verified
    assert report.find(CYCLONEDX_PREDICATE, document=Digest.of(SBOM.strip())) == ()
    assert report.signatures == ()


def test_what_is_required_and_missing_says_what_was_there_instead() -> None:
    store = MemoryStore()
    subject = put_image(store)
    with pytest.raises(VerificationError) as nothing:
        _verify(store, subject).require(SIGNATURE_PREDICATE)
    for number in range(4):
        _attach(store, subject, b"{}%d" % number)
    with pytest.raises(VerificationError) as rubbish:
        _verify(store, subject).require(SIGNATURE_PREDICATE)
    assert nothing.value.because == "there is none of this type beside it"
    assert str(rubbish.value.because).count("strict JSON") == 3
    assert str(rubbish.value.because).endswith("; and 1 more")


def test_any_of_the_given_keys_will_do_and_is_named() -> None:
    store = MemoryStore()
    subject = put_image(store)
    _sign(store, subject, "second")
    second = signer("second").public_key
    report = verify(store, subject, Trust((KEY, second)), at=AT)
    assert [a.key_fingerprint for a in report.verified] == [second.fingerprint]


def test_without_keys_nothing_is_looked_at() -> None:
    store = MemoryStore()
    with pytest.raises(InputError, match="no key was given"):
        verify(store, put_image(store), Trust(), at=AT)
    with pytest.raises(InputError, match="no key was given"):
        verify_bundle(b"{}", put_image(store), Trust(), at=AT)


def test_nothing_attached_is_an_empty_report() -> None:
    store = MemoryStore()
    report = _verify(store, put_image(store))
    assert (report.verified, report.rejected, report.foreign) == ((), (), ())


Forgery = Callable[[Subject], bytes]
OTHER = Digest.of(b"another image").hex


def _swapped(subject: Subject) -> bytes:
    """The signature of one statement on another."""
    genuine = json.loads(_bundle(_statement(subject, predicateType="https://x.example/v1")))
    other = json.loads(_bundle(_statement(subject)))
    other["dsseEnvelope"]["signatures"] = genuine["dsseEnvelope"]["signatures"]
    return json.dumps(other).encode()


def _retyped(subject: Subject) -> bytes:
    value = json.loads(_bundle(_statement(subject)))
    value["dsseEnvelope"]["payloadType"] = "application/json"
    return json.dumps(value).encode()


def _unsigned_type(subject: Subject) -> bytes:
    """A signature over the bare payload: it binds no type (CVE-2022-35929's family)."""
    payload = _statement(subject)
    return Bundle.by_key(KEY.hint, dsse.Envelope(payload, signer().sign(payload))).encode()


def _signatures(count: int) -> Forgery:
    def forge(subject: Subject) -> bytes:
        value = json.loads(_bundle(_statement(subject)))
        value["dsseEnvelope"]["signatures"] *= count
        return json.dumps(value).encode()

    return forge


def _says(**changes: Any) -> Forgery:
    return lambda subject: _bundle(_statement(subject, **changes))


def _with_subjects(make: Callable[[dict[str, Any]], list[Any]]) -> Forgery:
    def forge(subject: Subject) -> bytes:
        return _bundle(
            _statement(subject, subject=make({"digest": {"sha256": subject.digest.hex}}))
        )

    return forge


def _confused(subject: Subject) -> bytes:
    return _bundle(_statement(subject, subject=[{"digest": {"sha512": subject.digest.hex}}]))


def _doubled(subject: Subject) -> bytes:
    text = _statement(subject, predicateType=CYCLONEDX_PREDICATE, predicate={"bomFormat": "x"})
    return _bundle(text[:-1] + b',"predicateType":"%b"}' % SIGNATURE_PREDICATE.encode())


FORGERIES: dict[str, tuple[Forgery, str]] = {
    "by another key": (
        lambda s: _bundle(_statement(s), "attacker"),
        "no given key verifies the signature",
    ),
    "the signature of another statement": (_swapped, "no given key verifies the signature"),
    "a signature that binds no payload type": (_unsigned_type, "no given key verifies"),
    "a changed payload type": (_retyped, "'application/json', not"),
    "no signature": (_signatures(0), "not exactly one signature"),
    "two signatures": (_signatures(2), "not exactly one signature"),
    "for another digest": (
        _says(subject=[{"digest": {"sha256": OTHER}}]),
        "about another digest",
    ),
    "our digest under another algorithm": (_confused, "about another digest"),
    "null subjects": (_says(subject=None), "no subjects"),
    "a null subject": (_with_subjects(lambda ours: [None, ours]), "subject is not an object"),
    "an extra subject": (
        _with_subjects(lambda ours: [ours, {"digest": {"sha256": OTHER}}]),
        "more than one subject",
    ),
    "our digest last of ten thousand": (
        _with_subjects(lambda ours: [{"digest": {"sha256": OTHER}}] * 9999 + [ours]),
        "10000 subjects",
    ),
    "a null predicate": (_says(predicate=None), "predicate is not an object"),
    "a signature that says something": (_says(predicate={"x": 1}), "not empty"),
    "an SBOM that calls itself a signature": (
        _says(predicate={"bomFormat": "CycloneDX"}),
        "not empty",
    ),
    "a signature that calls itself an SBOM": (
        _says(predicateType=CYCLONEDX_PREDICATE),
        "not a CycloneDX document",
    ),
    "two predicate types": (_doubled, "the same member twice"),
    "an unparsable payload": (lambda s: _bundle(b"not json"), "statement is not strict JSON"),
    "an empty payload": (lambda s: _bundle(b""), "statement is not strict JSON"),
    "a statement and more": (lambda s: _bundle(_statement(s) + b"{}"), "more after its end"),
    "a bundle and more": (lambda s: _bundle(_statement(s)) + b"\n{}", "more after its end"),
}


@pytest.mark.parametrize(("forge", "words"), FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forgery_is_rejected_with_its_reason(forge: Forgery, words: str) -> None:
    store = MemoryStore()
    subject = put_image(store)
    digest = _attach(store, subject, forge(subject))
    report = _verify(store, subject)
    assert words in _reason(report)
    assert report.rejected[0].manifest == digest
    assert report.foreign == ()


def test_the_forgeries_differ_from_something_that_is_believed() -> None:
    store = MemoryStore()
    subject = put_image(store)
    _attach(store, subject, _bundle(_statement(subject)))
    assert len(_verify(store, subject).signatures) == 1


def test_an_sbom_by_the_right_key_is_no_signature() -> None:
    """In bundle mode cosign does not look at the predicate type; we do."""
    store = MemoryStore()
    subject = put_image(store)
    _attest(store, subject)
    report = _verify(store, subject)
    assert len(report.verified) == 1
    with pytest.raises(VerificationError, match="has no https://sigstore"):
        report.require(SIGNATURE_PREDICATE)


def test_an_annotation_makes_no_signature() -> None:
    store = MemoryStore()
    subject = put_image(store)
    attested = _bundle(_statement(subject, predicateType="https://x.example/v1"))
    lie = {"dev.sigstore.bundle.predicateType": SIGNATURE_PREDICATE}
    _attach(store, subject, attested, annotations=lie)
    assert [a.predicate_type for a in _verify(store, subject).verified] == ["https://x.example/v1"]


def test_the_signature_of_another_image_does_not_move_with_its_bundle() -> None:
    store = MemoryStore()
    subject, other = put_image(store), put_image(store, "other")
    made = _sign(store, other)
    _attach(store, subject, store.blobs[made.envelope])
    assert "about another digest" in _reason(_verify(store, subject))


def test_one_forgery_does_not_hide_what_is_genuine() -> None:
    store = MemoryStore()
    subject = put_image(store)
    _attach(store, subject, b"rubbish")
    _sign(store, subject)
    report = _verify(store, subject)
    assert (len(report.signatures), len(report.rejected)) == (1, 1)


REFERRERS: dict[str, tuple[dict[str, Any], str]] = {
    "a referrer about another image": (
        {"subject": {"digest": f"sha256:{OTHER}"}},
        "the referrer is about another digest",
    ),
    "a referrer without a subject": ({"subject": None}, "subject is not an object"),
    "a referrer whose subject is text": ({"subject": "x"}, "subject is not an object"),
    "a bundle beside something else": (
        {"layers": [{"mediaType": MEDIA_TYPE}, {"mediaType": "text/plain"}]},
        "not hold exactly one bundle",
    ),
    "a bundle of another version": (
        {"layers": [{"mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.9"}]},
        "not hold exactly one bundle",
    ),
    "a layer without a digest": (
        {"layers": [{"mediaType": MEDIA_TYPE, "size": 1}]},
        "the layer's digest is not a string",
    ),
    "a layer with a weak digest": (
        {"layers": [{"mediaType": MEDIA_TYPE, "size": 1, "digest": "md5:" + "0" * 32}]},
        "'md5' is not accepted",
    ),
    "a layer with a negative size": (
        {"layers": [{"mediaType": MEDIA_TYPE, "size": -1, "digest": f"sha256:{OTHER}"}]},
        "no size",
    ),
    "a layer whose size is true": (
        {"layers": [{"mediaType": MEDIA_TYPE, "size": True, "digest": f"sha256:{OTHER}"}]},
        "no size",
    ),
    "a layer that says it is huge": (
        {
            "layers": [
                {"mediaType": MEDIA_TYPE, "size": BUNDLE_LIMIT + 1, "digest": f"sha256:{OTHER}"}
            ]
        },
        "at most",
    ),
    "a layer that is not there": (
        {"layers": [{"mediaType": MEDIA_TYPE, "size": 1, "digest": f"sha256:{OTHER}"}]},
        "there is no blob",
    ),
    "a null layer": ({"layers": [None]}, "a layer is not an object"),
}


@pytest.mark.parametrize(("changes", "words"), REFERRERS.values(), ids=REFERRERS.keys())
def test_a_lying_referrer_is_rejected(changes: dict[str, Any], words: str) -> None:
    store = MemoryStore()
    subject = put_image(store)
    lie = {k: v for k, v in changes.items() if k != "subject"}
    digest = _attach(store, subject, _bundle(_statement(subject)), **lie)
    if "subject" in changes:
        # The memory store reads subjects as it stores, so this one is put in behind its back.
        value = json.loads(store.manifests[digest].raw) | changes
        raw = json.dumps(value).encode()
        digest = Digest.of(raw)
        store.manifests[digest] = Manifest(OCI_MANIFEST, digest, raw)
        store.referring[subject.digest] = [Descriptor(OCI_MANIFEST, digest, len(raw))]
    assert words in _reason(_verify(store, subject))


def test_other_bytes_than_those_named_are_rejected() -> None:
    store = MemoryStore()
    subject = put_image(store)
    made = _sign(store, subject)
    genuine = store.blobs[made.envelope]
    store.blobs[made.envelope] = genuine[:-1] + b" "
    assert "other bytes came" in _reason(_verify(store, subject))
    store.blobs[made.envelope] = genuine + b" "
    assert "larger" in _reason(_verify(store, subject))


def test_other_referrers_are_counted_and_left_alone() -> None:
    store = MemoryStore()
    subject = put_image(store)
    _attach(store, subject, b"x", layers=[{"mediaType": "application/spdx+json"}])
    _attach(store, subject, b"x", layers=[], artifactType="application/vnd.example")
    _attach(store, subject, b"x", layers=[{"mediaType": "\x1b[31mred"}])
    raw = b'{"manifests":[],"subject":{"digest":"%b"}}' % str(subject.digest).encode()
    store.put_manifest(raw, OCI_INDEX)
    report = _verify(store, subject)
    assert (report.verified, report.rejected) == ((), ())
    assert [f.media_type for f in report.foreign] == [
        "application/spdx+json",
        "application/vnd.example",
        "",
        OCI_INDEX,
    ]


def test_a_referrer_listed_twice_counts_once() -> None:
    store = MemoryStore()
    subject = put_image(store)
    _sign(store, subject)
    store.referring[subject.digest] *= 3
    assert len(_verify(store, subject).signatures) == 1


def test_a_listed_referrer_that_is_missing_is_rejected() -> None:
    store = MemoryStore()
    subject = put_image(store)
    ghost = Digest.of(b"ghost")
    store.referring[subject.digest] = [Descriptor(OCI_MANIFEST, ghost, 1)]
    assert "there is no manifest" in _reason(_verify(store, subject))


def test_endless_referrers_end() -> None:
    store = MemoryStore()
    subject = put_image(store)
    store.referring[subject.digest] = [
        Descriptor(OCI_MANIFEST, Digest.of(b"%d" % n), 1) for n in range(storage.REFERRER_LIMIT + 1)
    ]
    with pytest.raises(LimitError, match="1001 referrers"):
        _verify(store, subject)


def test_endless_bytes_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found, "TOTAL_LIMIT", 1000)
    store = MemoryStore()
    subject = put_image(store)
    for number in range(3):
        _attach(store, subject, b"%d" % number * 400)
    with pytest.raises(LimitError, match="more than 1000 bytes"):
        _verify(store, subject)


class _Unreachable(MemoryStore):
    def blob(self, descriptor: Descriptor, *, limit: int) -> bytes:
        raise RegistryError("the registry answered 503")


def test_a_registry_that_fails_is_an_error_and_no_rejection() -> None:
    store = _Unreachable()
    subject = put_image(store)
    _sign(store, subject)
    with pytest.raises(RegistryError):
        _verify(store, subject)


def test_one_bundle_can_be_checked_without_a_store() -> None:
    subject = Subject("x", Digest.of(b"x"))
    data = _bundle(_statement(subject))
    assert verify_bundle(data, subject, Trust((KEY,)), at=AT).envelope == Digest.of(data)
    with pytest.raises(VerificationError, match="no given key"):
        verify_bundle(data, subject, Trust((signer("other").public_key,)), at=AT)
