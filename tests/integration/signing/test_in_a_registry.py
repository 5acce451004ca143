"""Signing and verifying in a real registry that has no referrers API: all by tags."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime

import pytest

from supplychain.images.registry.repository import RegistryRepository
from supplychain.model.artifact import OCI_INDEX, OCI_MANIFEST
from supplychain.model.digest import Digest
from supplychain.model.evidence import CYCLONEDX_PREDICATE
from supplychain.model.subject import Subject
from supplychain.signing import publication
from supplychain.signing.formats import Format
from supplychain.signing.publication import SIGNATURE, Claim
from supplychain.signing.trust.trust import Trust
from supplychain.signing.verification import verify
from tests.kit.keys import signer
from tests.kit.registry import RunningRegistry

AT = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
SBOM = b'{"bomFormat":"CycloneDX","components":[]}\n'
KEYS = (signer().public_key,)


@pytest.fixture
def store(debian_registry: RunningRegistry) -> RegistryRepository:
    return RegistryRepository(debian_registry.fresh())


def _image(store: RegistryRepository) -> Subject:
    config = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": str(store.put_blob(config)),
            "size": len(config),
        },
        "layers": [],
    }
    return Subject(store.name, store.put_manifest(json.dumps(manifest).encode(), OCI_MANIFEST))


def test_what_is_published_is_verified_by_whoever_comes_later(
    store: RegistryRepository, debian_registry: RunningRegistry
) -> None:
    subject = _image(store)
    claims = (SIGNATURE, Claim(CYCLONEDX_PREDICATE, SBOM))
    made = publication.publish(store, subject, signer(), claims, at=AT)
    again = publication.publish(store, subject, signer(), claims, at=AT)
    report = verify(store, subject, Trust(KEYS), at=AT)
    assert [p.added for p in (*made, *again)] == [True] * 4 + [False] * 4
    assert [d.attestation.envelope for d in (*report.documents, *report.copies)] == [
        p.envelope for p in made
    ]
    assert len(report.require(CYCLONEDX_PREDICATE, document=Digest.of(SBOM))) == 1
    assert (report.rejected, report.foreign) == ((), ())
    tag = store.resolve(f"sha256-{subject.digest.hex}")
    assert tag.media_type == OCI_INDEX


def test_a_bundle_changed_where_it_is_stored_is_rejected(
    store: RegistryRepository, debian_registry: RunningRegistry
) -> None:
    subject = _image(store)
    made = publication.sign_image(store, subject, signer(), at=AT, formats=(Format.BUNDLE,))
    (stored,) = debian_registry.storage.rglob(f"{made.envelope.hex}/data")
    stored.write_bytes(stored.read_bytes().replace(b"in-toto+json", b"in-toto+jsoN"))
    report = verify(store, subject, Trust(KEYS), at=AT)
    assert report.verified == ()
    assert [r.manifest for r in report.rejected] == [made.manifest]


def test_two_who_sign_at_once_both_count(store: RegistryRepository) -> None:
    subject = _image(store)
    names = ("first", "second", "third")
    threads = [
        threading.Thread(
            target=publication.sign_image, args=(store, subject, signer(name)), kwargs={"at": AT}
        )
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    keys = tuple(signer(name).public_key for name in names)
    report = verify(store, subject, Trust(keys), at=AT)
    signed_by = [d.attestation.key_fingerprint for d in report.documents]
    repeated_by = [d.attestation.key_fingerprint for d in report.copies]
    assert sorted(signed_by) == sorted(repeated_by) == sorted(key.fingerprint for key in keys)
