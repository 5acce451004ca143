"""What is written beside an image as bundles, and that it is not written twice."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from supplychain.errors import InputError, NotFoundError
from supplychain.model.artifact import OCI_INDEX, OCI_MANIFEST
from supplychain.model.digest import Digest
from supplychain.model.evidence import CYCLONEDX_PREDICATE, SIGNATURE_PREDICATE
from supplychain.model.subject import Subject
from supplychain.signing import publication, storage, verification
from supplychain.signing.formats import Format
from supplychain.signing.publication import SIGNATURE, Claim, Publication
from supplychain.signing.trust.trust import Trust
from tests.kit.artifacts import MemoryStore, put_image
from tests.kit.keys import signer

AT = datetime(2026, 1, 15, 12, 0, 0, 999_999, tzinfo=UTC)
SBOM = b'{"bomFormat":"CycloneDX"}\n'
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
FORMATS = (Format.BUNDLE,)


def _sign(store: MemoryStore, subject: Subject, key: str = "release") -> Publication:
    return publication.sign_image(store, subject, signer(key), at=AT, formats=FORMATS)


def _attest(store: MemoryStore, subject: Subject, predicate: bytes = SBOM) -> Publication:
    return publication.attest(
        store, subject, signer(), "cyclonedx", predicate, at=AT, formats=FORMATS
    )


def test_the_referrer_is_exactly_what_cosign_stores() -> None:
    store = MemoryStore()
    subject = put_image(store)
    made = _sign(store, subject)
    stored = store.manifest(made.manifest)
    bundle = store.blobs[made.envelope]
    assert stored.media_type == OCI_MANIFEST
    assert json.loads(stored.raw) == {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": BUNDLE,
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "size": 2,
            "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        },
        "layers": [{"mediaType": BUNDLE, "size": len(bundle), "digest": str(made.envelope)}],
        "subject": {
            "mediaType": OCI_MANIFEST,
            "size": len(store.manifest(subject.digest).raw),
            "digest": str(subject.digest),
        },
        "annotations": {
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": SIGNATURE_PREDICATE,
            "org.opencontainers.image.created": "2026-01-15T12:00:00Z",
        },
    }
    value = json.loads(bundle)
    assert value["verificationMaterial"] == {"publicKey": {"hint": signer().public_key.hint}}
    assert set(value["dsseEnvelope"]["signatures"][0]) == {"sig"}
    assert Digest.of(base64.b64decode(value["dsseEnvelope"]["payload"])) == made.payload
    assert store.blobs[Digest.of(b"{}")] == b"{}"


def test_an_index_is_signed_as_what_it_is() -> None:
    store = MemoryStore()
    raw = b'{"schemaVersion":2,"mediaType":"%b","manifests":[]}' % OCI_INDEX.encode()
    subject = Subject(store.name, store.put_manifest(raw, OCI_INDEX))
    made = _sign(store, subject)
    named = json.loads(store.manifest(made.manifest).raw)["subject"]
    assert named == {"mediaType": OCI_INDEX, "digest": str(subject.digest), "size": len(raw)}


def test_the_creation_time_is_utc() -> None:
    store = MemoryStore()
    made = publication.sign_image(
        store, put_image(store), signer(), at=AT.astimezone(timezone(timedelta(hours=5)))
    )
    annotations = json.loads(store.manifest(made.manifest).raw)["annotations"]
    assert annotations["org.opencontainers.image.created"] == "2026-01-15T12:00:00Z"


def test_three_claims_make_three_referrers_in_their_order() -> None:
    store = MemoryStore()
    subject = put_image(store)
    claims = (SIGNATURE, Claim(CYCLONEDX_PREDICATE, SBOM), Claim("https://x.example/v1", b"{}"))
    made = publication.publish(store, subject, signer(), claims, at=AT, formats=FORMATS)
    assert [m.predicate_type for m in made] == [c.predicate_type for c in claims]
    assert [m.manifest for m in made] == [d.digest for d in store.referrers(subject.digest)]
    assert all(m.added for m in made)


def test_saying_the_same_again_adds_nothing() -> None:
    store = MemoryStore()
    subject = put_image(store)
    first = (_sign(store, subject), _attest(store, subject))
    before = (dict(store.blobs), dict(store.manifests))
    later = publication.publish(
        store,
        subject,
        signer(),
        (SIGNATURE, Claim(CYCLONEDX_PREDICATE, SBOM), SIGNATURE),
        at=AT + timedelta(days=1),
        formats=FORMATS,
    )
    assert [m.added for m in (*first, *later)] == [True, True, False, False, False]
    assert [m.manifest for m in later] == [first[0].manifest, first[1].manifest, first[0].manifest]
    assert (store.blobs, store.manifests) == before


@pytest.mark.parametrize(
    "beside",
    [
        {"publicKey": None, "certificate": {"rawBytes": "MAA="}},
        {"timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": "MAA="}]}},
        {
            "tlogEntries": [
                {
                    "logId": {"keyId": "MAA="},
                    "kindVersion": {"kind": "dsse", "version": "0.0.1"},
                    "canonicalizedBody": "e30=",
                }
            ]
        },
    ],
    ids=["a certificate", "a timestamp", "a log entry"],
)
def test_a_copy_with_something_beside_it_does_not_keep_the_key_from_signing(
    beside: dict[str, object],
) -> None:
    """Such a copy is refused by whoever verifies, and everybody who may push can store one."""
    elsewhere, store = MemoryStore(), MemoryStore()
    made = _sign(elsewhere, put_image(elsewhere))
    value = json.loads(elsewhere.blobs[made.envelope])
    value["verificationMaterial"].update(beside)
    subject = put_image(store)
    copy = json.dumps(value).encode()
    manifest = store.manifest(subject.digest)
    list(storage.write(store, manifest, [(SIGNATURE_PREDICATE, copy)], at=AT))
    assert _sign(store, subject).added
    report = verification.verify(store, subject, Trust((signer().public_key,)), at=AT)
    assert (len(report.signatures), len(report.rejected)) == (1, 1)
    assert not _sign(store, subject).added


def test_the_same_claim_twice_in_one_call_is_made_once() -> None:
    store = MemoryStore()
    subject = put_image(store)
    publication.publish(store, subject, signer(), (SIGNATURE, SIGNATURE), at=AT)
    assert len(store.referrers(subject.digest)) == 1


def test_another_key_another_document_another_image_each_add_one() -> None:
    store = MemoryStore()
    subject, other = put_image(store), put_image(store, "other")
    _sign(store, subject)
    _attest(store, subject)
    assert _sign(store, subject, "second").added
    assert _attest(store, subject, SBOM.strip()).added
    assert _sign(store, other).added
    assert len(store.referrers(subject.digest)) == 4


def test_a_forged_twin_does_not_keep_us_from_signing() -> None:
    """A bundle with our hint and payload and somebody else's signature is not our word."""
    store = MemoryStore()
    subject = put_image(store)
    made = _sign(store, subject, "attacker")
    forged = store.blobs[made.envelope].replace(
        signer("attacker").public_key.hint.encode(), signer().public_key.hint.encode()
    )
    store.blobs[made.envelope] = forged
    assert _sign(store, subject).added


