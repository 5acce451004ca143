"""Keys that somebody has already."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from supplychain.errors import InputError
from supplychain.signing.keys import keyfile
from supplychain.signing.keys.importing import reencrypt

PRIVATE = ec.generate_private_key(ec.SECP256R1())
OLD, NEW = b"old password", b"new password"


def pem(
    form: PrivateFormat,
    encryption: KeySerializationEncryption | None = None,
    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = PRIVATE,
) -> bytes:
    return private.private_bytes(Encoding.PEM, form, encryption or NoEncryption())


def never() -> bytes:
    raise AssertionError("the password was asked for")


COSIGN = keyfile.encrypt(PRIVATE, OLD)[0]
PLAIN = {
    "PKCS#8": pem(PrivateFormat.PKCS8),
    "SEC 1": pem(PrivateFormat.TraditionalOpenSSL),
    "SEC 1 behind its parameters": b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
    b"-----END EC PARAMETERS-----\n" + pem(PrivateFormat.TraditionalOpenSSL),
}
ENCRYPTED = {
    "PKCS#8": pem(PrivateFormat.PKCS8, BestAvailableEncryption(OLD)),
    "SEC 1": pem(PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(OLD)),
    "cosign": COSIGN,
    "cosign's old label": COSIGN.replace(b"SIGSTORE", b"COSIGN"),
}


@pytest.mark.parametrize("data", PLAIN.values(), ids=PLAIN.keys())
def test_a_plain_key_becomes_an_encrypted_one(data: bytes) -> None:
    written, public = reencrypt(data, "it", never, NEW)
    signer = keyfile.decrypt(written, lambda: NEW)
    assert signer.public_key == public
    assert signer._private.private_numbers() == PRIVATE.private_numbers()
    assert written.startswith(b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n")


@pytest.mark.parametrize("data", ENCRYPTED.values(), ids=ENCRYPTED.keys())
def test_an_encrypted_key_gets_another_password(data: bytes) -> None:
    written, public = reencrypt(data, "it", lambda: OLD, NEW)
    signer = keyfile.decrypt(written, lambda: NEW)
    assert signer.public_key == public
    assert signer._private.private_numbers() == PRIVATE.private_numbers()
    with pytest.raises(InputError):
        keyfile.decrypt(written, lambda: OLD)


@pytest.mark.parametrize("data", ENCRYPTED.values(), ids=ENCRYPTED.keys())
def test_a_wrong_password_is_refused_and_not_shown(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^it ") as caught:
        reencrypt(data, "it", lambda: b"hunter2", NEW)
    assert "password is wrong" in str(caught.value.because)
    assert "hunter2" not in f"{caught.value.diagnostics()} {caught.value.__context__!r}"


OTHERS = {
    "RSA": pem(PrivateFormat.PKCS8, private=rsa.generate_private_key(65537, 2048)),
    "P-384": pem(PrivateFormat.PKCS8, private=ec.generate_private_key(ec.SECP384R1())),
    "public": keyfile.encrypt(PRIVATE, OLD)[1].pem(),
    "nothing": b"",
    "DER": PRIVATE.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
}


@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS.keys())
def test_what_is_no_p256_private_key_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^it "):
        reencrypt(data, "it", never, NEW)
