"""Public keys of certificates, logs and authorities, of every kind that Sigstore registers.

Kinds and hashes are those of Sigstore's algorithm registry; what signs with more than one hash in
the field is taken with each (cosign 2 signs with SHA-256 whatever the curve).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from supplychain.errors import InputError, VerificationError
from supplychain.signing.encoding import write_pem

_CURVES: dict[type[ec.EllipticCurve], HashAlgorithm] = {
    ec.SECP256R1: SHA256(),
    ec.SECP384R1: SHA384(),
    ec.SECP521R1: SHA512(),
}
_RSA_BITS = range(2048, 8192 + 1)
_Loaded = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key that checks signatures.

    Attributes:
        spki: Its SubjectPublicKeyInfo, DER.
    """

    spki: bytes

    def __post_init__(self) -> None:
        """Refuse a key of a kind that nobody registers.

        Raises:
            InputError: ECDSA of another curve, RSA of fewer than 2048 bits, or no key at all.
        """
        _load(self.spki)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the SubjectPublicKeyInfo: a log's ID (RFC 6962 section 3.2)."""
        return hashlib.sha256(self.spki).digest()

    @property
    def fingerprint(self) -> str:
        """The same as `sha256:<hex>`."""
        return f"sha256:{self.digest.hex()}"

    def pem(self) -> bytes:
        """The key as Go writes it into log entries."""
        return write_pem("PUBLIC KEY", self.spki)

    def hash_name(self) -> str:
        """The hash that the registry gives its kind, as hashlib names it; Ed25519's is SHA-512."""
        key = _load(self.spki)
        if isinstance(key, ec.EllipticCurvePublicKey):
            return _CURVES[type(key.curve)].name
        return "sha256" if isinstance(key, rsa.RSAPublicKey) else "sha512"

    def verify(self, signature: bytes, data: bytes) -> None:
        """Check a signature over bytes.

        Raises:
            VerificationError: This key did not make it over these bytes.
        """
        key = _load(self.spki)
        if isinstance(key, ed25519.Ed25519PublicKey):
            try:
                key.verify(signature, data)
            except InvalidSignature:
                raise _refused(self) from None
            return
        for algorithm in _hashes(key):
            hashed = hashlib.new(algorithm.name, data).digest()
            if _checks(key, signature, hashed, algorithm):
                return
        raise _refused(self)

    def verify_digest(self, signature: bytes, sha256: bytes) -> None:
        """Check a signature over bytes of which only the SHA-256 is known.

        Raises:
            VerificationError: This key did not make it, or is of a kind that signs no SHA-256.
        """
        key = _load(self.spki)
        if isinstance(key, ed25519.Ed25519PublicKey):
            raise VerificationError(
                "an Ed25519 key signs the content itself",
                because="only its digest is at hand",
                hint="give the file instead of its digest",
            )
        if not _checks(key, signature, sha256, SHA256()):
            raise _refused(self)


@lru_cache(maxsize=256)
def _load(spki: bytes) -> _Loaded:
    try:
        key = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError("the public key cannot be read", because=str(error)[:200]) from None
    if isinstance(key, ec.EllipticCurvePublicKey) and type(key.curve) in _CURVES:
        return key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in _RSA_BITS:
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    raise InputError(
        "the public key is of a kind that is not taken",
        because="it is neither ECDSA P-256, P-384 or P-521, nor RSA of 2048 bits or more, "
        "nor Ed25519",
    )


def _hashes(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> tuple[HashAlgorithm, ...]:
    if isinstance(key, rsa.RSAPublicKey) or isinstance(key.curve, ec.SECP256R1):
        return (SHA256(),)
    return _CURVES[type(key.curve)], SHA256()


def _checks(
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    signature: bytes,
    hashed: bytes,
    algorithm: HashAlgorithm,
) -> bool:
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, hashed, padding.PKCS1v15(), Prehashed(algorithm))
        else:
            key.verify(signature, hashed, ec.ECDSA(Prehashed(algorithm)))
    except InvalidSignature:
        return False
    return True


def _refused(key: VerifyingKey) -> VerificationError:
    return VerificationError(
        "the signature does not verify", because=f"it was not made by {key.fingerprint}"
    )
