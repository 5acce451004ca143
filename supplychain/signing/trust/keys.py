"""Public keys of signers, certificates, logs and authorities: every kind that Sigstore registers.

Kinds and hashes are those of Sigstore's algorithm registry; what signs with more than one hash in
the field is taken with each (cosign 2 signs with SHA-256 whatever the curve).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Self

from supplychain.errors import InputError, VerificationError
from supplychain.frozen import dataclass
from supplychain.signing.encoding import read_pem, write_pem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    _Loaded = EllipticCurvePublicKey | RSAPublicKey | Ed25519PublicKey

# SubjectPublicKeyInfo of an uncompressed P-256 point up to the coordinates (RFC 5480 section 2).
P256_HEADER = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
_P256_LENGTH = 91
# The curve, SP 800-186 section 3.2.1.3: y² = x³ - 3x + b (mod p).
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_LABEL = "PUBLIC KEY"
# The curves by the library's names, and the hash that the registry gives each.
_CURVES = {"secp256r1": "sha256", "secp384r1": "sha384", "secp521r1": "sha512"}
_RSA_BITS = range(2048, 8192 + 1)
# What the registry calls such keys where they are used as they are here (PublicKeyDetails).
_EC_KINDS = {
    "secp256r1": ("PKIX_ECDSA_P256_SHA_256",),
    "secp384r1": ("PKIX_ECDSA_P384_SHA_384",),
    "secp521r1": ("PKIX_ECDSA_P521_SHA_512",),
}
# The last is an older name, for a key without the SubjectPublicKeyInfo around it.
_RSA_KINDS = (
    *(f"PKIX_RSA_PKCS1V15_{bits}_SHA256" for bits in (2048, 3072, 4096)),
    "PKCS1_RSA_PKCS1V5",
)


@dataclass(frozen=True, slots=True, eq=False)
class VerifyingKey:
    """A public key that checks signatures; the same key is equal, whatever it is also.

    Attributes:
        spki: Its SubjectPublicKeyInfo, DER.
    """

    spki: bytes

    def __post_init__(self) -> None:
        """Refuse a key of a kind that nobody registers; of P-256 without loading a library.

        Raises:
            InputError: ECDSA of another curve, RSA of fewer than 2048 bits, or no key at all.
        """
        if not is_p256(self.spki):
            _load(self.spki)
        elif not _is_point(self.spki):
            raise InputError("the public key is no point of the curve P-256")

    def __eq__(self, other: object) -> bool:
        """Whether it is the same key."""
        return isinstance(other, VerifyingKey) and self.spki == other.spki

    def __hash__(self) -> int:
        """By the key."""
        return hash(self.spki)

    @classmethod
    def parse_pem(cls, pem: bytes, what: str = "the public key") -> Self:
        """Read one PEM block `PUBLIC KEY`; uses nothing but the standard library.

        Args:
            pem: The file's content.
            what: Its name, for the error.

        Raises:
            InputError: It is anything else: a private key, a certificate, several blocks …
        """
        label, der = read_pem(pem, what)
        if "PRIVATE KEY" in label:
            raise InputError(
                f"{what} is a private key",
                because="where a public key belongs, a private one must never lie",
                hint="give the .pub file that was written beside it",
            )
        if label != _LABEL:
            raise InputError(f"{what} is a PEM block {label!r}, not {_LABEL!r}")
        return cls(der)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the SubjectPublicKeyInfo: a log's ID (RFC 6962 section 3.2)."""
        return hashlib.sha256(self.spki).digest()

    @property
    def kinds(self) -> tuple[str, ...]:
        """What the registry calls such a key."""
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

        key = _load(self.spki)
        if isinstance(key, EllipticCurvePublicKey):
            return _EC_KINDS[key.curve.name]
        return _RSA_KINDS if isinstance(key, RSAPublicKey) else ("PKIX_ED25519",)

    @property
    def fingerprint(self) -> str:
        """The same as `sha256:<hex>`."""
        return f"sha256:{self.digest.hex()}"

    def pem(self) -> bytes:
        """The key as a PEM file."""
        return write_pem(_LABEL, self.spki)

    def verify(self, signature: bytes, data: bytes, *, sha256: bytes | None = None) -> None:
        """Check a signature over bytes; of ECDSA it is DER.

        Args:
            signature: The signature.
            data: The bytes.
            sha256: Their SHA-256, where it was computed already.

        Raises:
            VerificationError: This key did not make it over these bytes.
        """
        key = _load(self.spki)
        known = {} if sha256 is None else {"sha256": sha256}
        hashes = _hashes(key)
        if hashes:
            found = any(
                _checks(key, signature, known.get(name) or _hashed(name, data), name)
                for name in hashes
            )
        else:
            found = _checks(key, signature, data, "")
        if not found:
            raise _refused(self)

    def verify_digest(self, signature: bytes, sha256: bytes) -> None:
        """Check a signature over bytes of which only the SHA-256 is known.

        Raises:
            VerificationError: This key did not make it, or is of a kind that signs no SHA-256.
        """
        key = _load(self.spki)
        if "sha256" not in _hashes(key):
            raise VerificationError(
                "the key signs the content itself",
                because="it is an Ed25519 key, and only the content's digest is at hand",
            )
        if not _checks(key, signature, sha256, "sha256"):
            raise _refused(self)


