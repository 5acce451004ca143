"""What signs, and what a signature is checked with.

Every way to sign (a key file today; KMS, hardware and keyless later) is a `Signer`; every
signature is ECDSA over P-256 with SHA-256, which is what cosign makes and all its readers take.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from supplychain.errors import InputError
from supplychain.signing.encoding import read_pem, write_base64, write_pem
from supplychain.signing.trust.keys import P256_HEADER, P256_LENGTH, VerifyingKey

_LABEL = "PUBLIC KEY"
# The curve, SP 800-186 section 3.2.1.3: y² = x³ - 3x + b (mod p).
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


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


@dataclass(frozen=True, slots=True)
class PublicKey(VerifyingKey):
    """A P-256 public key: what signers have."""

    def __post_init__(self) -> None:
        """Refuse what is not a point on the curve.

        Raises:
            InputError: Another kind of key, another encoding, or no point of P-256.
        """
        if len(self.spki) != P256_LENGTH or not self.spki.startswith(P256_HEADER):
            raise InputError(
                "the public key is not an ECDSA P-256 key",
                hint="make one with: supplychain keys generate",
            )
        x, y = int.from_bytes(self.spki[27:59]), int.from_bytes(self.spki[59:])
        if x >= _P or y >= _P or (y * y - x**3 + 3 * x - _B) % _P:
            raise InputError("the public key is no point of the curve P-256")

    @classmethod
    def parse_pem(cls, pem: bytes, what: str = "the public key") -> PublicKey:
        """Read one PEM block `PUBLIC KEY`; uses nothing but the standard library.

        Args:
            pem: The file's content.
            what: Its name, for the error.

        Raises:
            InputError: It is anything else: a private key, a certificate, several blocks …
        """
        label, der = read_pem(pem, what)
        if "PRIVATE KEY" in label:
            raise InputError(
                f"{what} is a private key",
                because="where a public key belongs, a private one must never lie",
                hint="give the .pub file that was written beside it",
            )
        if label != _LABEL:
            raise InputError(f"{what} is a PEM block {label!r}, not {_LABEL!r}")
        return cls(der)

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

    def pem(self) -> bytes:
        """The key as a PEM file."""
        return write_pem(_LABEL, self.spki)


def fingerprint_of_pem(pem: bytes, what: str = "the public key") -> str:
    """The fingerprint of a public key, for those who compare and never verify.

    Raises:
        InputError: It is not one P-256 public key in PEM.
    """
    return PublicKey.parse_pem(pem, what).fingerprint
