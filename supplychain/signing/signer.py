"""What signs, and what a signature is checked with.

Every way to sign (a key file today; KMS, hardware and keyless later) is a `Signer`; every
signature is ECDSA over P-256 with SHA-256, which is what cosign makes and all its readers take.
"""

from __future__ import annotations

from typing import Protocol

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.signing.encoding import write_base64
from supplychain.signing.trust.keys import P256_HEADER, VerifyingKey, is_p256


class Signer(Protocol):
    """Something that holds, or reaches, a private key."""

    @property
    def public_key(self) -> PublicKey:
        """What its signatures are checked with."""
        ...

    def sign(self, data: bytes) -> bytes:
        """An ECDSA P-256 signature over the SHA-256 of `data`, DER-encoded.

        Raises:
            SupplyChainError: The key could not be used.
        """
        ...

    def sign_digest(self, sha256: bytes) -> bytes:
        """The same over bytes of which only the SHA-256 is at hand; raises as `sign`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class PublicKey(VerifyingKey):
    """A P-256 public key: what signers have."""

    def __post_init__(self) -> None:
        """Refuse what is not a point on the curve.

        Raises:
            InputError: Another kind of key, another encoding, or no point of P-256.
        """
        if not is_p256(self.spki):
            raise InputError(
                "the public key is not an ECDSA P-256 key",
                hint="make one with: supplychain keys generate",
            )
        VerifyingKey.__post_init__(self)

    @classmethod
    def from_point(cls, coordinates: bytes) -> PublicKey:
        """The key with this point of the curve: x and y, 32 bytes each.

        Raises:
            InputError: It is no point of P-256.
        """
        return cls(P256_HEADER + coordinates)

    @property
    def hint(self) -> str:
        """What cosign writes into a bundle to say which key: base64 of the same hash."""
        return write_base64(self.digest)
