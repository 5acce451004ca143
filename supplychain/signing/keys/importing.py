"""Private keys that somebody has already, to be put into a key file of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplychain.errors import InputError
from supplychain.signing.keys import keyfile
from supplychain.signing.keys.keyfile import Password
from supplychain.signing.signer import PublicKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


def reencrypt(
    data: bytes, what: str, old_password: Password, new_password: bytes
) -> tuple[bytes, PublicKey]:
    """A key file with the private key that some other file holds.

    Args:
        data: An ECDSA P-256 key in PEM (PKCS#8, encrypted or not, or SEC 1), or a key file of
            cosign's, under its old label too.
        what: Its name, for errors.
        old_password: Asked for where it is encrypted.
        new_password: Encrypts the new key file.

    Returns:
        The key file's content, and the public key.

    Raises:
        InputError: It holds no P-256 private key, or the password is wrong.
    """
    if keyfile.is_one(data):
        return keyfile.decrypt(data, old_password, what).encrypt(new_password)
    return keyfile.encrypt(_private(data, what, old_password), new_password)


def _private(data: bytes, what: str, password: Password) -> EllipticCurvePrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    # PKCS#8 says so in its label, SEC 1 in a header (RFC 1421 section 4.6.1.1).
    encrypted = b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in data or b"4,ENCRYPTED" in data
    try:
        private = load_pem_private_key(data, password() if encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Not even the parser's words: they may quote what they could not parse.
        raise InputError(
            f"{what} holds no private key that can be read",
            because="the password is wrong, or it is no private key in PEM"
            if encrypted
            else "it is no private key in PEM",
        ) from None
    return keyfile.p256(private, what)
