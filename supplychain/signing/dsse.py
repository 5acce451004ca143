"""DSSE envelopes (Dead Simple Signing Envelope, protocol and envelope version 1.0)."""

from __future__ import annotations

import json
from dataclasses import field

from supplychain.errors import InputError, LimitError
from supplychain.frozen import dataclass
from supplychain.signing.encoding import as_text, members, read_base64, read_json, write_base64
from supplychain.signing.signer import PublicKey, Signer
from supplychain.signing.trust.signed import Signed

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MEDIA_TYPE = "application/vnd.dsse.envelope.v1+json"
PAYLOAD_LIMIT = 32 * 1024 * 1024
ENVELOPE_LIMIT = PAYLOAD_LIMIT * 4 // 3 + 32 * 1024


@dataclass(frozen=True, slots=True)
class Envelope:
    """An in-toto payload with exactly one signature.

    Attributes:
        payload: The signed bytes, opaque until the signature was checked.
        signature: ECDSA over their pre-authentication encoding, DER.
    """

    payload: bytes = field(repr=False)
    signature: bytes

    def verify(self, key: PublicKey) -> None:
        """Check the signature.

        Raises:
            VerificationError: This key did not make it over this payload.
        """
        key.verify(self.signature, pre_authentication_encoding(self.payload))

    def signed(self, document: bytes | None = None) -> Signed:
        """The signature, and what it was made over.

        Args:
            document: The envelope byte for byte, where it is a document of its own.
        """
        message = pre_authentication_encoding(self.payload)
        return Signed.over(message, self.signature, payload=self.payload, envelope=document)

    def value(self) -> dict[str, object]:
        """The envelope as the bundle's `dsseEnvelope`.

        Raises:
            LimitError: Nobody, we included, would read one so large.
        """
        require_size(self.payload)
        return {
            "payload": write_base64(self.payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": write_base64(self.signature)}],
        }

    def encode(self) -> bytes:
        """The envelope as a document of its own, compact JSON; raises as `value`."""
        return json.dumps(self.value(), separators=(",", ":")).encode()

    @classmethod
    def decode(cls, data: bytes) -> Envelope:
        """Read an envelope that is a document of its own; raises as `parse`."""
        return cls.parse(read_json(data, "the envelope", limit=ENVELOPE_LIMIT).value)

    @classmethod
    def parse(cls, value: object) -> Envelope:
        """Read a `dsseEnvelope`.

        Raises:
            InputError: Another payload type, none or several signatures, or base64 that is not
                canonical.
        """
        found = members(value, "the envelope", required=("payload", "payloadType", "signatures"))
        payload_type = as_text(found["payloadType"], "the envelope's payloadType")
        if payload_type != PAYLOAD_TYPE:
            raise InputError(
                f"the envelope's payload is {payload_type[:80]!r}, not {PAYLOAD_TYPE!r}"
            )
        signatures = found["signatures"]
        if not isinstance(signatures, list) or len(signatures) != 1:
            raise InputError("the envelope has not exactly one signature")
        signature = members(signatures[0], "its signature", required=("sig",), optional=("keyid",))
        as_text(signature.get("keyid", ""), "the signature's keyid")
        return cls(
            read_base64(found["payload"], "the envelope's payload"),
            read_base64(signature["sig"], "the envelope's signature"),
        )


def pre_authentication_encoding(payload: bytes) -> bytes:
    """What is signed: the payload bound to its type (DSSE protocol, "PAE")."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def require_size(payload: bytes) -> None:
    """Refuse to sign what nobody, we included, would read.

    Raises:
        LimitError: It is too large.
    """
    if len(payload) > PAYLOAD_LIMIT:
        raise LimitError(
            f"the statement has {len(payload)} bytes, at most {PAYLOAD_LIMIT} can be signed"
        )


def seal(payload: bytes, signer: Signer) -> Envelope:
    """Sign a payload.

    Raises:
        SupplyChainError: The signer could not sign.
    """
    return Envelope(payload, signer.sign(pre_authentication_encoding(payload)))
