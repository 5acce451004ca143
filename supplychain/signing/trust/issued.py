"""Whom a certificate was issued to: its one name, the issuer, and what else the issuer said.

The profile is Fulcio's (fulcio, "Certificate Specification" and "OID information").
"""

from __future__ import annotations

import re
from typing import TypeVar

from cryptography import x509

from supplychain.errors import InputError
from supplychain.model.identity import CLAIMS, Identity, NameKind
from supplychain.signing.trust.unreadable import UNREADABLE

_FULCIO = "1.3.6.1.4.1.57264.1"
_OTHER_NAME = f"{_FULCIO}.7"
_ISSUER = (1, 8)
# The claims are in the order of their numbers: the first hold bare text, the others, after the
# numbers of the name and of the issuer, a DER UTF8String.
_BARE = dict(enumerate(CLAIMS[:5], 2))
_DER = dict(enumerate(CLAIMS[5:], 9))
_UTF8_STRING = 0x0C
# An address has an "@" and no scheme, a URI a scheme; Fulcio keeps user names apart from addresses
# by writing "!" for "@" (fulcio, docs/oidc.md).
_LOOKS = {
    NameKind.EMAIL: re.compile(r"(?!.*://)[^@]+@[^@]+", re.DOTALL),
    NameKind.URI: re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.+", re.DOTALL),
    NameKind.OTHER: re.compile(r"(?!.*://)[^@]+", re.DOTALL),
}
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


def identity_of(certificate: x509.Certificate) -> Identity:
    """Whom a certificate was issued to; nobody vouches for it yet.

    Raises:
        InputError: It names nobody, or several, or no issuer.
    """
    said = _fulcio_extensions(certificate)
    issuers = {_issuer_text(number, said[number]) for number in _ISSUER if number in said}
    if len(issuers) != 1 or "" in issuers:
        raise InputError("the certificate does not name one issuer of the identity")
    name, kind = _subject(certificate)
    claims = [(label, _bare(said[n])) for n, label in _BARE.items() if n in said]
    claims += [(label, _utf8(said[n])) for n, label in _DER.items() if n in said]
    return Identity(name, kind, issuers.pop(), tuple(sorted(claims)))


def extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    """An extension of a kind; None where there is none.

    Raises:
        InputError: The extensions cannot be read.
    """
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
    except UNREADABLE as error:
        raise InputError(
            "the certificate's extensions cannot be read", because=str(error)[:200]
        ) from None


def _subject(certificate: x509.Certificate) -> tuple[str, NameKind]:
    names = extension(certificate, x509.SubjectAlternativeName)
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
