"""What one run learnt about one image: rows and bytes that are recorded together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from datetime import datetime

from supplychain.errors import DigestMismatchError, InputError
from supplychain.frozen import dataclass
from supplychain.model.artifact import DOCKER_INDEX, OCI_INDEX
from supplychain.model.component import Component
from supplychain.model.digest import Digest
from supplychain.model.evidence import Evidence, EvidenceKind, Sbom, Scan, VerifiedAttestation
from supplychain.model.image_config import ImageConfig
from supplychain.model.subject import Platform, Subject
from supplychain.model.vex import VexDocument


@dataclass(frozen=True, slots=True)
class ScanRecord:
    """A scan and the scanner's report, byte for byte."""

    scan: Scan
    report: bytes


@dataclass(frozen=True, slots=True)
class SbomRecord:
    """An SBOM's facts and the document itself."""

    sbom: Sbom
    document: bytes


@dataclass(frozen=True, slots=True)
class ConfigRecord:
    """What an image says about itself, without what may be secret.

    The configuration itself is not kept: values of its environment may be secrets, and its bytes
    lie with the image, under the digest that is kept.

    Attributes:
        config: What it says.
        producer_version: Of this program, which left the rest out.
        produced_at: When (aware, UTC).
    """

    config: ImageConfig
    producer_version: str
    produced_at: datetime


