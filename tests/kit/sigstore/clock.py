"""A timestamp authority (RFC 3161)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.kit.sigstore.authority import Authority, Identity
from tests.kit.sigstore.keys import AT, YEAR, Span, new_key, sign

_POLICY = "1.3.6.1.4.1.57264.2"


@dataclass(frozen=True, slots=True)
class TimestampAuthority:
    """The authority.

    Attributes:
        authority: Who issued its certificate.
        certificate: Its own.
        key: The key of that.
        trusted: From when to when a trusted root lets it count; no end where None.
        url: Where it is asked.
    """

    authority: Authority
    certificate: x509.Certificate
    key: EllipticCurvePrivateKey = field(repr=False)
    trusted: tuple[datetime, datetime | None]
    url: str

    @classmethod
    def create(
        cls,
        name: str = "tsa",
        *,
        at: datetime = AT,
        valid: Span | None = None,
        authority: Authority | None = None,
        url: str = "",
    ) -> TimestampAuthority:
        """A new one, with a root, an intermediate and a leaf.

        Args:
            name: What it is called.
            at: It is good for a year before that, and ten years after.
            valid: Another validity of its own certificate.
            authority: Who issues that, else an authority of its own.
            url: Its address; made of the name where missing.
        """
        stamping = ExtendedKeyUsageOID.TIME_STAMPING
        issuer = authority or Authority.create(name, at=at, eku=stamping)
        key = new_key()
        made = issuer.issue(
            key.public_key(),
            Identity(None, {}),
            valid=valid or (at - YEAR, at + 10 * YEAR),
            eku=(stamping,),
            critical_eku=True,
            subject=f"{name}-leaf",
        )
        address = url or f"https://{name}.example.com/api/v1/timestamp"
        return cls(issuer, made, key, (at - YEAR, None), address)

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """Its own certificate, the intermediate and the root."""
        return self.certificate, *self.authority.chain

    def stamp(
        self,
        signature: bytes,
        at: datetime,
        *,
        algorithm: str = "sha256",
        nonce: int | None = None,
        certificates: bool = True,
        status: str = "granted",
    ) -> bytes:
        """A response (TimeStampResp in DER) that says when there was this signature.

        Args:
            signature: What is stamped: in Sigstore the raw bytes of a signature.
            at: When.
            algorithm: How it is hashed.
            nonce: What the one who asked wants to hear again.
            certificates: Put the certificates into the response.
            status: What became of the request.
        """
        digest = hashlib.new(algorithm, signature).digest()
        return self.stamp_digest(
            digest, at, algorithm=algorithm, nonce=nonce, certificates=certificates, status=status
        )

    def stamp_digest(
        self,
        digest: bytes,
        at: datetime,
        *,
        algorithm: str = "sha256",
        nonce: int | None = None,
        certificates: bool = True,
        status: str = "granted",
    ) -> bytes:
        """The same for what was hashed already."""
        info = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": _POLICY,
                "message_imprint": {
                    "hash_algorithm": {"algorithm": algorithm},
                    "hashed_message": digest,
                },
                "serial_number": x509.random_serial_number(),
                "gen_time": at,
                "nonce": nonce,
            }
        )
        signed = self._signed_data(info.dump(), at, certificates=certificates)
        token = cms.ContentInfo({"content_type": "signed_data", "content": signed})
        response = tsp.TimeStampResp({"status": {"status": status}, "time_stamp_token": token})
        made: bytes = response.dump()
        return made

    def _signed_data(self, content: bytes, at: datetime, *, certificates: bool) -> Any:
        sha256 = {"algorithm": "sha256"}
        attributes = self._attributes(content, at)
        issuer = asn1_x509.Certificate.load(self.certificate.public_bytes(Encoding.DER))
        signer = {
            "version": "v1",
            "sid": {
                "issuer_and_serial_number": {
                    "issuer": issuer.issuer,
                    "serial_number": self.certificate.serial_number,
                }
            },
            "digest_algorithm": sha256,
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            "signature": sign(self.key, attributes.dump()),
        }
        value = {
            "version": "v3",
            "digest_algorithms": [sha256],
            "encap_content_info": {
                "content_type": "tst_info",
                "content": core.ParsableOctetString(content),
            },
            "signer_infos": [signer],
        }
        if certificates:
            carried = (self.certificate, self.authority.intermediate)
            value["certificates"] = [
                asn1_x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in carried
            ]
        return cms.SignedData(value)

    def _attributes(self, content: bytes, at: datetime) -> Any:
        own = hashlib.sha256(self.certificate.public_bytes(Encoding.DER)).digest()
        certificate = {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
            "cert_hash": own,
        }
        return cms.CMSAttributes(
            [
                {"type": "content_type", "values": ["tst_info"]},
                {"type": "signing_time", "values": [cms.Time({"utc_time": at})]},
                {"type": "message_digest", "values": [hashlib.sha256(content).digest()]},
                {
                    "type": "signing_certificate_v2",
                    "values": [tsp.SigningCertificateV2({"certs": [certificate]})],
                },
            ]
        )
