"""What was signed and all that proves it, as a bundle and in cosign's older form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypedDict, Unpack

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from tests.kit.sigstore.bodies import Signer
from tests.kit.sigstore.keys import details, hint, public_pem, spki, text
from tests.kit.sigstore.log import Entry, Proof

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
IN_TOTO = "application/vnd.in-toto+json"


class EntryChanges(TypedDict, total=False):
    """What of an entry may be replaced."""

    index: int
    log_id: bytes
    kind: tuple[str, str]
    body: bytes
    promise: bytes | None
    proof: Proof | None


class ProofChanges(TypedDict, total=False):
    """What of a proof may be replaced."""

    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str | None


@dataclass(frozen=True, slots=True)
class Signed:
    """Something signed. `dataclasses.replace` makes a forgery of it.

    Attributes:
        payload: The statement in the envelope, or what was signed without one.
        payload_type: The envelope's; None where there is no envelope.
        signature: The signature.
        key: What made it.
        certificate: Whose it is; None where the verifier has to know the key.
        chain: Who issued the certificate; only the older form carries it.
        entries: Where it was logged.
        timestamps: What clocks said about it.
        media_type: The bundle's.
    """

    payload: bytes = field(repr=False)
    payload_type: str | None
    signature: bytes = field(repr=False)
    key: EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate | None
    chain: tuple[x509.Certificate, ...] = ()
    entries: tuple[Entry, ...] = ()
    timestamps: tuple[bytes, ...] = field(default=(), repr=False)
    media_type: str = BUNDLE

    @property
    def signer(self) -> Signer:
        """As entries of a log name it."""
        if self.certificate is None:
            return Signer(public_pem(self.key), spki(self.key), False, details(self.key))
        pem, der = (self.certificate.public_bytes(one) for one in (Encoding.PEM, Encoding.DER))
        return Signer(pem, der)

    @property
    def entry(self) -> Entry:
        """The only entry."""
        (entry,) = self.entries
        return entry

    def with_entry(self, **changes: Unpack[EntryChanges]) -> Signed:
        """The same with another entry."""
        return replace(self, entries=(replace(self.entry, **changes),))

    def with_proof(self, **changes: Unpack[ProofChanges]) -> Signed:
        """The same with another proof in its entry."""
        assert self.entry.proof is not None
        return self.with_entry(proof=replace(self.entry.proof, **changes))

    def value(self) -> dict[str, object]:
        """The bundle, to be edited."""
        content: dict[str, object]
        if self.payload_type is None:
            digest = {
                "algorithm": "SHA2_256",
                "digest": text(hashlib.sha256(self.payload).digest()),
            }
            signed = {"messageDigest": digest, "signature": text(self.signature)}
            content = {"messageSignature": signed}
        else:
            content = {"dsseEnvelope": self.envelope()}
        return {"mediaType": self.media_type, "verificationMaterial": self._material(), **content}

    def bundle(self) -> bytes:
        """The bundle."""
        return json.dumps(self.value(), separators=(",", ":")).encode()

    def envelope(self) -> dict[str, object]:
        """The envelope alone, to be edited."""
        return {
            "payload": text(self.payload),
            "payloadType": self.payload_type,
            "signatures": [{"sig": text(self.signature)}],
        }

    def layer(self) -> bytes:
        """What cosign's older form has as its layer: the envelope, or what was signed."""
        if self.payload_type is None:
            return self.payload
        return json.dumps(self.envelope(), separators=(",", ":")).encode()

    def annotations(self) -> dict[str, str]:
        """The annotations of the layer in cosign's older form."""
        made = {"dev.cosignproject.cosign/signature": ""}
        if self.payload_type is None:
            made["dev.cosignproject.cosign/signature"] = text(self.signature)
        if self.certificate is not None:
            made["dev.sigstore.cosign/certificate"] = pem((self.certificate,))
            made["dev.sigstore.cosign/chain"] = pem(self.chain)
        for entry in self.entries:
            made["dev.sigstore.cosign/bundle"] = _promised(entry)
        for stamp in self.timestamps:
            stamped = json.dumps({"SignedRFC3161Timestamp": text(stamp)})
            made["dev.sigstore.cosign/rfc3161timestamp"] = stamped
        return made

    def _material(self) -> dict[str, object]:
        made: dict[str, object]
        if self.certificate is None:
            made = {"publicKey": {"hint": hint(self.key)}}
        else:
            made = {"certificate": {"rawBytes": text(self.certificate.public_bytes(Encoding.DER))}}
        if self.entries:
            made["tlogEntries"] = [entry.value() for entry in self.entries]
        if self.timestamps:
            stamps = [{"signedTimestamp": text(one)} for one in self.timestamps]
            made["timestampVerificationData"] = {"rfc3161Timestamps": stamps}
        return made


def pem(certificates: Sequence[x509.Certificate]) -> str:
    """Certificates as PEM, one after the other."""
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates).decode()


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """What the signature of an envelope covers."""
    return b"DSSEv1 %d %s %d %s" % (
        len(payload_type.encode()),
        payload_type.encode(),
        len(payload),
        payload,
    )


def _promised(entry: Entry) -> str:
    assert entry.promise is not None
    assert entry.integrated_at is not None
    payload = {
        "body": text(entry.body),
        "integratedTime": int(entry.integrated_at.timestamp()),
        "logIndex": entry.index,
        "logID": entry.log_id.hex(),
    }
    value = {"SignedEntryTimestamp": text(entry.promise), "Payload": payload}
    return json.dumps(value, separators=(",", ":"))
