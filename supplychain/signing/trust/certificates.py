"""Certificates of signers: whom they were issued to, by whom, and whether that held at a time.

The profile is Fulcio's (fulcio, "Certificate Specification"); paths are validated as RFC 5280
section 6 has it, by the library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
)
from cryptography.x509.verification import VerificationError as PathError

from supplychain.errors import InputError, VerificationError
from supplychain.frozen import dataclass
from supplychain.model.identity import Identity
from supplychain.signing.trust.issued import extension, identity_of
from supplychain.signing.trust.keys import VerifyingKey
from supplychain.signing.trust.root import Authority, load_certificate
from supplychain.signing.trust.unreadable import UNREADABLE
from supplychain.signing.trust.window import text

CERTIFICATE_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class SigningCertificate:
    """A certificate as it was read; nobody vouches for it yet.

    Attributes:
        certificate: The certificate.
        der: Its bytes.
        key: Its public key.
    """

    certificate: x509.Certificate = field(repr=False)
    der: bytes = field(repr=False)
    key: VerifyingKey

    @classmethod
    def parse(cls, der: bytes) -> SigningCertificate:
        """Read a certificate.

        Raises:
            InputError: It is none, or of a key that nobody registers.
        """
        if len(der) > CERTIFICATE_LIMIT:
            raise InputError("the certificate is larger than any")
        certificate = load_certificate(der, "the certificate")
        try:
            spki = certificate.public_key().public_bytes(
                Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            )
        except UNREADABLE as error:
            raise InputError(
                "the certificate's key cannot be read", because=str(error)[:200]
            ) from None
        return cls(certificate, der, VerifyingKey(spki))

    def require_issued(
        self, authorities: Sequence[Authority], times: Sequence[datetime]
    ) -> x509.Certificate:
        """Check that one authority issued it, and that it and its whole chain held each time.

        Args:
            authorities: The authorities that are trusted.
            times: Every instant at which the signature is known to have existed; at least one.

        Returns:
            The certificate that issued it.

        Raises:
            VerificationError: None did, or something had expired.
        """
        for moment in times:
            if not self._held(moment):
                raise VerificationError(
                    f"the certificate was not valid when it signed, at {text(moment)}",
                    because=f"it counts from {text(self.certificate.not_valid_before_utc)} "
                    f"until {text(self.certificate.not_valid_after_utc)}",
                )
        why = "the trusted root names no certificate authority"
        for authority in authorities:
            found = [_issuer(self.certificate, authority, moment) for moment in times]
            wrong = [one for one in found if isinstance(one, str)]
            issuers = [one for one in found if not isinstance(one, str)]
            if issuers and not wrong:
                return issuers[0]
            why = wrong[0] if wrong else why
        raise VerificationError("no trusted authority issued the certificate", because=why)

    def require_signing(self) -> None:
        """Check that it is meant for signing code.

        Raises:
            VerificationError: It is not.
            InputError: It is malformed.
        """
        usage = extension(self.certificate, x509.KeyUsage)
        if usage is None or not usage.digital_signature:
            raise VerificationError("the certificate is not meant for digital signatures")
        extended = extension(self.certificate, x509.ExtendedKeyUsage)
        if extended is None or ExtendedKeyUsageOID.CODE_SIGNING not in extended:
            raise VerificationError("the certificate is not meant for signing code")

    def identity(self) -> Identity:
        """Whom it was issued to.

        Raises:
            InputError: It names nobody, or several, or no issuer.
        """
        return identity_of(self.certificate)

    def _held(self, moment: datetime) -> bool:
        return (
            self.certificate.not_valid_before_utc <= moment <= self.certificate.not_valid_after_utc
        )


def _issuer(leaf: x509.Certificate, authority: Authority, at: datetime) -> x509.Certificate | str:
    """Who of an authority issued a certificate, or why nobody did, at an instant.

    The library does not look at the dates of the certificate that it trusts, so all are looked at
    here (CVE-2026-24122).
    """
    if not authority.window.covers(at):
        return f"{authority.url} is believed {authority.window}, and this was at {text(at)}"
    for one in authority.chain:
        if not one.not_valid_before_utc <= at <= one.not_valid_after_utc:
            return f"a certificate of {authority.url} had expired or was not yet valid"
    verifier = (
        PolicyBuilder()
        .store(Store([authority.chain[-1]]))
        .time(at)
        .extension_policies(ca_policy=_CA, ee_policy=_EE)
        .build_client_verifier()
    )
    try:
        path = verifier.verify(leaf, list(authority.chain[:-1])).chain
    except (PathError, *UNREADABLE) as error:
        return f"{authority.url}: {str(error)[:200]}"
    issuers = path[1:]
    if not issuers:
        return f"it is a certificate of {authority.url} itself"
    if not all(_may_issue(one) for one in issuers):
        return f"a certificate of {authority.url} is not meant for those who sign code"
    return issuers[0]


def _may_issue(authority: x509.Certificate) -> bool:
    """Whether certificates for signing code may lie below it.

    What it says that it is for, it says for all that it issues (as Go and the Web have it).
    """
    usage = extension(authority, x509.ExtendedKeyUsage)
    return (
        usage is None
        or ExtendedKeyUsageOID.CODE_SIGNING in usage
        or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usage
    )


# The library's profile is that of the Web, whose certificates are for servers and clients; what
# they are for is checked by `require_signing`.
_CA = ExtensionPolicy.webpki_defaults_ca().may_be_present(
    x509.ExtendedKeyUsage, Criticality.NON_CRITICAL, None
)
_EE = ExtensionPolicy.webpki_defaults_ee().may_be_present(
    x509.ExtendedKeyUsage, Criticality.NON_CRITICAL, None
)
