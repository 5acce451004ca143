"""Key files in cosign's own format: PEM, scrypt, NaCl secretbox, PKCS#8.

The format is that of `cosign generate-key-pair` (cosign `pkg/cosign/keys.go` and the
go-securesystemslib package `encrypted`), so that either program reads what the other wrote.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from supplychain.errors import InputError, LimitError
from supplychain.frozen import dataclass
from supplychain.signing.encoding import (
    as_object,
    members,
    read_base64,
    read_json,
    read_pem,
    write_base64,
    write_pem,
)
from supplychain.signing.signer import PublicKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

# Asked for only once there is something to decrypt.
Password = Callable[[], bytes]

_LABEL = "ENCRYPTED SIGSTORE PRIVATE KEY"
_LABELS = (_LABEL, "ENCRYPTED COSIGN PRIVATE KEY")
_FILE_LIMIT = 64 * 1024
_N, _R, _P = 65536, 8, 1
# A file may ask for no more work than this: each step doubles memory and time.
_COSTS = (32768, 65536, 131072)
_KEY_LENGTH, _SALT_LENGTH, _NONCE_LENGTH = 32, 32, 24


@dataclass(frozen=True, slots=True, repr=False)
class KeyFileSigner:
    """A signer whose private key was decrypted from a key file."""

    _private: EllipticCurvePrivateKey
    public_key: PublicKey

    def __repr__(self) -> str:
        """Which key it is, and nothing of it."""
        return f"KeyFileSigner({self.public_key.fingerprint})"

    def sign(self, data: bytes) -> bytes:
        """An ECDSA P-256 signature over the SHA-256 of `data`, DER-encoded."""
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.hashes import SHA256

        return self._private.sign(data, ECDSA(SHA256()))

    def sign_digest(self, sha256: bytes) -> bytes:
        """The same over bytes of which only the SHA-256 is at hand."""
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
        from cryptography.hazmat.primitives.hashes import SHA256

        return self._private.sign(sha256, ECDSA(Prehashed(SHA256())))

    def encrypt(self, password: bytes) -> tuple[bytes, PublicKey]:
        """A new key file's content for the same key, and its public key."""
        return encrypt(self._private, password)


