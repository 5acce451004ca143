"""What the real cosign wrote before bundles: `vectors/README.md` says how it was made."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from supplychain.model.artifact import OCI_MANIFEST
from supplychain.model.evidence import (
    CYCLONEDX_PREDICATE,
    SIGNATURE_PREDICATE,
    VULNERABILITY_PREDICATE,
)
from supplychain.model.subject import Subject
from supplychain.signing import publication, simplesigning
from supplychain.signing.signer import PublicKey
from supplychain.signing.trust.trust import Trust
from supplychain.signing.verification import verify
from tests.kit.artifacts import MemoryStore
from tests.kit.keys import signer

VECTORS = Path(__file__).parent / "vectors"
AT = datetime(2026, 11, 24, tzinfo=UTC)
KEY = PublicKey.parse_pem((VECTORS / "cosign.pub").read_bytes())
TYPES = [SIGNATURE_PREDICATE, CYCLONEDX_PREDICATE, VULNERABILITY_PREDICATE]


def _signed_by_cosign() -> tuple[MemoryStore, Subject]:
    store = MemoryStore()
    image = store.put_manifest((VECTORS / "image.json").read_bytes(), OCI_MANIFEST)
    for name in (
        *("legacy.sig.config", "legacy.att.config", "legacy.signature"),
        *("legacy.cyclonedx.dsse", "legacy.vuln.dsse"),
    ):
        store.put_blob((VECTORS / f"{name}.json").read_bytes())
    for suffix in ("sig", "att"):
        raw = (VECTORS / f"legacy.{suffix}.manifest.json").read_bytes()
        store.put_manifest(raw, OCI_MANIFEST, tag=f"sha256-{image.hex}.{suffix}")
    return store, Subject("127.0.0.1:5811/app", image)


def test_what_cosign_signed_and_attested_in_the_legacy_form_is_believed() -> None:
    store, subject = _signed_by_cosign()
    report = verify(store, subject, Trust((KEY,)), at=AT)
    assert (report.rejected, report.copies) == ((), ())
    assert [a.predicate_type for a in report.verified] == TYPES
    assert {a.key_fingerprint for a in report.verified} == {KEY.fingerprint}
    other = verify(store, subject, Trust((signer().public_key,)), at=AT)
    assert (other.verified, len(other.rejected)) == ((), 3)


def test_our_legacy_payload_is_cosigns_byte_for_byte() -> None:
    _, subject = _signed_by_cosign()
    assert simplesigning.write(subject) == (VECTORS / "legacy.signature.json").read_bytes()


def test_our_legacy_images_are_cosigns_but_for_the_signature() -> None:
    store, subject = _signed_by_cosign()
    ours = MemoryStore()
    ours.put_manifest((VECTORS / "image.json").read_bytes(), OCI_MANIFEST)
    publication.sign_image(ours, subject, signer(), at=AT)
    tag = f"sha256-{subject.digest.hex}.sig"
    made, theirs = (json.loads(s.manifest(s.resolve(tag).digest).raw) for s in (ours, store))
    for value in (made, theirs):
        value["layers"][0]["annotations"] = [*value["layers"][0]["annotations"]]
    assert made == theirs
