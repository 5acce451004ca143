"""Public keys: P-256 in one PEM block, and nothing else."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from supplychain.errors import InputError, VerificationError
from supplychain.signing.encoding import write_pem
from supplychain.signing.signer import PublicKey
from supplychain.signing.trust.keys import fingerprint_of_pem
from tests.kit.keys import signer


def _public_pem(
    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey,
) -> bytes:
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _compressed() -> bytes:
    """A point in its compressed form, in a SubjectPublicKeyInfo that says so."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    head = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    return write_pem("PUBLIC KEY", head + point)


def test_a_key_reads_back_as_another_library_wrote_it() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    pem = _public_pem(private)
    key = PublicKey.parse_pem(pem)
    spki = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert key.spki == spki
    assert key.pem() == pem
    assert (
        key.fingerprint == fingerprint_of_pem(pem) == f"sha256:{hashlib.sha256(spki).hexdigest()}"
    )
    assert base64.b64decode(key.hint) == hashlib.sha256(spki).digest()


FOREIGN = {
    "P-384": _public_pem(ec.generate_private_key(ec.SECP384R1())),
    "secp256k1": _public_pem(ec.generate_private_key(ec.SECP256K1())),
    "RSA": _public_pem(rsa.generate_private_key(65537, 2048)),
    "Ed25519": _public_pem(ed25519.Ed25519PrivateKey.generate()),
    "a compressed point": _compressed(),
}


@pytest.mark.parametrize("pem", FOREIGN.values(), ids=FOREIGN.keys())
def test_other_kinds_of_key_are_refused(pem: bytes) -> None:
    with pytest.raises(InputError, match="not an ECDSA P-256 key"):
        PublicKey.parse_pem(pem)


def test_data_after_the_key_is_refused() -> None:
    spki = signer().public_key.spki
    with pytest.raises(InputError, match="not an ECDSA P-256 key"):
        PublicKey.parse_pem(write_pem("PUBLIC KEY", spki + b"\0"))


@pytest.mark.parametrize("at", [40, 90])
def test_a_point_off_the_curve_is_refused(at: int) -> None:
    spki = bytearray(signer().public_key.spki)
    spki[at] ^= 1
    with pytest.raises(InputError, match="no point of the curve"):
        PublicKey(bytes(spki))


def test_a_coordinate_has_one_spelling() -> None:
    """A point whose x is small enough that x + p fits: the same point, another fingerprint."""
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    head = signer().public_key.spki[:27]
    x = next(x for x in range(100) if pow(x**3 - 3 * x + b, (p - 1) // 2, p) == 1)
    y = pow(x**3 - 3 * x + b, (p + 1) // 4, p)
    PublicKey(head + x.to_bytes(32) + y.to_bytes(32))
    with pytest.raises(InputError, match="no point of the curve"):
        PublicKey(head + (x + p).to_bytes(32) + y.to_bytes(32))


def test_a_private_key_is_refused_as_such_and_not_quoted() -> None:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with pytest.raises(InputError, match=r"release\.pub is a private key") as caught:
        PublicKey.parse_pem(pem, "release.pub")
    assert pem.splitlines()[1].decode() not in str(caught.value.diagnostics())


def test_a_certificate_is_no_public_key() -> None:
    with pytest.raises(InputError, match="'CERTIFICATE'"):
        PublicKey.parse_pem(write_pem("CERTIFICATE", b"x"))


def test_several_keys_in_a_file_are_refused() -> None:
    with pytest.raises(InputError, match="more than one PEM block"):
        PublicKey.parse_pem(signer("a").public_key.pem() + signer("b").public_key.pem())


def test_a_signature_holds_for_its_key_and_its_bytes_alone() -> None:
    signature = signer("a").sign(b"data")
    signer("a").public_key.verify(signature, b"data")
    for key, data, sig in (
        (signer("b"), b"data", signature),
        (signer("a"), b"Data", signature),
        (signer("a"), b"data", b""),
        (signer("a"), b"data", signature + b"\0"),
        (signer("a"), b"data", bytes(64)),
    ):
        with pytest.raises(VerificationError):
            key.public_key.verify(sig, data)