def fingerprint_of_pem(pem: bytes, what: str = "the public key") -> str:
    """The fingerprint of a public key, for those who compare and never verify.

    Raises:
        InputError: It is not one public key in PEM, of a kind that is taken.
    """
    return VerifyingKey.parse_pem(pem, what).fingerprint


def is_p256(spki: bytes) -> bool:
    """Whether a SubjectPublicKeyInfo is of P-256, with the point uncompressed."""
    return len(spki) == _P256_LENGTH and spki.startswith(P256_HEADER)


def _is_point(spki: bytes) -> bool:
    x, y = int.from_bytes(spki[27:59]), int.from_bytes(spki[59:])
    return x < _P and y < _P and not (y * y - x**3 + 3 * x - _B) % _P


@lru_cache(maxsize=256)
def _load(spki: bytes) -> _Loaded:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

    if not is_p256(spki):
        return _load_any(spki)
    try:
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), spki[len(P256_HEADER) - 1 :])
    except ValueError:
        raise InputError("the public key is no point of the curve P-256") from None


def _load_any(spki: bytes) -> _Loaded:
    """Apart, for it takes time to load what this needs, and nearly all keys are of P-256."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError("the public key cannot be read", because=str(error)[:200]) from None
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return key
    if isinstance(key, RSAPublicKey) and key.key_size in _RSA_BITS:
        return key
    if isinstance(key, Ed25519PublicKey):
        return key
    raise InputError(
        "the public key is of a kind that is not taken",
        because="it is neither ECDSA P-256, P-384 or P-521, nor RSA of 2048 bits or more, "
        "nor Ed25519",
    )


def _hashes(key: _Loaded) -> tuple[str, ...]:
    """The hashes that a key may sign, by the names of hashlib; none where it signs bytes."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    if isinstance(key, EllipticCurvePublicKey):
        return tuple(dict.fromkeys((_CURVES[key.curve.name], "sha256")))
    return ("sha256",) if isinstance(key, RSAPublicKey) else ()


def _hashed(algorithm: str, data: bytes) -> bytes:
    return hashlib.new(algorithm, data).digest()


def _checks(key: _Loaded, signature: bytes, signed: bytes, algorithm: str) -> bool:
    """Whether a key made a signature over a digest, or without an algorithm over bytes."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
    from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

    by_name = {"sha256": SHA256(), "sha384": SHA384(), "sha512": SHA512()}
    try:
        if isinstance(key, EllipticCurvePublicKey):
            key.verify(signature, signed, ECDSA(Prehashed(by_name[algorithm])))
        elif isinstance(key, RSAPublicKey):
            key.verify(signature, signed, PKCS1v15(), Prehashed(by_name[algorithm]))
        else:
            key.verify(signature, signed)
    except (InvalidSignature, ValueError):
        # A ValueError is about what is no digest at all.
        return False
    return True


def _refused(key: VerifyingKey) -> VerificationError:
    return VerificationError(
        "the signature does not verify", because=f"it was not made by {key.fingerprint}"
    )
