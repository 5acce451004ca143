"""sigstore-python's signer: a certificate, a key that never leaves memory, and what they make.

All that is used of it beyond its documented interface is in this module and in `services`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import field
from datetime import datetime
from typing import TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, DuplicateExtension, InvalidVersion
from sigstore import dsse
from sigstore._internal.fulcio.client import ExpiredCertificate, FulcioClientError
from sigstore._internal.rekor import EntryRequestBody, RekorLogSubmitter
from sigstore.errors import Error as LibraryError
from sigstore.hashes import Hashed
from sigstore.models import Bundle
from sigstore.oidc import ExpiredIdentity, IdentityToken
from sigstore.sign import Signer, SigningContext
from sigstore_models.common.v1 import HashAlgorithm

from supplychain.errors import SigstoreError
from supplychain.frozen import dataclass
from supplychain.model.identity import Identity
from supplychain.signing.keyless.answers import without_tokens
from supplychain.signing.trust.certificates import SigningCertificate

_Answer = TypeVar("_Answer")
# What it runs into where an answer is not what it expects.
_ODD_ANSWERS = (
    LibraryError,
    FulcioClientError,
    ExpiredCertificate,
    ExpiredIdentity,
    UnsupportedAlgorithm,
    DuplicateExtension,
    InvalidVersion,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
    struct.error,
)


@dataclass(frozen=True, slots=True)
class CertifiedKey:
    """A key for minutes, and the certificate that says whose it is.

    Attributes:
        identity: Whom the certificate was issued to.
        ends_at: When it ends (aware, UTC).
    """

    identity: Identity
    ends_at: datetime
    _signer: Signer = field(repr=False)

    @classmethod
    def issue(cls, token: IdentityToken, context: SigningContext) -> CertifiedKey:
        """Ask the certificate authority for a certificate, for a new key.

        Raises:
            SigstoreError: It is not there, refuses, or gives none that can be used.
            InputError: What it gives names nobody.
        """
        try:
            signer = _Signer(token, context)
            read = SigningCertificate.parse(signer.certificate.public_bytes(Encoding.DER))
            ends_at = signer.certificate.not_valid_after_utc
        except _ODD_ANSWERS as error:
            raise _unusable("the certificate authority", error) from None
        return cls(read.identity(), ends_at, signer)

    def sign_statement(self, payload: bytes) -> bytes:
        """A bundle with these very bytes as the payload; nothing of it is checked.

        Raises:
            SigstoreError: A service is not there, refuses, or gives nothing that can be used.
        """
        return _made(lambda: self._signer.sign_dsse(_Statement(payload)))

    def sign_digest(self, sha256: bytes) -> bytes:
        """A bundle for something with this SHA-256; otherwise as `sign_statement`."""
        hashed = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=sha256)
        return _made(lambda: self._signer.sign_artifact(hashed))


class _Signer(Signer):
    """The library's signer, whose certificate can be seen before it signs."""

    @property
    def certificate(self) -> Certificate:
        return self._signing_cert()


class _Statement(dsse.Statement):
    """A statement as it is: the library wants a subject to have a name, which cosign's has not."""

    def __init__(self, contents: bytes) -> None:
        self._contents = contents


def answered(service: str, ask: Callable[[], _Answer]) -> _Answer:
    """What a client of the library gives.

    Args:
        service: Who is asked, for people.
        ask: Asks.

    Raises:
        SigstoreError: It is not there, refuses, or answers nothing that can be used.
    """
    try:
        return ask()
    except _ODD_ANSWERS as error:
        raise _unusable(service, error) from None


def enter(log: RekorLogSubmitter, request: dict[str, object]) -> str:
    """Have something entered in a log: the entry as a bundle has it, JSON; unchecked.

    Raises:
        SigstoreError: The log is not there, refuses, or answers nothing that can be used.
    """

    def ask() -> str:
        entry = log.create_entry(EntryRequestBody(request))
        return entry._inner.to_json()  # noqa: SLF001 - the library has no other way to write it

    return answered("the transparency log", ask)


def _made(make: Callable[[], Bundle]) -> bytes:
    return answered("the transparency log", lambda: make().to_json().encode())


def _unusable(service: str, error: Exception) -> SigstoreError:
    return SigstoreError(
        f"{service} gives an answer that cannot be used",
        because=without_tokens(f"{type(error).__name__}: {error}"),
        hint="check the addresses in the signing config, and that the trusted root belongs to it",
        retryable=False,
    )
