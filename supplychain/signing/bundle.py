"""Sigstore bundles v0.3 whose signature is checked with a public key (sigstore_bundle.proto).

Bundles with a certificate, a log entry or a timestamp are not understood yet, and what is not
understood is refused: an unchecked claim must not lie beside a checked one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from supplychain.errors import InputError
from supplychain.signing.dsse import ENVELOPE_LIMIT, Envelope
from supplychain.signing.encoding import as_object, as_text, members, read_json

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
# What all versions' media types begin with.
MEDIA_TYPE_FAMILY = "application/vnd.dev.sigstore.bundle"
BUNDLE_LIMIT = ENVELOPE_LIMIT + 32 * 1024

_LATER = {
    "certificate": "a certificate",
    "x509CertificateChain": "a certificate",
    "tlogEntries": "a transparency log entry",
    "timestampVerificationData": "a timestamp",
}


@dataclass(frozen=True, slots=True)
class Bundle:
    """An envelope and whose key is said to verify it.

    Attributes:
        key_hint: Base64 of the SHA-256 of the key's SubjectPublicKeyInfo, by custom. Nothing
            vouches for it, so nothing relies on it.
        envelope: What was signed.
    """

    key_hint: str
    envelope: Envelope

    def encode(self) -> bytes:
        """The bundle as compact JSON.

        Raises:
            LimitError: Nobody, we included, would read one so large.
        """
        value = {
            "mediaType": MEDIA_TYPE,
            "verificationMaterial": {"publicKey": {"hint": self.key_hint}},
            "dsseEnvelope": self.envelope.value(),
        }
        return json.dumps(value, separators=(",", ":")).encode()

    @classmethod
    def parse(cls, data: bytes) -> Bundle:
        """Read a bundle.

        Raises:
            LimitError: It is too large.
            InputError: It is not a v0.3 bundle of one DSSE envelope and a public key.
        """
        value = as_object(read_json(data, "the bundle", limit=BUNDLE_LIMIT).value, "the bundle")
        media_type = as_text(value.get("mediaType"), "the bundle's mediaType")
        if media_type != MEDIA_TYPE:
            raise InputError(f"the bundle is {media_type[:80]!r}, not {MEDIA_TYPE!r}")
        if "messageSignature" in value:
            raise InputError("the bundle signs a bare message and makes no statement")
        found = members(
            value, "the bundle", required=("mediaType", "verificationMaterial", "dsseEnvelope")
        )
        return cls(_hint(found["verificationMaterial"]), Envelope.parse(found["dsseEnvelope"]))


def _hint(material: object) -> str:
    found = as_object(material, "the verification material")
    for name, what in _LATER.items():
        # Empty lists and objects are how some writers spell "none".
        if found.get(name) not in (None, [], {}):
            raise InputError(
                "the bundle is not verified by a key alone",
                because=f"it carries {what}, which this version cannot check",
            )
    key = members(
        members(
            found, "the verification material", required=("publicKey",), optional=tuple(_LATER)
        )["publicKey"],
        "the bundle's publicKey",
        required=(),
        optional=("hint",),
    )
    return as_text(key.get("hint", ""), "the key's hint")
