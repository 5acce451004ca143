"""Sign and attest, then read everything back from where it lies and verify it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from supplychain.errors import VerificationError
from supplychain.frozen import dataclass
from supplychain.images.resolve import PlatformImage
from supplychain.model.artifact import ArtifactStore
from supplychain.model.evidence import (
    CYCLONEDX_PREDICATE,
    PROVENANCE_PREDICATE,
    VULNERABILITY_PREDICATE,
)
from supplychain.model.subject import Subject
from supplychain.pipeline.claims import with_claims
from supplychain.pipeline.provenance import TRIVY, TRIVY_DB, Invocation, provenance
from supplychain.records.run import AttestationRecord, LargeDocument, SbomRecord
from supplychain.scan.scanner import ScanResult
from supplychain.signing import predicates
from supplychain.signing.documents import LARGEST_WHOLE, Document
from supplychain.signing.formats import FORMATS, Format
from supplychain.signing.publication import SIGNATURE, Claim, Publication, publish, referring
from supplychain.signing.sealing import Sealer, sealer_of
from supplychain.signing.signer import Signer
from supplychain.signing.trust.trust import NOBODY, Trust
from supplychain.signing.verification import VerificationReport, VerifiedDocument, verify


@dataclass(frozen=True, slots=True)
class Sealing:
    """Who signs, and whose statements count.

    Attributes:
        signer: Signs what the pipeline finds; None signs nothing.
        trust: Others, whose statements are recorded where they verify.
        formats: In which forms signatures are stored.
        whole_sbom: How many bytes an SBOM may have to be signed whole; one that has more is
            attested by its digest.
    """

    signer: Signer | Sealer | None
    trust: Trust = NOBODY
    formats: tuple[Format, ...] = FORMATS
    whole_sbom: int = LARGEST_WHOLE

    def require_key(self) -> None:
        """Find out whether anything can be signed, before anything is done for nothing.

        Raises:
            SupplyChainError: It cannot: the password is wrong, nobody vouches for us …
        """
        if self.signer is not None:
            sealer_of(self.signer).prepare()


def claims_about(
    invocation: Invocation,
    image: PlatformImage,
    result: ScanResult,
    sbom: SbomRecord,
    *,
    finished_at: datetime,
) -> list[Claim]:
    """What is to be said about a platform's image: signature, SBOM, vulnerabilities, provenance.

    Args:
        invocation: The run that found it out.
        image: The platform's image.
        result: What the scan found.
        sbom: The SBOM.
        finished_at: When all of that had been done (aware, UTC).
    """
    scan = result.scan
    vulnerabilities = predicates.vulnerability(
        result.report,
        scanner_uri=f"{TRIVY}@{scan.evidence.producer.version}",
        scanner_version=scan.evidence.producer.version,
        database_uri=TRIVY_DB,
        database_version=str(scan.database.digest),
        started_at=scan.evidence.produced_at,
        finished_at=finished_at,
    )
    return [
        SIGNATURE,
        Claim(CYCLONEDX_PREDICATE, sbom.document),
        Claim(VULNERABILITY_PREDICATE, vulnerabilities),
        Claim(
            PROVENANCE_PREDICATE,
            provenance(invocation, image, result, sbom, finished_at=finished_at),
        ),
    ]


def by_reference(claim: Claim, subject: Subject, *, above: int, attester: str) -> Claim:
    """The claim as it is; of an SBOM that is too large for that, one that refers to it.

    Args:
        claim: What is said.
        subject: What it is about.
        above: How many bytes an SBOM may have to be signed whole.
        attester: Who provides it: a URI.

    Raises:
        LimitError: It is too large even for that.
    """
    document = claim.document
    if document is None:
        if claim.predicate_type != CYCLONEDX_PREDICATE or len(claim.predicate) <= above:
            return claim
        document = Document.of(claim.predicate)
    return referring(document, subject, attester)


def recorded(store: ArtifactStore, found: VerifiedDocument) -> AttestationRecord:
    """A statement that holds, as the record keeps it: with the document that it refers to.

    Args:
        store: Where it was found.
        found: The statement.
    """
    named = found.refers_to
    kept = None
    if named is not None:
        kept = LargeDocument(named.digest, named.size, lambda: store.blob_chunks(named))
    return with_claims(AttestationRecord(found.attestation, found.data, found.media_type, kept))


def seal(
    store: ArtifactStore,
    subject: Subject,
    signer: Signer | Sealer | None,
    claims: Sequence[Claim],
    trust: Trust,
    *,
    at: datetime,
    formats: Sequence[Format] = FORMATS,
) -> tuple[AttestationRecord, ...]:
    """Sign claims, then verify everything that lies beside the subject.

    Args:
        store: Where the subject is, and where signatures go.
        subject: What the claims are about.
        signer: Who signs; None signs nothing.
        claims: What is said.
        trust: Whose statements count beside the signer's own.
        at: Now (aware, UTC).
        formats: In which forms signatures are stored.

    Returns:
        Every statement that holds, as the record keeps it; () where nobody is trusted.

    Raises:
        VerificationError: What was just written is not found again, or does not verify.
        SupplyChainError: As `publish` and `verify`.
    """
    published: tuple[Publication, ...] = ()
    if signer is not None:
        published = publish(store, subject, signer, claims, at=at, formats=formats)
    return read_back(store, subject, signer, published, trust, at=at)


def read_back(
    store: ArtifactStore,
    subject: Subject,
    signer: Signer | Sealer | None,
    published: Sequence[Publication],
    trust: Trust,
    *,
    at: datetime,
) -> tuple[AttestationRecord, ...]:
    """Verify everything that lies beside a subject; of it has to be what was published there.

    Args:
        store: Where the subject is.
        subject: What it is about.
        signer: Who signed what was published; None for nobody.
        published: What was.
        trust: Whose statements count beside the signer's own.
        at: Now (aware, UTC).

    Returns:
        Every statement that holds, as the record keeps it; () where nobody is trusted.

    Raises:
        VerificationError: What was published is not found, or does not verify.
        SupplyChainError: As `verify`.
    """
    trust = sealer_of(signer).trusted(trust) if signer is not None else trust
    if not trust.anybody:
        return ()
    report = verify(store, subject, trust, at=at)
    _require(report, published)
    return tuple(recorded(store, document) for document in report.documents)


def _require(report: VerificationReport, published: Sequence[Publication]) -> None:
    """Refuse to go on where what was just written cannot be read back."""
    there = {one.attestation.envelope for one in (*report.documents, *report.copies)}
    for publication in published:
        if publication.envelope not in there:
            reasons = [r.reason for r in report.rejected if r.manifest == publication.manifest]
            raise VerificationError(
                f"the {publication.predicate_type} that was just attached to {report.subject} "
                "does not verify",
                because=reasons[0] if reasons else "the registry does not list it",
                hint="run the same command again; nothing was recorded",
            )
