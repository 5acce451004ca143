"""SBOMs that are attested by their digest, and each way to slip in another document."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from supplychain.errors import InputError, LimitError, RegistryError, VerificationError
from supplychain.model.artifact import OCI_MANIFEST, Descriptor
from supplychain.model.digest import Digest
from supplychain.model.evidence import CYCLONEDX_PREDICATE
from supplychain.model.subject import Subject
from supplychain.signing import documents, dsse, inventory, publication, reference, storage
from supplychain.signing.bundle import Bundle
from supplychain.signing.documents import Document
from supplychain.signing.formats import FORMATS, Format
from supplychain.signing.inventory import State
from supplychain.signing.publication import Claim, referring
from supplychain.signing.reference import CYCLONEDX_TYPE, REFERENCE_PREDICATE
from supplychain.signing.trust.trust import Trust
from supplychain.signing.verification import VerificationReport, verify, verify_bundle
from tests.kit.artifacts import MemoryStore, put_image
from tests.kit.keys import signer

AT = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
SBOM = b'{"bomFormat":"CycloneDX","components":[{"name":"a"}]}\n'
OTHER = b'{"bomFormat":"CycloneDX","components":[]}\n'
ATTESTER = "https://ci.example/shop"
KEY = signer().public_key
Json = dict[str, Any]


def attested(store: MemoryStore, subject: Subject, data: bytes = SBOM) -> None:
    claim = referring(Document.of(data), subject, ATTESTER)
    publication.publish(store, subject, signer(), (claim,), at=AT)


def check(store: MemoryStore, subject: Subject) -> VerificationReport:
    return verify(store, subject, Trust((KEY,)), at=AT)


def predicate(*digests: Digest, **changes: Any) -> Json:
    """A predicate that refers to these documents; each reference differs by `changes`."""
    one: Json = {"mediaType": CYCLONEDX_TYPE, "downloadLocation": "https://x.example/sbom"}
    references = [{**one, "digest": {"sha256": digest.hex}, **changes} for digest in digests]
    return {"attester": {"id": ATTESTER}, "references": references}


def say(store: MemoryStore, subject: Subject, value: Json, key: str = "release") -> None:
    """Sign a statement with this predicate, whatever it says, and attach it."""
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": subject.digest.hex}}],
        "predicateType": REFERENCE_PREDICATE,
        "predicate": value,
    }
    sealed = dsse.seal(json.dumps(statement).encode(), signer(key))
    data = Bundle.by_key(signer(key).public_key.hint, sealed).encode()
    manifest = store.manifest(subject.digest)
    storage.write(store, manifest, [(REFERENCE_PREDICATE, data)], at=AT)


def put_document(
    store: MemoryStore,
    subject: Subject,
    data: bytes = SBOM,
    *,
    listed_for: Subject | None = None,
    **changes: Any,
) -> Digest:
    """A document as a referrer of a subject; its layer differs by `changes`."""
    digest = store.put_blob(data)
    layer = {"mediaType": CYCLONEDX_TYPE, "digest": str(digest), "size": len(data), **changes}
    value = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": CYCLONEDX_TYPE,
        "layers": [layer],
        "subject": {"digest": str(subject.digest)},
    }
    held = store.put_manifest(json.dumps(value).encode(), OCI_MANIFEST)
    if listed_for is not None:
        store.list_referrer(listed_for.digest, held)
    return digest


def refused(store: MemoryStore, subject: Subject, *words: str) -> None:
    report = check(store, subject)
    assert report.verified == ()
    (rejection,) = report.rejected
    for word in words:
        assert word in rejection.reason


def test_it_counts_as_the_attestation_of_the_very_document() -> None:
    store = MemoryStore()
    subject = put_image(store)
    for _ in range(2):
        attested(store, subject)
    report = check(store, subject)
    (found,) = report.verified
    assert found.predicate_type == CYCLONEDX_PREDICATE
    assert found.predicate_digest == Digest.of(SBOM)
    assert report.find(CYCLONEDX_PREDICATE, document=Digest.of(SBOM)) == (found,)
    (document,) = report.documents
    assert document.refers_to == Descriptor(CYCLONEDX_TYPE, Digest.of(SBOM), len(SBOM))
    assert len(report.copies) == len(FORMATS) - 1
    # The statement, and the document as a referrer of its own.
    assert len(store.referrers(subject.digest)) == 2
    assert [one.media_type for one in report.foreign] == [CYCLONEDX_TYPE]


def test_the_statement_is_a_reference_attestation() -> None:
    store = MemoryStore()
    subject = put_image(store)
    attested(store, subject)
    (document,) = check(store, subject).documents
    payload = json.loads(Bundle.parse(document.data).envelope.payload)
    assert payload["predicateType"] == "https://in-toto.io/attestation/reference/v0.1"
    assert payload["predicate"] == {
        "attester": {"id": ATTESTER},
        "references": [
            {
                "downloadLocation": f"oci://{subject.name}@{Digest.of(SBOM)}",
                "digest": {"sha256": Digest.of(SBOM).hex},
                "mediaType": "application/vnd.cyclonedx+json",
            }
        ],
    }
    (entry,) = (e for e in store.referrers(subject.digest) if e.artifact_type == CYCLONEDX_TYPE)
    held = json.loads(store.manifest(entry.digest).raw)
    assert [layer["digest"] for layer in held["layers"]] == [str(Digest.of(SBOM))]
    assert held["subject"]["digest"] == str(subject.digest)


def _genuine(digest: Digest) -> Json:
    return predicate(digest)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: predicate(d, Digest.of(OTHER)), "exactly one document"),
        (lambda d: predicate(d, d), "exactly one document"),
        (lambda _: predicate(), "exactly one document"),
        (lambda d: predicate(d, mediaType="application/spdx+json"), "'application/spdx+json'"),
        (lambda d: predicate(d, mediaType="application/vnd.cyclonedx+xml"), "cyclonedx+xml"),
        (lambda d: predicate(d, digest={"sha512": "0" * 128}), "no 'sha256'"),
        (lambda d: predicate(d, digest={"sha256": d.hex, "sha1": "0" * 40}), "'sha1'"),
        (lambda d: predicate(d, digest={"sha256": d.hex.upper()}), "is not a digest"),
        (lambda d: predicate(d, digest={"sha256": [d.hex]}), "not a string"),
        (lambda d: predicate(d, content="e30="), "'content'"),
        (lambda d: {**predicate(d), "references": {"0": {}}}, "exactly one document"),
        (lambda d: {"references": predicate(d)["references"]}, "no 'attester'"),
        (lambda d: predicate(Digest.of(OTHER)), "no such document is attached"),
    ],
)
def test_a_reference_that_leaves_anything_open_is_refused(
    change: Callable[[Digest], Json], words: str
) -> None:
    store = MemoryStore()
    subject = put_image(store)
    digest = put_document(store, subject)
    say(store, subject, change(digest))
    refused(store, subject, words)


def test_the_genuine_one_beside_those_forgeries_holds() -> None:
    store = MemoryStore()
    subject = put_image(store)
    say(store, subject, _genuine(put_document(store, subject)))
    assert len(check(store, subject).verified) == 1


def test_a_document_beside_another_image_is_not_ours() -> None:
    store = MemoryStore()
    subject, other = put_image(store), put_image(store, "other")
    digest = put_document(store, other)
    say(store, subject, _genuine(digest))
    refused(store, subject, "no such document is attached")
    # Nor where the registry lists it as if it were.
    put_document(store, other, listed_for=subject)
    refused(store, subject, f"the document is attached to '{other.digest}'")


def test_a_document_of_other_bytes_is_refused() -> None:
    store = MemoryStore()
    subject = put_image(store)
    digest = put_document(store, subject)
    say(store, subject, _genuine(digest))
    store.blobs[digest] = OTHER + b" " * (len(SBOM) - len(OTHER))
    refused(store, subject, "cannot be believed", "other bytes")


def test_a_document_that_is_missing_is_refused() -> None:
    store = MemoryStore()
    subject = put_image(store)
    digest = put_document(store, subject)
    say(store, subject, _genuine(digest))
    del store.blobs[digest]
    refused(store, subject, "there is no blob")


@pytest.mark.parametrize("size", [documents.DOCUMENT_LIMIT + 1, 1 << 60])
def test_a_document_that_is_too_large_is_not_read(size: int) -> None:
    store = MemoryStore()
    subject = put_image(store)
    say(store, subject, _genuine(put_document(store, subject, size=size)))
    refused(store, subject, "at most")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"bomFormat":"SPDX"}', "no CycloneDX"),
        (b'{"bomFormat":"SPDX","bomFormat":"CycloneDX"}', "twice"),
        (b"PK\x03\x04", "strict JSON"),
    ],
)
def test_a_document_that_is_no_sbom_is_refused(data: bytes, words: str) -> None:
    store = MemoryStore()
    subject = put_image(store)
    say(store, subject, _genuine(put_document(store, subject, data)))
    refused(store, subject, words.replace("no CycloneDX", "not a CycloneDX"))


def test_a_document_under_another_media_type_is_refused() -> None:
    store = MemoryStore()
    subject = put_image(store)
    say(store, subject, _genuine(put_document(store, subject, mediaType="text/plain")))
    refused(store, subject, "no such document", "'text/plain'")


class _Watched(MemoryStore):
    """A store that notes which blobs are streamed, and may fail at that."""

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()
        self.streamed: list[Digest] = []
        self.failure = failure

    def blob_chunks(self, descriptor: Descriptor) -> Iterator[bytes]:
        self.streamed.append(descriptor.digest)
        if self.failure is not None:
            raise self.failure
        return super().blob_chunks(descriptor)


def test_whom_nobody_knows_makes_us_read_no_document() -> None:
    store = _Watched()
    subject = put_image(store)
    say(store, subject, _genuine(put_document(store, subject)), key="other")
    refused(store, subject, "no given key")
    assert store.streamed == []


def test_a_document_is_read_once_however_often_it_is_named() -> None:
    store = _Watched()
    subject = put_image(store)
    attested(store, subject)
    say(store, subject, _genuine(Digest.of(SBOM)))
    store.streamed.clear()
    assert len(check(store, subject).documents) == 2
    assert store.streamed == [Digest.of(SBOM)]


def test_a_registry_that_fails_is_no_refusal() -> None:
    store = _Watched(RegistryError("the registry is down"))
    subject = put_image(store)
    say(store, subject, _genuine(put_document(store, subject)))
    with pytest.raises(RegistryError):
        check(store, subject)


def test_where_it_lies_is_looked_at_beside_the_image_only() -> None:
    store = MemoryStore()
    subject = put_image(store)
    attested(store, subject)
    (document,) = check(store, subject).documents
    with pytest.raises(VerificationError, match="not at hand"):
        verify_bundle(document.data, subject, Trust((KEY,)), at=AT)
    stock = inventory.take_stock(store, subject, Trust((KEY,)), at=AT)
    assert [one.state for one in stock].count(State.VERIFIED) == len(FORMATS)


def test_what_is_attested_by_hand_is_held_to_the_same() -> None:
    store = MemoryStore()
    subject = put_image(store)
    two = json.dumps(predicate(Digest.of(SBOM), Digest.of(OTHER))).encode()
    with pytest.raises(InputError, match="exactly one document"):
        publication.publish(store, subject, signer(), (Claim(REFERENCE_PREDICATE, two),), at=AT)


def test_a_document_is_read_once_to_be_attested() -> None:
    begun: list[bool] = []

    def chunks() -> Iterator[bytes]:
        begun.append(True)
        return iter((SBOM[:5], SBOM[5:]))

    document = Document.read(chunks, "x.json")
    assert (document.digest, document.size) == (Digest.of(SBOM), len(SBOM))
    assert begun == [True]
    with pytest.raises(InputError, match=r"x\.json is not strict JSON"):
        Document.read(lambda: iter((SBOM[:-5],)), "x.json")


def test_a_document_that_changes_before_it_is_stored_is_refused() -> None:
    store = MemoryStore()
    subject = put_image(store)
    versions = [SBOM, SBOM.replace(b"a", b"b")]
    document = Document.read(lambda: iter((versions.pop(0),)), "x.json")
    claim = referring(document, subject, ATTESTER)
    with pytest.raises(VerificationError):
        publication.publish(store, subject, signer(), (claim,), at=AT, formats=(Format.BUNDLE,))
    assert store.referrers(subject.digest) == ()


def test_more_than_anybody_reads_is_not_attested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "DOCUMENT_LIMIT", len(SBOM) - 1)
    with pytest.raises(LimitError):
        Document.of(SBOM)
    with pytest.raises(LimitError, match="too large"):
        Document.read(lambda: iter((SBOM,)), "x.json")


def test_the_media_type_may_name_a_version() -> None:
    named = predicate(Digest.of(SBOM), mediaType=f"{CYCLONEDX_TYPE}; version=1.6")
    assert reference.check(named) == Digest.of(SBOM)
