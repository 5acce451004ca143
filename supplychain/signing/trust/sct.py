"""Signed certificate timestamps: that a certificate was published before it signed (RFC 6962)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.certificate_transparency import (
    LogEntryType,
    SignatureAlgorithm,
    SignedCertificateTimestamp,
)

from supplychain.errors import InputError, VerificationError
from supplychain.signing.trust.root import Log
from supplychain.signing.trust.unreadable import UNREADABLE

_MOST = 32


def require(certificate: x509.Certificate, issuer: x509.Certificate, logs: Sequence[Log]) -> None:
    """Check that a trusted log has promised to publish a certificate.

    Args:
        certificate: The certificate, with the timestamps in it.
        issuer: Who issued it.
        logs: The certificate logs that are trusted.

    Raises:
        InputError: The certificate is malformed.
        VerificationError: No trusted log has.
    """
    timestamps = _timestamps(certificate)
    if not timestamps:
        raise VerificationError(
            "the certificate was never published",
            because="no certificate log's timestamp (SCT) is in it",
        )
    if not any(_signs(log, one, certificate, issuer) for one in timestamps for log in logs):
        raise VerificationError(
            "the certificate was not published by a log that is trusted",
            because="its timestamp (SCT) verifies with none of the trusted root's ctlogs",
        )


def _timestamps(certificate: x509.Certificate) -> list[SignedCertificateTimestamp]:
    try:
        found = list(
            certificate.extensions.get_extension_for_class(
                x509.PrecertificateSignedCertificateTimestamps
            ).value
        )
        for one in found:
            # An instant beyond all calendars is noticed only where it is looked at.
            one.timestamp.replace(tzinfo=UTC)
    except x509.ExtensionNotFound:
        return []
    except UNREADABLE as error:
        raise InputError("the certificate's SCT cannot be read", because=str(error)[:200]) from None
    if len(found) > _MOST:
        raise InputError(f"the certificate has {len(found)} SCTs, at most {_MOST} are read")
    return found


def _signs(
    log: Log,
    timestamp: SignedCertificateTimestamp,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
) -> bool:
    """Whether a log made a timestamp, over the certificate as it was before (section 3.2)."""
    at = timestamp.timestamp.replace(tzinfo=UTC)
    if timestamp.log_id != log.log_id or not log.window.covers(at):
        return False
    if (
        timestamp.entry_type is not LogEntryType.PRE_CERTIFICATE
        or not isinstance(timestamp.signature_hash_algorithm, SHA256)
        or timestamp.signature_algorithm is SignatureAlgorithm.ANONYMOUS
    ):
        return False
    spki = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    precertificate = certificate.tbs_precertificate_bytes
    milliseconds = round(at.timestamp() * 1000)
    extensions = timestamp.extension_bytes
    data = b"".join(
        (
            # Version 1, a certificate's timestamp.
            b"\x00\x00",
            milliseconds.to_bytes(8),
            LogEntryType.PRE_CERTIFICATE.value.to_bytes(2),
            hashlib.sha256(spki).digest(),
            len(precertificate).to_bytes(3),
            precertificate,
            len(extensions).to_bytes(2),
            extensions,
        )
    )
    try:
        log.key.verify_digest(timestamp.signature, hashlib.sha256(data).digest())
    except VerificationError:
        return False
    return True
