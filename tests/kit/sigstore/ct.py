"""A certificate transparency log: its timestamps (RFC 6962), which a certificate carries."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from asn1crypto.core import OctetString
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.x509.oid import ObjectIdentifier

from tests.kit.sigstore.keys import AT, YEAR, new_key, sign, spki

SCT_LIST = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")

_SHA256_ECDSA = bytes((4, 3))
_PRECERTIFICATE = 1


@dataclass(frozen=True, slots=True)
class CtLog:
    """The log.

    Attributes:
        name: What it is called.
        key: Signs what it promises.
        trusted: From when to when a trusted root lets it count; no end where None.
        url: Its address.
    """

    name: str
    key: EllipticCurvePrivateKey = field(repr=False)
    trusted: tuple[datetime, datetime | None]
    url: str

    @classmethod
    def create(cls, name: str = "ct", *, at: datetime = AT, url: str = "") -> CtLog:
        """A new one."""
        return cls(name, new_key(), (at - YEAR, None), url or f"https://{name}.example.com")

    @property
    def log_id(self) -> bytes:
        """The SHA-256 of its public key."""
        return hashlib.sha256(spki(self.key)).digest()

    def sct(
        self,
        certificate: bytes,
        issuer: EllipticCurvePrivateKey,
        at: datetime,
        *,
        extensions: bytes = b"",
    ) -> bytes:
        """The signed certificate timestamp of a certificate that is about to be issued.

        Args:
            certificate: What will be signed (TBSCertificate), but for the list of timestamps.
            issuer: The key that will sign it.
            at: When it was promised to be listed.
            extensions: The log's own; a static log puts the index there.
        """
        milliseconds = int(at.timestamp() * 1000)
        added = struct.pack("!H", len(extensions)) + extensions
        entry = hashlib.sha256(spki(issuer)).digest() + len(certificate).to_bytes(3) + certificate
        signed = struct.pack("!BBQH", 0, 0, milliseconds, _PRECERTIFICATE) + entry + added
        signature = sign(self.key, signed)
        head = struct.pack("!B32sQ", 0, self.log_id, milliseconds) + added
        return head + _SHA256_ECDSA + struct.pack("!H", len(signature)) + signature


def sct_list(scts: Sequence[bytes]) -> bytes:
    """The value of the extension that holds them."""
    listed = b"".join(struct.pack("!H", len(sct)) + sct for sct in scts)
    made: bytes = OctetString(struct.pack("!H", len(listed)) + listed).dump()
    return made
