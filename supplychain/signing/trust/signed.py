"""A signature and what it was made over: what logs and clocks are asked about."""

from __future__ import annotations

import hashlib
from dataclasses import field

from supplychain.errors import VerificationError
from supplychain.frozen import dataclass
from supplychain.signing.trust.keys import VerifyingKey


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature over a message.

    Attributes:
        signature: Its bytes: of ECDSA DER.
        sha256: SHA-256 of the message.
        message: The message; None where only its digest is at hand.
        payload: The payload, where the message is a DSSE envelope's pre-authentication encoding.
        envelope: That envelope, byte for byte; None where it is no document of its own.
    """

    signature: bytes
    sha256: bytes
    message: bytes | None = field(default=None, repr=False)
    payload: bytes | None = field(default=None, repr=False)
    envelope: bytes | None = field(default=None, repr=False)

    @classmethod
    def over(
        cls,
        message: bytes,
        signature: bytes,
        *,
        payload: bytes | None = None,
        envelope: bytes | None = None,
    ) -> Signed:
        """A signature over a message that is at hand."""
        return cls(signature, hashlib.sha256(message).digest(), message, payload, envelope)

    def digest(self, algorithm: str) -> bytes | None:
        """The message's digest, by hashlib's name; None where it cannot be computed."""
        if algorithm == "sha256":
            return self.sha256
        return None if self.message is None else hashlib.new(algorithm, self.message).digest()

    def require(self, key: VerifyingKey) -> None:
        """Check the signature.

        Raises:
            VerificationError: This key did not make it over this message.
        """
        if self.message is None:
            key.verify_digest(self.signature, self.sha256)
        else:
            key.verify(self.signature, self.message, sha256=self.sha256)

    def made_by(self, key: VerifyingKey) -> bool:
        """Whether this key made it."""
        try:
            self.require(key)
        except VerificationError:
            return False
        return True
