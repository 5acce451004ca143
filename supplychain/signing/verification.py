"""Whose word is believed: the only maker of `VerifiedAttestation`.

The order matters. A signature is checked over opaque bytes first; only what somebody trusted has
signed is parsed; only what is about the very digest asked for is believed. Everything else is a
rejection with its reason, and nothing that was found is silently dropped.

Whoever signs in both forms says one thing twice. It counts once, as the bundle; what repeats it is
a copy. An attestation is repeated by the same payload, an image signature by the same signer.
"""

from __future__ import annotations

import dataclasses
from dataclasses import field
from datetime import datetime
from itertools import chain

from supplychain.errors import InputError, VerificationError
from supplychain.frozen import dataclass
from supplychain.model.artifact import ArtifactStore, Descriptor
from supplychain.model.digest import Digest
from supplychain.model.evidence import SIGNATURE_PREDICATE, VerifiedAttestation
from supplychain.model.subject import Subject
from supplychain.signing import bundle, dsse, embedded, legacy, storage
from supplychain.signing.bundle import Bundle
from supplychain.signing.documents import Beside
from supplychain.signing.dsse import Envelope
from supplychain.signing.embedded import Embedded
from supplychain.signing.found import Foreign, Rejection, Stored, bounded
from supplychain.signing.saying import read_said
from supplychain.signing.simplesigning import SignatureLayer
from supplychain.signing.trust.establish import establish
from supplychain.signing.trust.material import ALONE, Material
from supplychain.signing.trust.signed import Signed
from supplychain.signing.trust.trust import Trust


@dataclass(frozen=True, slots=True)
class VerifiedDocument:
    """A signed document that holds, with its bytes, so that they can be kept verbatim.

    Attributes:
        attestation: What it proves.
        media_type: What it is: a bundle, or in the legacy form an envelope or a signature's layer.
        data: Its exact bytes; `attestation.envelope` is their digest.
        manifest: What holds it.
        refers_to: The document beside it that it names by digest; None where it carries its own.
    """

    attestation: VerifiedAttestation
    media_type: str
    data: bytes = field(repr=False)
    manifest: Digest
    refers_to: Descriptor | None = None


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """What was found beside a digest, and what became of it.

    Attributes:
        subject: What was asked about.
        documents: What holds, in the store's order, bundles first.
        rejected: What proves nothing, each with its reason.
        foreign: Referrers that are no bundles.
        copies: What holds too and says in the legacy form what one of `documents` says.
    """

    subject: Subject
    documents: tuple[VerifiedDocument, ...]
    rejected: tuple[Rejection, ...]
    foreign: tuple[Foreign, ...]
    copies: tuple[VerifiedDocument, ...] = ()

    @property
    def verified(self) -> tuple[VerifiedAttestation, ...]:
        """The statements that hold, signatures among them."""
        return tuple(document.attestation for document in self.documents)

    @property
    def signatures(self) -> tuple[VerifiedAttestation, ...]:
        """The image signatures that hold."""
        return self.find(SIGNATURE_PREDICATE)

    def find(
        self, predicate_type: str, *, document: Digest | None = None
    ) -> tuple[VerifiedAttestation, ...]:
        """The statements of one type that hold.

        Args:
            predicate_type: The predicate type URI.
            document: Only those that carry the document with this digest, byte for byte.
        """
        return tuple(
            a
            for a in self.verified
            if a.predicate_type == predicate_type and document in (None, a.predicate_digest)
        )

    def require(
        self, predicate_type: str, *, document: Digest | None = None
    ) -> tuple[VerifiedAttestation, ...]:
        """As `find`, but at least one.

        Raises:
            VerificationError: There is none; says what was found instead.
        """
        found = self.find(predicate_type, document=document)
        if not found:
            reasons = "; ".join(f"{r.manifest.short}: {r.reason}" for r in self.rejected[:3])
            more = f"; and {len(self.rejected) - 3} more" if len(self.rejected) > 3 else ""
            raise VerificationError(
                f"{self.subject} has no {predicate_type} that anybody trusted signed",
                because=f"{reasons}{more}" if reasons else "there is none of this type beside it",
            )
        return found


def verify(
    store: ArtifactStore, subject: Subject, trust: Trust, *, at: datetime
) -> VerificationReport:
    """Check everything that is attached to a digest.

    Args:
        store: The repository that holds it.
        subject: What is asked about.
        trust: Whose word counts.
        at: Now (aware, UTC).

    Raises:
        InputError: Nobody's word counts: then nothing could ever be believed.
        LimitError: More is attached than anybody needs.
        RegistryError: The registry failed.
    """
    trust.require_anybody()
    sorted_out, beside = _Sorting(), Beside(store, subject.digest)
    found = chain(storage.read(store, subject.digest), legacy.read(store, subject.digest))
    for one in bounded(found, subject.digest):
        if isinstance(one, Stored):
            sorted_out.add(_checked(one, subject, trust, beside, at=at))
        else:
            sorted_out.add(one)
    return sorted_out.report(subject)


