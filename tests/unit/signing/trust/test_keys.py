"""Every kind of key that Sigstore registers, and none beside."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from supplychain.errors import InputError, VerificationError
from supplychain.signing.trust.keys import P256_HEADER, VerifyingKey

DATA = b"what is signed"
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
P521 = ec.generate_private_key(ec.SECP521R1())
RSA = rsa.generate_private_key(65537, 2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()
Sign = Callable[[bytes], bytes]


def _spki(private: object) -> bytes:
    public = private.public_key()  # type: ignore[attr-defined]
    made: bytes = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return made


def _ecdsa(key: ec.EllipticCurvePrivateKey, algorithm: HashAlgorithm) -> Sign:
    return lambda data: key.sign(data, ec.ECDSA(algorithm))


def _rsa(algorithm: HashAlgorithm) -> Sign:
    return lambda data: RSA.sign(data, padding.PKCS1v15(), algorithm)


def _pss(data: bytes) -> bytes:
    return RSA.sign(data, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())


TAKEN: dict[str, tuple[object, Sign]] = {
    "P-256": (P256, _ecdsa(P256, SHA256())),
    "P-384": (P384, _ecdsa(P384, SHA384())),
    "P-384 as cosign 2": (P384, _ecdsa(P384, SHA256())),
    "P-521": (P521, _ecdsa(P521, SHA512())),
    "P-521 as cosign 2": (P521, _ecdsa(P521, SHA256())),
    "RSA": (RSA, _rsa(SHA256())),
    "Ed25519": (ED25519, ED25519.sign),
}


@pytest.mark.parametrize("kind", TAKEN)
def test_a_signature_of_each_kind_verifies_and_no_other(kind: str) -> None:
    private, sign = TAKEN[kind]
    key, signature = VerifyingKey(_spki(private)), sign(DATA)
    key.verify(signature, DATA)
    changed = bytes((signature[0] ^ 1,)) + signature[1:]
    for wrong in (b"", signature[:-1], signature + b"\0", changed, b"\0" * len(signature)):
        with pytest.raises(VerificationError, match="does not verify"):
            key.verify(wrong, DATA)
    for data in (b"", DATA + b"\0", hashlib.sha256(DATA).digest()):
        with pytest.raises(VerificationError, match="does not verify"):
            key.verify(signature, data)


@pytest.mark.parametrize(
    ("private", "sign"),
    [
        (P256, _ecdsa(P256, SHA384())),
        (P384, _ecdsa(P384, SHA512())),
        (P521, _ecdsa(P521, SHA384())),
        (RSA, _rsa(SHA512())),
        (RSA, _pss),
    ],
    ids=["P-256, SHA-384", "P-384, SHA-512", "P-521, SHA-384", "RSA, SHA-512", "RSA, PSS"],
)
def test_a_signature_with_another_hash_or_padding_does_not_verify(
    private: object, sign: Sign
) -> None:
    with pytest.raises(VerificationError, match="does not verify"):
        VerifyingKey(_spki(private)).verify(sign(DATA), DATA)


def test_by_the_digest_alone() -> None:
    digest = hashlib.sha256(DATA).digest()
    for private, sign in (
        (P256, _ecdsa(P256, SHA256())),
        (P384, _ecdsa(P384, SHA256())),
        (RSA, _rsa(SHA256())),
    ):
        key = VerifyingKey(_spki(private))
        key.verify_digest(sign(DATA), digest)
        with pytest.raises(VerificationError, match="does not verify"):
            key.verify_digest(sign(DATA), hashlib.sha256(b"other").digest())
    with pytest.raises(VerificationError, match="signs the content itself"):
        VerifyingKey(_spki(ED25519)).verify_digest(ED25519.sign(digest), digest)
    with pytest.raises(VerificationError, match="does not verify"):
        VerifyingKey(_spki(P384)).verify_digest(_ecdsa(P384, SHA384())(DATA), digest)


@pytest.mark.parametrize("wrong", [b"", b"short", b"\0" * 33])
def test_what_is_no_digest_is_refused(wrong: bytes) -> None:
    with pytest.raises(VerificationError):
        VerifyingKey(_spki(P256)).verify_digest(_ecdsa(P256, SHA256())(DATA), wrong)


@pytest.mark.parametrize(
    ("private", "kind"),
    [
        (P256, "PKIX_ECDSA_P256_SHA_256"),
        (P384, "PKIX_ECDSA_P384_SHA_384"),
        (P521, "PKIX_ECDSA_P521_SHA_512"),
        (RSA, "PKIX_RSA_PKCS1V15_2048_SHA256"),
        (ED25519, "PKIX_ED25519"),
    ],
)
def test_a_key_knows_what_the_registry_calls_it(private: object, kind: str) -> None:
    key = VerifyingKey(_spki(private))
    assert kind in key.kinds
    assert key.digest == hashlib.sha256(_spki(private)).digest()
    assert key.fingerprint == f"sha256:{hashlib.sha256(_spki(private)).hexdigest()}"


REFUSED: dict[str, bytes] = {
    "another curve": _spki(ec.generate_private_key(ec.SECP256K1())),
    "a short curve": _spki(ec.generate_private_key(ec.SECP224R1())),
    "RSA of 1024 bits": _spki(rsa.generate_private_key(65537, 1024)),
    "DSA": _spki(dsa.generate_private_key(1024)),
    "Ed448": _spki(ed448.Ed448PrivateKey.generate()),
    "a key that agrees": _spki(x25519.X25519PrivateKey.generate()),
    "no point of the curve": P256_HEADER + b"\x01" * 64,
    "nothing": b"",
    "text": b"-----BEGIN PUBLIC KEY-----",
    "half of one": _spki(P256)[:50],
    "more after it": _spki(P256) + b"\0",
    "more after another": _spki(P384) + b"\0",
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_other_keys_are_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        VerifyingKey(data)


@given(st.binary(max_size=200) | st.binary(min_size=64, max_size=64).map(P256_HEADER.__add__))
def test_what_is_no_key_raises_nothing_but_our_own_error(data: bytes) -> None:
    with suppress(InputError):
        VerifyingKey(data)


@given(st.sampled_from(sorted(TAKEN)), st.binary(max_size=200))
def test_what_is_no_signature_raises_nothing_but_our_own_error(kind: str, data: bytes) -> None:
    with pytest.raises(VerificationError):
        VerifyingKey(_spki(TAKEN[kind][0])).verify(data, DATA)
