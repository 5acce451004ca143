"""Private keys of the forge, and what the field writes of them."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Key = EllipticCurvePrivateKey | Ed25519PrivateKey
Span = tuple[datetime, datetime]

# When everything happens where a test says nothing else: long ago, so that no clock matters.
AT = datetime(2025, 6, 2, 12, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
YEAR = timedelta(days=365)


def new_key() -> EllipticCurvePrivateKey:
    """A new P-256 key."""
    return generate_private_key(SECP256R1())


def sign(key: Key, data: bytes) -> bytes:
    """A signature as the field makes it: ECDSA with SHA-256 as DER, or Ed25519."""
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(data)
    return key.sign(data, ECDSA(SHA256()))


def spki(key: Key) -> bytes:
    """The public key, SubjectPublicKeyInfo in DER."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def public_pem(key: Key) -> bytes:
    """The public key, PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def details(key: Key) -> str:
    """How Sigstore's documents name the kind of the key."""
    return "PKIX_ED25519" if isinstance(key, Ed25519PrivateKey) else "PKIX_ECDSA_P256_SHA_256"


def hint(key: Key) -> str:
    """How a bundle without a certificate names the key."""
    return text(hashlib.sha256(spki(key)).digest())


def text(data: bytes) -> str:
    """Base64."""
    return b64encode(data).decode()


def instant(at: datetime) -> str:
    """RFC 3339, as Sigstore's documents write it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