def verify_bundle(
    data: bytes, subject: Subject, trust: Trust, *, at: datetime
) -> VerifiedAttestation:
    """Check one bundle, wherever its bytes came from.

    Args:
        data: The bundle.
        subject: What it must be about.
        trust: Whose word counts.
        at: Now (aware, UTC).

    Raises:
        InputError: Nobody's word counts; or the bundle or its statement is malformed.
        VerificationError: Nobody trusted signed it, or it is about something else.
    """
    return verify_document(data, bundle.MEDIA_TYPE, subject, trust, at=at)


def verify_document(
    data: bytes,
    media_type: str,
    subject: Subject,
    trust: Trust,
    *,
    at: datetime,
    beside: Beside | None = None,
) -> VerifiedAttestation:
    """Check one signed document of any form; raises as `verify_bundle`.

    Args:
        data: Its bytes.
        media_type: What it is, as `VerifiedDocument` has it.
        subject: What it must be about.
        trust: Whose word counts.
        at: Now (aware, UTC).
        beside: Where a document is looked for that the statement only refers to; without it such
            a statement is not believed.
    """
    return _verified(data, media_type, subject, trust, beside, at=at)[0]


def _verified(
    data: bytes,
    media_type: str,
    subject: Subject,
    trust: Trust,
    beside: Beside | None,
    *,
    at: datetime,
) -> tuple[VerifiedAttestation, Descriptor | None]:
    """What a document proves, and the document that it refers to."""
    trust.require_anybody()
    content, material, envelope = read_signed(data, media_type)
    established = establish(_signed(content, envelope), material, trust, at=at)
    said = read_said(content, subject.digest, beside)
    attestation = VerifiedAttestation(
        subject=subject,
        predicate_type=said.predicate_type,
        payload=Digest.of(content.payload),
        envelope=Digest.of(data),
        key_fingerprint=established.key_fingerprint,
        verified_at=at,
        identity=established.identity,
        log_entries=established.log_entries,
        times=established.times,
        predicate_digest=said.document,
        build=said.build,
    )
    return attestation, said.refers_to


def read_signed(
    data: bytes, media_type: str
) -> tuple[Envelope | SignatureLayer, Material, bytes | None]:
    """What is signed, what to verify it by, and the envelope where it is a document of its own.

    Nothing of it is checked.

    Raises:
        InputError: It is malformed, or of no form that is known.
    """
    if media_type == bundle.MEDIA_TYPE:
        read = Bundle.parse(data)
        return read.envelope, read.material, None
    if media_type == dsse.MEDIA_TYPE:
        return Envelope.decode(data), ALONE, data
    if media_type != embedded.MEDIA_TYPE:
        raise InputError(f"{media_type[:80]!r} is no form of signature that is known")
    layer = Embedded.parse(data)
    if layer.media_type == dsse.MEDIA_TYPE:
        material = Material.of_annotations(layer.annotations)
        return Envelope.decode(layer.content), material, layer.content
    signature = SignatureLayer.of(layer)
    return signature, signature.material, None


def _signed(content: Envelope | SignatureLayer, envelope: bytes | None) -> Signed:
    if isinstance(content, SignatureLayer):
        return Signed.over(content.payload, content.signature)
    return content.signed(envelope)


def _checked(
    stored: Stored, subject: Subject, trust: Trust, beside: Beside, *, at: datetime
) -> VerifiedDocument | Rejection:
    data, media_type = stored.data, stored.media_type
    try:
        attestation, referred = _verified(data, media_type, subject, trust, beside, at=at)
    except (InputError, VerificationError) as error:
        return Rejection.of(stored.manifest, error, stored.where)
    return VerifiedDocument(attestation, media_type, data, stored.manifest, referred)


@dataclasses.dataclass(slots=True)
class _Sorting:
    """A report in the making."""

    documents: list[VerifiedDocument] = field(default_factory=list)
    copies: list[VerifiedDocument] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    foreign: list[Foreign] = field(default_factory=list)
    said: set[tuple[str, str, Digest | None]] = field(default_factory=set)

    def add(self, found: VerifiedDocument | Rejection | Foreign) -> None:
        if isinstance(found, Rejection):
            self.rejected.append(found)
        elif isinstance(found, Foreign):
            self.foreign.append(found)
        elif found.media_type != bundle.MEDIA_TYPE and _word(found) in self.said:
            self.copies.append(found)
        else:
            self.said.add(_word(found))
            self.documents.append(found)

    def report(self, subject: Subject) -> VerificationReport:
        return VerificationReport(
            subject,
            tuple(self.documents),
            tuple(self.rejected),
            tuple(self.foreign),
            tuple(self.copies),
        )


def _word(document: VerifiedDocument) -> tuple[str, str, Digest | None]:
    """Who says what: two documents with the same are one statement in two forms."""
    said = document.attestation
    payload = None if said.is_signature else said.payload
    return said.verified_by, said.predicate_type, payload
