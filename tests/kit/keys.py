"""Signing keys for tests, made in memory: no password, no scrypt, no file."""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from supplychain.signing.keys.keyfile import KeyFileSigner
from supplychain.signing.signer import PublicKey


def signer(name: str = "release") -> KeyFileSigner:
    """The signer of that name: the same within one run of the tests, another for another name."""
    return _made(name)


@cache
def _made(_name: str) -> KeyFileSigner:
    private = generate_private_key(SECP256R1())
    spki = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return KeyFileSigner(private, PublicKey(spki))
