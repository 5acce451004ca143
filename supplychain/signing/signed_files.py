"""Files that count as evidence themselves: a bare signature over them, verified."""

from __future__ import annotations

from datetime import datetime

from supplychain.errors import VerificationError
from supplychain.model.digest import Digest
from supplychain.model.evidence import SIGNATURE_PREDICATE, VerifiedAttestation
from supplychain.model.subject import Subject
from supplychain.signing.blobs import Blob, verify
from supplychain.signing.trust.trust import Trust


def verify_file(
    name: str, data: bytes, bundle: bytes, trust: Trust, *, at: datetime
) -> VerifiedAttestation:
    """Check that somebody who is trusted signed a file as a whole.

    Args:
        name: What the file is called.
        data: The file.
        bundle: What `sign-blob` has written for it.
        trust: Whose word counts.
        at: Now (aware, UTC).

    Raises:
        InputError: Nobody's word counts; or the bundle is malformed.
        VerificationError: Nobody trusted signed it; or the bundle states something about the file,
            which is not to stand behind what the file says.
    """
    digest = Digest.of(data)
    held = verify(bundle, Blob(name, (digest,), data), trust, at=at)
    if held.predicate_type not in {None, SIGNATURE_PREDICATE}:
        raise VerificationError(
            "the bundle is no signature of the file",
            because=f"it states something about it: {held.predicate_type}",
            hint=f"supplychain sign-blob {name} --bundle {name}.sigstore.json",
        )
    established = held.established
    return VerifiedAttestation(
        subject=Subject(name, digest),
        predicate_type=SIGNATURE_PREDICATE,
        payload=digest,
        envelope=Digest.of(bundle),
        key_fingerprint=established.key_fingerprint,
        verified_at=at,
        identity=established.identity,
        log_entries=established.log_entries,
        times=established.times,
    )
