"""A signature over a message, or over a digest where the message is not at hand."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from supplychain.errors import VerificationError
from supplychain.signing.trust.signed import Signed
from tests.kit.sigstore import new_key
from tests.kit.sigstore.keys import sign
from tests.unit.signing.trust.asking import key_of

MESSAGE = b"what is signed"
SHA256 = hashlib.sha256(MESSAGE).digest()
KEY = new_key()


def test_by_the_message_and_by_its_digest() -> None:
    made = sign(KEY, MESSAGE)
    for signed in (Signed.over(MESSAGE, made), Signed(made, SHA256)):
        signed.require(key_of(KEY))
        assert signed.made_by(key_of(KEY))
        assert not signed.made_by(key_of(new_key()))
    for wrong in (Signed.over(MESSAGE + b"!", made), Signed(made, b"\0" * 32), Signed(b"", SHA256)):
        assert not wrong.made_by(key_of(KEY))
        with pytest.raises(VerificationError):
            wrong.require(key_of(KEY))


def test_a_key_that_signs_no_digest_needs_the_message() -> None:
    key = Ed25519PrivateKey.generate()
    made = sign(key, MESSAGE)
    assert Signed.over(MESSAGE, made).made_by(key_of(key))
    with pytest.raises(VerificationError, match="signs the content itself"):
        Signed(made, SHA256).require(key_of(key))


def test_longer_digests_need_the_message() -> None:
    signed = Signed.over(MESSAGE, b"")
    assert signed.digest("sha256") == SHA256
    assert signed.digest("sha512") == hashlib.sha512(MESSAGE).digest()
    assert Signed(b"", SHA256).digest("sha256") == SHA256
    assert Signed(b"", SHA256).digest("sha512") is None