@pytest.mark.parametrize("annotations", [(), (("dev.sigstore.bundle.predicateType", "x"),)])
def test_annotations_that_lie_cost_at_most_a_duplicate(
    annotations: tuple[tuple[str, str], ...],
) -> None:
    store = MemoryStore()
    subject = put_image(store)
    _sign(store, subject)
    (entry,) = store.referrers(subject.digest)
    store.referring[subject.digest] = [replace(entry, annotations=annotations)]
    assert _sign(store, subject).added == bool(annotations)
    report = verification.verify(store, subject, Trust((signer().public_key,)), at=AT)
    assert len(report.signatures) == 1 + bool(annotations)


def test_nothing_is_written_where_a_claim_is_wrong() -> None:
    store = MemoryStore()
    subject = put_image(store)
    before = dict(store.blobs)
    with pytest.raises(InputError):
        publication.publish(
            store, subject, signer(), (SIGNATURE, Claim(CYCLONEDX_PREDICATE, b"[]")), at=AT
        )
    assert store.blobs == before
    assert store.referrers(subject.digest) == ()


def test_what_is_not_there_cannot_be_signed() -> None:
    with pytest.raises(NotFoundError):
        _sign(MemoryStore(), Subject("x", Digest.of(b"nothing")))


def test_an_image_signature_cannot_be_smuggled_in_as_an_attestation() -> None:
    store = MemoryStore()
    with pytest.raises(InputError, match="not attested"):
        publication.attest(store, put_image(store), signer(), SIGNATURE_PREDICATE, b"{}", at=AT)
