"""What the real cosign wrote: `vectors/README.md` says how it was made."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from supplychain.errors import InputError
from supplychain.model.artifact import OCI_MANIFEST
from supplychain.model.evidence import (
    CYCLONEDX_PREDICATE,
    SIGNATURE_PREDICATE,
    VULNERABILITY_PREDICATE,
)
from supplychain.model.subject import Subject
from supplychain.signing import publication
from supplychain.signing.keys import keyfile
from supplychain.signing.signer import PublicKey
from supplychain.signing.trust.trust import Trust
from supplychain.signing.verification import verify
from tests.kit.artifacts import MemoryStore
from tests.kit.keys import signer

VECTORS = Path(__file__).parent / "vectors"
AT = datetime(2026, 11, 24, tzinfo=UTC)
KEY = PublicKey.parse_pem((VECTORS / "cosign.pub").read_bytes())
NAMES = {
    "signature": SIGNATURE_PREDICATE,
    "cyclonedx": CYCLONEDX_PREDICATE,
    "vuln": VULNERABILITY_PREDICATE,
}


def _signed_by_cosign() -> tuple[MemoryStore, Subject]:
    store = MemoryStore()
    image = store.put_manifest((VECTORS / "image.json").read_bytes(), OCI_MANIFEST)
    for name in NAMES:
        bundle = store.put_blob((VECTORS / f"{name}.bundle.json").read_bytes())
        raw = (VECTORS / f"{name}.manifest.json").read_bytes()
        assert json.loads(raw)["layers"][0]["digest"] == str(bundle)
        store.put_manifest(raw, OCI_MANIFEST)
    return store, Subject("app", image)


def test_what_cosign_signed_and_attested_is_believed() -> None:
    store, subject = _signed_by_cosign()
    report = verify(store, subject, Trust((KEY,)), at=AT)
    assert (report.rejected, report.foreign) == ((), ())
    assert [a.predicate_type for a in report.verified] == list(NAMES.values())
    assert {a.key_fingerprint for a in report.verified} == {KEY.fingerprint}
    assert [a.is_signature for a in report.verified] == [True, False, False]
    assert [a.predicate_digest is None for a in report.verified] == [True, False, False]


def test_what_cosign_signed_is_not_believed_with_another_key() -> None:
    store, subject = _signed_by_cosign()
    report = verify(store, subject, Trust((signer().public_key,)), at=AT)
    assert report.verified == ()
    assert len(report.rejected) == 3


def test_cosigns_key_file_opens_and_signs_beside_cosigns_own() -> None:
    store, subject = _signed_by_cosign()
    key = keyfile.decrypt((VECTORS / "cosign.key").read_bytes(), lambda: b"correct-horse")
    assert key.public_key == KEY
    publication.sign_image(store, subject, key, at=AT)
    assert len(verify(store, subject, Trust((KEY,)), at=AT).signatures) == 2


def test_cosigns_key_file_stays_shut_for_another_password() -> None:
    with pytest.raises(InputError, match="cannot be decrypted"):
        keyfile.decrypt((VECTORS / "cosign.key").read_bytes(), lambda: b"correct-horsf")


def test_cosigns_hint_is_ours() -> None:
    bundle = json.loads((VECTORS / "signature.bundle.json").read_bytes())
    assert bundle["verificationMaterial"]["publicKey"]["hint"] == KEY.hint


def test_reading_a_public_key_loads_no_cryptography() -> None:
    program = (
        "import sys\n"
        "from supplychain.signing.trust.keys import fingerprint_of_pem\n"
        f"assert fingerprint_of_pem({KEY.pem()!r}) == {KEY.fingerprint!r}\n"
        "import supplychain.signing.keys.reference\n"
        "import supplychain.signing.publication\n"
        "import supplychain.signing.verification\n"
        "loaded = {'cryptography', 'nacl', 'sigstore', 'requests', 'pydantic'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