@dataclass(frozen=True, slots=True)
class LargeDocument:
    """A document that is kept without ever being whole in memory.

    Attributes:
        digest: Its digest.
        size: Its length in bytes.
        chunks: Begins it, each time from the start.
    """

    digest: Digest
    size: int
    chunks: Callable[[], Iterator[bytes]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClaimsRecord:
    """A VEX document that an attestation carries, and what it says."""

    document: VexDocument
    data: bytes


@dataclass(frozen=True, slots=True)
class AttestationRecord:
    """A verified statement and the envelope that was verified.

    Attributes:
        attestation: What the verifier made of the envelope.
        envelope: The envelope, byte for byte.
        media_type: What the envelope is.
        document: What the statement refers to by its digest; None where it carries its own.
        claims: The VEX document that it carries; None where it carries none that can be read.
        unread: Why its claims could not be read; "" where they could, or there are none.
        listed: What it lists, to be searched for; None where it is no SBOM that was handed in, or
            none that can be read.
    """

    attestation: VerifiedAttestation
    envelope: bytes
    media_type: str
    document: LargeDocument | None = None
    claims: ClaimsRecord | None = None
    unread: str = ""
    listed: tuple[Component, ...] | None = None


@dataclass(frozen=True, slots=True)
class PlatformRecord:
    """What a run learnt about one platform manifest; any part may be missing.

    Attributes:
        subject: The platform manifest.
        platform: What it runs on.
        media_type: The manifest's media type.
        scan: The scan, where one was made.
        sbom: The SBOM, where one was made.
        attestations: Verified statements about this manifest.
        config: Its configuration, where it was read.
    """

    subject: Subject
    platform: Platform
    media_type: str
    scan: ScanRecord | None = None
    sbom: SbomRecord | None = None
    attestations: tuple[AttestationRecord, ...] = ()
    config: ConfigRecord | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What a run learnt about one digest.

    Attributes:
        subject: The digest that was asked for: a platform manifest, or an index.
        media_type: Its media type.
        platforms: Every runnable child of an index, whether this run looked at it or not; the one
            entry for a platform manifest is that manifest itself.
        attestations: Verified statements about an index itself; a platform manifest's are in its
            entry of `platforms`.
        tag: The tag that was resolved to the digest; None where the digest was given.
        resolved: Whether a registry has the digest under the subject's name. Else that name is
            what whoever made the file chose, and nothing is allowed by it.
        handed_in_by: Who handed its statements in; "" where nobody did.
    """

    subject: Subject
    media_type: str
    platforms: tuple[PlatformRecord, ...]
    attestations: tuple[AttestationRecord, ...] = ()
    tag: str | None = None
    resolved: bool = False
    handed_in_by: str = ""

    @property
    def is_index(self) -> bool:
        """Whether the subject is an index of several platforms."""
        return self.media_type in {OCI_INDEX, DOCKER_INDEX}

    def blobs(self) -> Iterator[bytes]:
        """Every document whose digest the rows will name."""
        for platform in self.platforms:
            if platform.scan:
                yield platform.scan.report
            if platform.sbom:
                yield platform.sbom.document
            if platform.config:
                yield platform.config.config.document()
        for record in self._statements():
            yield record.envelope
            if record.claims is not None:
                yield record.claims.data

    def documents(self) -> Iterator[LargeDocument]:
        """Every document that a statement refers to."""
        for record in self._statements():
            if record.document is not None:
                yield record.document

    def _statements(self) -> Iterator[AttestationRecord]:
        for platform in self.platforms:
            yield from platform.attestations
        yield from self.attestations

    def check(self) -> None:
        """Refuse what does not belong together, before anything is written.

        Raises:
            DigestMismatchError: A document's bytes are not those that its evidence names.
            InputError: Evidence is about another digest or of another kind, nobody verified it,
                or the platforms do not fit the media type.
        """
        digests = {platform.subject.digest for platform in self.platforms}
        if not self.platforms or (not self.is_index and digests != {self.subject.digest}):
            raise InputError(f"{self.subject} is recorded with platforms that are not its own")
        for platform in self.platforms:
            _check_platform(platform)
        for record in self.attestations:
            _check_attestation(record, self.subject)


def _check_platform(platform: PlatformRecord) -> None:
    if platform.scan:
        evidence = platform.scan.scan.evidence
        _check_evidence(evidence, platform.scan.report, EvidenceKind.SCAN, platform.subject)
    if platform.sbom:
        evidence = platform.sbom.sbom.evidence
        _check_evidence(evidence, platform.sbom.document, EvidenceKind.SBOM, platform.subject)
    for record in platform.attestations:
        _check_attestation(record, platform.subject)


def _check_evidence(evidence: Evidence, data: bytes, kind: EvidenceKind, subject: Subject) -> None:
    if evidence.kind is not kind:
        raise InputError(f"evidence of the kind {evidence.kind} is recorded as {kind}")
    if evidence.subject.digest != subject.digest:
        raise InputError(f"the {kind} is about {evidence.subject}, not about {subject}")
    if not evidence.verified_by:
        raise InputError(
            f"nobody verified the {kind} of {subject}",
            because="what nobody verified is not evidence",
        )
    _check_bytes(evidence.digest, data, f"the {kind} of {subject}")


def _check_attestation(record: AttestationRecord, subject: Subject) -> None:
    attestation: object = record.attestation
    if not isinstance(attestation, VerifiedAttestation):
        raise InputError(
            f"{type(attestation).__name__} is no verified attestation",
            because="only what a verifier returned is evidence",
        )
    if attestation.subject.digest != subject.digest:
        raise InputError(f"the attestation is about {attestation.subject}, not about {subject}")
    if not attestation.key_fingerprint:
        raise InputError(f"nobody verified the attestation of {subject}")
    _check_bytes(attestation.envelope, record.envelope, f"an attestation of {subject}")
    if record.claims is not None:
        claimed = record.claims.document.digest
        _check_bytes(claimed, record.claims.data, f"a VEX document about {subject}")
    if record.document is not None and record.document.digest != attestation.predicate_digest:
        raise DigestMismatchError(
            f"an attestation of {subject} refers to another document than the one beside it",
            because=f"{attestation.predicate_digest}, not {record.document.digest}",
        )


def _check_bytes(digest: Digest, data: bytes, what: str) -> None:
    if not digest.matches(data):
        raise DigestMismatchError(f"{what} has other bytes than those named", because=str(digest))
