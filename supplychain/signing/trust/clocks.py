"""RFC 3161 timestamps: that a signature existed at an instant, by an authority's clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from cryptography.x509 import Certificate, ExtendedKeyUsage, ExtensionNotFound
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from rfc3161_client import TimeStampResponse, VerifierBuilder, decode_timestamp_response
from rfc3161_client import VerificationError as TimestampError

from supplychain.errors import InputError, VerificationError
from supplychain.model.identity import Clock, TrustedTime
from supplychain.signing.trust.root import Authority
from supplychain.signing.trust.unreadable import UNREADABLE

_RESPONSE_LIMIT = 256 * 1024


def require(response: bytes, signature: bytes, clocks: Iterable[Authority]) -> TrustedTime:
    """Check a timestamp.

    Args:
        response: The authority's answer, a TimeStampResp, DER.
        signature: What it must be about.
        clocks: The authorities that are trusted.

    Raises:
        InputError: It is malformed.
        VerificationError: No trusted authority made it about this signature.
    """
    read = _decoded(response)
    at = _instant(read)
    why = "the trusted root names no timestamp authority"
    for clock in clocks:
        try:
            _require_by(read, signature, clock, at)
        except (TimestampError, *UNREADABLE) as error:
            why = f"{clock.url or 'the authority'}: {str(error)[:200]}"
            continue
        return TrustedTime(at, Clock.AUTHORITY, clock.url)
    raise VerificationError("the timestamp does not verify", because=why)


def _decoded(response: bytes) -> TimeStampResponse:
    if len(response) > _RESPONSE_LIMIT:
        raise InputError("the timestamp is larger than any")
    try:
        return decode_timestamp_response(response)
    except UNREADABLE as error:
        raise InputError("the timestamp cannot be read", because=str(error)[:200]) from None


def _instant(response: TimeStampResponse) -> datetime:
    try:
        moment = response.tst_info.gen_time
    except UNREADABLE as error:
        raise InputError("the timestamp says no time", because=str(error)[:200]) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _require_by(
    response: TimeStampResponse, signature: bytes, clock: Authority, at: datetime
) -> None:
    """Raises TimestampError, or what is unreadable, where this authority did not make it."""
    if len(clock.chain) < 2:
        raise TimestampError("its chain has no root above the certificate that signs")
    if not clock.window.covers(at):
        raise TimestampError(f"it is believed {clock.window}")
    for certificate in clock.chain:
        _require_valid(certificate, at)
    _require_stamping(clock)
    _require_signer(response, clock.chain[0])
    verifier = VerifierBuilder(
        tsa_certificate=clock.chain[0],
        intermediates=list(clock.chain[1:-1]),
        roots=[clock.chain[-1]],
    ).build()
    verifier.verify_message(response, signature)


def _require_valid(certificate: Certificate, at: datetime) -> None:
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise TimestampError("a certificate of its chain was not valid then")


def _require_stamping(clock: Authority) -> None:
    """What signs is for timestamps alone (RFC 3161 section 2.3), and what is above it for them too.

    The library demands that timestamps are among what it is for, and looks no higher.
    """
    own, *above = (_purposes(certificate) for certificate in clock.chain)
    if own != {ExtendedKeyUsageOID.TIME_STAMPING}:
        raise TimestampError("the certificate that signs is not meant for timestamps alone")
    wanted = {ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if any(purposes is not None and not purposes & wanted for purposes in above):
        raise TimestampError("a certificate of its chain is not meant for those who stamp")


def _purposes(certificate: Certificate) -> set[ObjectIdentifier] | None:
    try:
        return set(certificate.extensions.get_extension_for_class(ExtendedKeyUsage).value)
    except ExtensionNotFound:
        return None


def _require_signer(response: TimeStampResponse, certificate: Certificate) -> None:
    """Where no certificates come with it, the library takes any of the chain for what signed."""
    signers = [
        (signer.issuer, signer.serial_number) for signer in response.signed_data.signer_infos
    ]
    if signers != [(certificate.issuer, certificate.serial_number)]:
        raise TimestampError("it is not signed by the authority's certificate, and by it alone")
