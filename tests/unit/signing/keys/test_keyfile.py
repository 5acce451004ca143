"""Key files in cosign's format."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from nacl.secret import SecretBox

from supplychain.errors import ConflictError, InputError, LimitError, StoreError
from supplychain.signing.encoding import read_pem, write_pem
from supplychain.signing.keys import keyfile, pair
from supplychain.signing.keys.opening import open_ahead
from supplychain.signing.signer import PublicKey

LABEL = "ENCRYPTED SIGSTORE PRIVATE KEY"
# One for the whole file: scrypt takes a fifth of a second each time.
PEM, PUBLIC = keyfile.generate(b"correct")


def correct() -> bytes:
    return b"correct"


def load(path: Path) -> keyfile.KeyFileSigner:
    return keyfile.decrypt(path.read_bytes(), correct, str(path))


def never() -> bytes:
    raise AssertionError("the password was asked for")


def _altered(**changes: Any) -> bytes:
    box = json.loads(read_pem(PEM, "it")[1])
    for path, value in changes.items():
        *parents, last = path.split("__")
        inner = box
        for name in parents:
            inner = inner[name]
        inner[last] = value
    return write_pem(LABEL, json.dumps(box).encode())


def _sealed(pkcs8: bytes) -> bytes:
    """A key file that is in order and holds these bytes."""
    return keyfile._encrypt(pkcs8, b"correct")


def test_a_new_key_signs_for_its_public_key() -> None:
    signer = keyfile.decrypt(PEM, correct)
    assert signer.public_key == PUBLIC
    PUBLIC.verify(signer.sign(b"data"), b"data")


def test_the_file_is_what_cosign_writes() -> None:
    label, body = read_pem(PEM, "it")
    box = json.loads(body)
    assert label == LABEL
    assert box["kdf"]["name"] == "scrypt"
    assert box["kdf"]["params"] == {"N": 65536, "r": 8, "p": 1}
    assert box["cipher"]["name"] == "nacl/secretbox"
    assert list(box) == ["kdf", "cipher", "ciphertext"]
    assert len(base64.b64decode(box["kdf"]["salt"])) == 32
    assert len(base64.b64decode(box["cipher"]["nonce"])) == SecretBox.NONCE_SIZE


def test_the_older_label_is_read_too() -> None:
    older = write_pem("ENCRYPTED COSIGN PRIVATE KEY", read_pem(PEM, "it")[1])
    assert keyfile.decrypt(older, correct).public_key == PUBLIC


def test_a_wrong_password_says_so_and_shows_nothing() -> None:
    with pytest.raises(InputError, match=r"release\.key cannot be decrypted") as caught:
        keyfile.decrypt(PEM, lambda: b"hunter2", "release.key")
    assert "password is wrong" in str(caught.value.because)
    assert "hunter2" not in str(caught.value.diagnostics())


def test_a_key_opened_ahead_tells_of_a_wrong_password_to_whoever_needs_it() -> None:
    signer = open_ahead(keyfile.parse(PEM), lambda: b"hunter2")
    for _ in range(2):
        with pytest.raises(InputError, match="cannot be decrypted"):
            _ = signer.public_key
    with pytest.raises(InputError, match="cannot be decrypted"):
        signer.sign(b"data")
    assert "hunter2" not in repr(signer)


def test_the_private_key_shows_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    pair.create(tmp_path / "k.key", tmp_path / "k.pub", correct)
    signer = load(tmp_path / "k.key")
    secret = signer._private.private_numbers().private_value
    shown = f"{signer!r} {signer} {caplog.text} {''.join(capfd.readouterr())}"
    assert shown.startswith(f"KeyFileSigner({signer.public_key.fingerprint})")
    assert str(secret) not in shown
    assert f"{secret:064x}" not in shown
    assert b"correct" not in (tmp_path / "k.key").read_bytes()


COSTLY: dict[str, dict[str, Any]] = {
    "a larger N": {"kdf__params__N": 262144},
    "an enormous N": {"kdf__params__N": 2**60},
    "a smaller N": {"kdf__params__N": 16384},
    "a fractional N": {"kdf__params__N": 65536.0},
    "another r": {"kdf__params__r": 16},
    "another p": {"kdf__params__p": 2},
    "true for p": {"kdf__params__p": True},
    "one more parameter": {"kdf__params__x": 1},
}


@pytest.mark.parametrize("changes", COSTLY.values(), ids=COSTLY.keys())
def test_scrypt_parameters_that_cost_too_much_or_too_little_are_refused(
    changes: dict[str, Any],
) -> None:
    with pytest.raises(LimitError, match="scrypt parameters"):
        keyfile.decrypt(_altered(**changes), never)


MALFORMED = {
    "another cipher": _altered(cipher__name="aes"),
    "another kdf": _altered(kdf__name="argon2"),
    "a short nonce": _altered(cipher__nonce="YQ=="),
    "a salt that is no base64": _altered(kdf__salt="!"),
    "no ciphertext": _altered(ciphertext=None),
    "an unknown member": _altered(extra=1),
    "parameters that are a list": _altered(kdf__params=[65536, 8, 1]),
    "a key in the clear": write_pem("PRIVATE KEY", b"x"),
    "another label": write_pem("ENCRYPTED PRIVATE KEY", read_pem(PEM, "it")[1]),
    "no JSON": write_pem(LABEL, b"x"),
    "no PEM": b"x",
    "two keys": PEM + PEM,
    "an endless file": b"-" * 100_000,
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_key_file_is_refused_before_a_password_is_asked_for(data: bytes) -> None:
    with pytest.raises(InputError):
        keyfile.decrypt(data, never)


def _pkcs8(curve: ec.EllipticCurve) -> bytes:
    return ec.generate_private_key(curve).private_bytes(
        Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
    )


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        (_pkcs8(ec.SECP384R1()), "not hold an ECDSA P-256 key"),
        (b"no key at all", "not hold a PKCS#8 private key"),
    ],
)
def test_what_was_encrypted_must_be_a_p256_key(plain: bytes, words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        keyfile.decrypt(_sealed(plain), correct)
    assert "no key at all" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_files_are_created_for_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        public = pair.create(tmp_path / "k.key", tmp_path / "k.pub", correct)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "k.key").stat().st_mode) == 0o600
    assert PublicKey.parse_pem((tmp_path / "k.pub").read_bytes()) == public
    assert sorted(p.name for p in tmp_path.iterdir()) == ["k.key", "k.pub"]


@pytest.mark.parametrize("name", ["k.key", "k.pub"])
def test_nothing_is_overwritten_unless_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(ConflictError, match=name):
        pair.create(tmp_path / "k.key", tmp_path / "k.pub", never)
    assert (tmp_path / name).read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_dangling_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "k.pub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConflictError, match=r"k\.pub exists already"):
        pair.create(tmp_path / "k.key", tmp_path / "k.pub", correct)
    assert [p.name for p in tmp_path.iterdir()] == ["k.pub"]


def test_force_replaces_both_files_and_keeps_the_mode(tmp_path: Path) -> None:
    for name in ("k.key", "k.pub"):
        (tmp_path / name).write_text("old")
        (tmp_path / name).chmod(0o644)
    public = pair.create(tmp_path / "k.key", tmp_path / "k.pub", correct, force=True)
    assert load(tmp_path / "k.key").public_key == public
    assert PublicKey.parse_pem((tmp_path / "k.pub").read_bytes()) == public
    assert stat.S_IMODE((tmp_path / "k.key").stat().st_mode) == 0o600
    assert sorted(p.name for p in tmp_path.iterdir()) == ["k.key", "k.pub"]


def test_a_folder_that_is_not_there_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        pair.create(tmp_path / "no" / "k.key", tmp_path / "no" / "k.pub", correct)
