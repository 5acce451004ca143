"""Keys that never leave their place: what is to be signed goes there as a digest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from supplychain.errors import InputError, ToolMissingError, VerificationError
from supplychain.frozen import dataclass
from supplychain.signing.signer import PublicKey

_COORDINATE = 32


@dataclass(frozen=True, slots=True, repr=False)
class RemoteSigner:
    """A signer that asks somebody else to sign, and believes nothing.

    Attributes:
        reference: Where the key is, as the user wrote it.
        public_key: The public key of the very version that signs.
    """

    reference: str
    public_key: PublicKey
    _sign: Callable[[bytes], bytes]

    def __repr__(self) -> str:
        """Which key it is, and where."""
        return f"RemoteSigner({self.reference}, {self.public_key.fingerprint})"

    def sign(self, data: bytes) -> bytes:
        """An ECDSA P-256 signature over the SHA-256 of `data`, DER-encoded.

        Raises:
            VerificationError: What came back is not this key's signature over these bytes.
            KeyServiceError: The key cannot be used.
        """
        return self.sign_digest(hashlib.sha256(data).digest())

    def sign_digest(self, sha256: bytes) -> bytes:
        """The same over bytes of which only the SHA-256 is at hand; raises as `sign`."""
        signature = self._sign(sha256)
        try:
            self.public_key.verify_digest(signature, sha256)
        except VerificationError as error:
            raise VerificationError(
                f"{self.reference} gave a signature that does not verify",
                because=f"it is not of the key {self.public_key.fingerprint}, or over other bytes",
                hint="run it again; if it stays so, the service or the way to it is broken",
            ) from error
        return signature


def der(raw: bytes, reference: str) -> bytes:
    """A signature as two coordinates (JWS, PKCS#11), DER-encoded.

    Raises:
        VerificationError: It is not two P-256 coordinates.
    """
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    if len(raw) != 2 * _COORDINATE:
        raise VerificationError(f"{reference} gave a signature of {len(raw)} bytes")
    r, s = int.from_bytes(raw[:_COORDINATE]), int.from_bytes(raw[_COORDINATE:])
    return encode_dss_signature(r, s)


def wrong_form(reference: str, form: str) -> InputError:
    """The error for a reference that is not of its kind's form."""
    return InputError(f"{reference[:200]!r} is not a key reference", hint=f"write {form}")


def wrong_kind(reference: str, kind: str) -> InputError:
    """The error for a key of another kind than all readers of cosign's signatures take."""
    return InputError(
        f"{reference} is a key of kind {kind[:80]}",
        because="signatures are ECDSA over P-256 with SHA-256",
        hint="make an ECDSA P-256 key for signing there",
    )


def extra_missing(extra: str, what: str) -> ToolMissingError:
    """The error for an optional library that is not installed."""
    return ToolMissingError(
        f"{what} cannot be reached: their client library is not installed",
        hint=f"pip install 'supplychain[{extra}]'",
    )