def generate(password: bytes) -> tuple[bytes, PublicKey]:
    """A new key pair: the encrypted key file's content, and the public key."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

    return encrypt(generate_private_key(SECP256R1()), password)


def encrypt(private: EllipticCurvePrivateKey, password: bytes) -> tuple[bytes, PublicKey]:
    """The content of a key file for a P-256 key, and its public key."""
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    pkcs8 = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return _encrypt(pkcs8, password), _public(private)


@dataclass(frozen=True, slots=True)
class EncryptedKey:
    """A key file's content, well-formed and not decrypted yet.

    Attributes:
        what: Its name, for errors.
    """

    what: str
    _cost: int
    _salt: bytes
    _nonce: bytes
    _sealed: bytes

    def decrypt(self, password: bytes) -> KeyFileSigner:
        """The signer, after scrypt has taken its time: a fifth of a second.

        Raises:
            InputError: The password is wrong, or what was encrypted is no P-256 key.
        """
        from nacl.exceptions import CryptoError
        from nacl.secret import SecretBox

        key = _derive(password, self._salt, self._cost)
        try:
            pkcs8 = SecretBox(key).decrypt(self._sealed, self._nonce)
        except CryptoError:
            raise InputError(
                f"{self.what} cannot be decrypted",
                because="the password is wrong, or the file was changed",
                hint="give the password that it was made with, in SUPPLYCHAIN_KEY_PASSWORD_FILE "
                "or COSIGN_PASSWORD",
            ) from None
        return _signer(pkcs8, self.what)


def decrypt(data: bytes, password: Password, what: str = "the key file") -> KeyFileSigner:
    """Decrypt the content of a key file; as `parse` and `EncryptedKey.decrypt`."""
    return parse(data, what).decrypt(password())


def is_one(data: bytes) -> bool:
    """Whether the content of a file says that it is a key file."""
    return any(f"-----BEGIN {label}-----".encode() in data for label in _LABELS)


def parse(data: bytes, what: str = "the key file") -> EncryptedKey:
    """The content of a key file that we or cosign wrote, wherever it came from.

    Raises:
        InputError: It is not a key file.
        LimitError: It asks for more work than any key file does.
    """
    if len(data) > _FILE_LIMIT:
        raise LimitError(f"{what} is larger than any key file ({_FILE_LIMIT} bytes)")
    label, body = read_pem(data, what)
    if label not in _LABELS:
        raise InputError(
            f"{what} is a PEM block {label!r}, not {_LABEL!r}",
            hint="make a key with: supplychain keys generate; "
            "or encrypt a P-256 key that you have with: supplychain keys import FILE",
        )
    box = members(
        read_json(body, what, limit=_FILE_LIMIT).value,
        what,
        required=("kdf", "cipher", "ciphertext"),
    )
    kdf = members(box["kdf"], "its kdf", required=("name", "params", "salt"))
    cipher = members(box["cipher"], "its cipher", required=("name", "nonce"))
    if (kdf["name"], cipher["name"]) != ("scrypt", "nacl/secretbox"):
        raise InputError(f"{what} is encrypted in a way that is not known")
    nonce = read_base64(cipher["nonce"], "its nonce")
    if len(nonce) != _NONCE_LENGTH:
        raise InputError(f"{what} has a nonce of {len(nonce)} bytes, not {_NONCE_LENGTH}")
    return EncryptedKey(
        what,
        _cost(kdf["params"], what),
        read_base64(kdf["salt"], "its salt"),
        nonce,
        read_base64(box["ciphertext"], "its ciphertext"),
    )


def _cost(params: object, what: str) -> int:
    found = as_object(params, "its kdf's parameters")
    for cost in _COSTS:
        # By type as well: true == 1 and 8.0 == 8 in Python.
        if found == {"N": cost, "r": _R, "p": _P} and all(type(v) is int for v in found.values()):
            return cost
    raise LimitError(
        f"{what} asks for scrypt parameters that are not accepted",
        because=f"N must be one of {', '.join(map(str, _COSTS))}, r {_R}, p {_P}",
    )


def _derive(password: bytes, salt: bytes, cost: int) -> bytes:
    # Not hashlib's: libsodium's takes a third less time for the same key.
    from nacl.bindings import crypto_pwhash_scryptsalsa208sha256_ll as scrypt

    memory = 129 * cost * _R + 2**20
    return scrypt(password, salt, cost, _R, _P, dklen=_KEY_LENGTH, maxmem=memory)


def _encrypt(pkcs8: bytes, password: bytes) -> bytes:
    from nacl.secret import SecretBox

    salt, nonce = os.urandom(_SALT_LENGTH), os.urandom(_NONCE_LENGTH)
    sealed = SecretBox(_derive(password, salt, _N)).encrypt(pkcs8, nonce).ciphertext
    box = {
        "kdf": {
            "name": "scrypt",
            "params": {"N": _N, "r": _R, "p": _P},
            "salt": write_base64(salt),
        },
        "cipher": {"name": "nacl/secretbox", "nonce": write_base64(nonce)},
        "ciphertext": write_base64(sealed),
    }
    return write_pem(_LABEL, json.dumps(box, separators=(",", ":")).encode())


def _signer(pkcs8: bytes, what: str) -> KeyFileSigner:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        private = load_der_private_key(pkcs8, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Not even the parser's words: they may quote what they could not parse.
        raise InputError(f"{what} does not hold a PKCS#8 private key") from None
    checked = p256(private, what)
    return KeyFileSigner(checked, _public(checked))


def p256(private: object, what: str) -> EllipticCurvePrivateKey:
    """The key, if it is an ECDSA key over P-256.

    Raises:
        InputError: It is of another kind.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey

    if not isinstance(private, EllipticCurvePrivateKey) or not isinstance(private.curve, SECP256R1):
        raise InputError(
            f"{what} does not hold an ECDSA P-256 key",
            hint="make one with: supplychain keys generate",
        )
    return private


def _public(private: EllipticCurvePrivateKey) -> PublicKey:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return PublicKey(
        private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
