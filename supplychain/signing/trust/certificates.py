"""Certificates of signers: whom they were issued to, by whom, and whether that held at a time.

The profile is Fulcio's (fulcio, "Certificate Specification"); paths are validated as RFC 5280
section 6 has it, by the library.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

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
from supplychain.model.identity import Identity, NameKind
from supplychain.signing.trust.keys import VerifyingKey
from supplychain.signing.trust.root import Authority, load_certificate
from supplychain.signing.trust.unreadable import UNREADABLE
from supplychain.signing.trust.window import text

CERTIFICATE_LIMIT = 64 * 1024
_FULCIO = "1.3.6.1.4.1.57264.1"
_OTHER_NAME = f"{_FULCIO}.7"
_ISSUER = (1, 8)
# The first hold bare text, the others a DER UTF8String (fulcio, "OID information").
_BARE = {
    2: "github_workflow_trigger",
    3: "github_workflow_sha",
    4: "github_workflow_name",
    5: "github_workflow_repository",
    6: "github_workflow_ref",
}
_DER = {
    9: "build_signer_uri",
    10: "build_signer_digest",
    11: "runner_environment",
    12: "source_repository_uri",
    13: "source_repository_digest",
    14: "source_repository_ref",
    15: "source_repository_identifier",
    16: "source_repository_owner_uri",
    17: "source_repository_owner_identifier",
    18: "build_config_uri",
    19: "build_config_digest",
    20: "build_trigger",
    21: "run_invocation_uri",
    22: "source_repository_visibility_at_signing",
    23: "deployment_environment",
    24: "token_subject",
}
CLAIMS = (*_BARE.values(), *_DER.values())
_UTF8_STRING = 0x0C
# An address has an "@" and no scheme, a URI a scheme; Fulcio keeps user names apart from addresses
# by writing "!" for "@" (fulcio, docs/oidc.md).
_LOOKS = {
    NameKind.EMAIL: re.compile(r"(?!.*://)[^@]+@[^@]+", re.DOTALL),
    NameKind.URI: re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.+", re.DOTALL),
    NameKind.OTHER: re.compile(r"(?!.*://)[^@]+", re.DOTALL),
}
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


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
        usage = _extension(self.certificate, x509.KeyUsage)
        if usage is None or not usage.digital_signature:
            raise VerificationError("the certificate is not meant for digital signatures")
        extended = _extension(self.certificate, x509.ExtendedKeyUsage)
        if extended is None or ExtendedKeyUsageOID.CODE_SIGNING not in extended:
            raise VerificationError("the certificate is not meant for signing code")

    def identity(self) -> Identity:
        """Whom it was issued to.

        Raises:
            InputError: It names nobody, or several, or no issuer.
        """
        said = _fulcio_extensions(self.certificate)
        issuers = {_issuer_text(number, said[number]) for number in _ISSUER if number in said}
        if len(issuers) != 1 or "" in issuers:
            raise InputError("the certificate does not name one issuer of the identity")
        name, kind = _subject(self.certificate)
        claims = [(label, _bare(said[n])) for n, label in _BARE.items() if n in said]
        claims += [(label, _utf8(said[n])) for n, label in _DER.items() if n in said]
        return Identity(name, kind, issuers.pop(), tuple(sorted(claims)))

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
    usage = _extension(authority, x509.ExtendedKeyUsage)
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


def _subject(certificate: x509.Certificate) -> tuple[str, NameKind]:
    names = _extension(certificate, x509.SubjectAlternativeName)
    found = list(names or ())
    if len(found) != 1:
        raise InputError(f"the certificate is issued to {len(found)} names instead of one")
    name, kind = _named(found[0])
    # Names are compared as text: one of one kind must not pass for one of another.
    if not _LOOKS[kind].fullmatch(name):
        raise InputError(
            "the certificate is issued to a name that is not of its kind",
            because=f"{name[:80]!r} is no name of kind {kind.value}",
        )
    return name, kind


def _named(name: x509.GeneralName) -> tuple[str, NameKind]:
    if isinstance(name, x509.RFC822Name):
        return name.value, NameKind.EMAIL
    if isinstance(name, x509.UniformResourceIdentifier):
        return name.value, NameKind.URI
    if isinstance(name, x509.OtherName) and name.type_id.dotted_string == _OTHER_NAME:
        return _utf8(name.value), NameKind.OTHER
    raise InputError("the certificate is issued to a kind of name that is not understood")


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
    except UNREADABLE as error:
        raise InputError(
            "the certificate's extensions cannot be read", because=str(error)[:200]
        ) from None


def _fulcio_extensions(certificate: x509.Certificate) -> dict[int, bytes]:
    try:
        extensions = list(certificate.extensions)
    except UNREADABLE as error:
        raise InputError(
            "the certificate's extensions cannot be read", because=str(error)[:200]
        ) from None
    found = {}
    for extension in extensions:
        arc, _, last = extension.oid.dotted_string.rpartition(".")
        if arc == _FULCIO and isinstance(extension.value, x509.UnrecognizedExtension):
            found[int(last)] = extension.value.value
    return found


def _issuer_text(number: int, value: bytes) -> str:
    return _bare(value) if number == 1 else _utf8(value)


def _bare(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise InputError("the certificate says something that is no text") from None


def _utf8(value: bytes) -> str:
    """A DER UTF8String (X.690 section 8.23), whose length has the one shortest form."""
    if len(value) < 2 or value[0] != _UTF8_STRING:
        raise InputError("the certificate says something that is no UTF8String")
    length, start = value[1], 2
    if length >= 0x80:
        start += length & 0x7F
        length = int.from_bytes(value[2:start])
        if length < 0x80 or value[2:3] == b"\x00":
            raise InputError("the certificate says something that is no UTF8String")
    if len(value) != start + length:
        raise InputError("the certificate says something that is no UTF8String")
    return _bare(value[start:])
