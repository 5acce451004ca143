"""Entries of a transparency log, as the real servers write them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from tests.kit.sigstore.keys import text


@dataclass(frozen=True, slots=True)
class Body:
    """What a log keeps.

    Attributes:
        kind: What kind of entry.
        version: Which form of that.
        data: The entry, canonical JSON.
    """

    kind: str
    version: str
    data: bytes

    @classmethod
    def of(cls, kind: str, version: str, spec: object) -> Body:
        """An entry with these contents."""
        value = {"apiVersion": version, "kind": kind, "spec": spec}
        return cls(kind, version, json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose signature an entry is about.

    Attributes:
        pem: Their certificate, or their public key.
        der: The same without armour.
        certified: That it is a certificate.
        details: The kind of the key, as Rekor v2 names it.
    """

    pem: bytes
    der: bytes
    certified: bool = True
    details: str = "PKIX_ECDSA_P256_SHA_256"

    def verifier(self) -> dict[str, object]:
        """As Rekor v2 writes it."""
        name = "x509Certificate" if self.certified else "publicKey"
        return {"keyDetails": self.details, name: {"rawBytes": text(self.der)}}


def hashedrekord_1(digest: bytes, signature: bytes, signer: Signer) -> Body:
    """Rekor v1's entry for a signature over something with this SHA-256."""
    spec = {
        "data": {"hash": _sha256(digest)},
        "signature": {"content": text(signature), "publicKey": {"content": text(signer.pem)}},
    }
    return Body.of("hashedrekord", "0.0.1", spec)


def hashedrekord_2(digest: bytes, signature: bytes, signer: Signer) -> Body:
    """Rekor v2's entry for the same; an envelope goes in by the SHA-256 of what it signs."""
    spec = {
        "hashedRekordV002": {
            "data": {"algorithm": "SHA2_256", "digest": text(digest)},
            "signature": {"content": text(signature), "verifier": signer.verifier()},
        }
    }
    return Body.of("hashedrekord", "0.0.2", spec)


def dsse_1(envelope: bytes, payload: bytes, signature: bytes, signer: Signer) -> Body:
    """Rekor v1's entry for an envelope."""
    spec = {
        "envelopeHash": _sha256(hashlib.sha256(envelope).digest()),
        "payloadHash": _sha256(hashlib.sha256(payload).digest()),
        "signatures": [{"signature": text(signature), "verifier": text(signer.pem)}],
    }
    return Body.of("dsse", "0.0.1", spec)


def dsse_2(payload: bytes, signature: bytes, signer: Signer) -> Body:
    """What early versions of Rekor v2 wrote for an envelope."""
    spec = {
        "dsseV002": {
            "payloadHash": {
                "algorithm": "SHA2_256",
                "digest": text(hashlib.sha256(payload).digest()),
            },
            "signatures": [{"content": text(signature), "verifier": signer.verifier()}],
        }
    }
    return Body.of("dsse", "0.0.2", spec)


def intoto_1(envelope: bytes, payload: bytes, signer: Signer) -> Body:
    """What cosign 1 and 2 had written for a legacy attestation; the signature is only hashed."""
    spec = {
        "content": {
            "hash": _sha256(hashlib.sha256(envelope).digest()),
            "payloadHash": _sha256(hashlib.sha256(payload).digest()),
        },
        "publicKey": text(signer.pem),
    }
    return Body.of("intoto", "0.0.1", spec)


def intoto_2(
    envelope: bytes, payload_type: str, payload: bytes, signature: bytes, signer: Signer
) -> Body:
    """An older entry of Rekor v1 for an envelope; its signature is in base64 twice."""
    spec = {
        "content": {
            "envelope": {
                "payloadType": payload_type,
                "signatures": [
                    {"publicKey": text(signer.pem), "sig": text(text(signature).encode())}
                ],
            },
            "hash": _sha256(hashlib.sha256(envelope).digest()),
            "payloadHash": _sha256(hashlib.sha256(payload).digest()),
        }
    }
    return Body.of("intoto", "0.0.2", spec)


def _sha256(digest: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": digest.hex()}
