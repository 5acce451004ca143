"""Factories for what a run records: same call, same value; nothing is signed for real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from supplychain.model.artifact import OCI_INDEX, OCI_MANIFEST
from supplychain.model.component import Component
from supplychain.model.decision import Decision, Verdict
from supplychain.model.digest import Digest
from supplychain.model.evidence import (
    CYCLONEDX_PREDICATE,
    Evidence,
    EvidenceKind,
    Producer,
    Sbom,
    SbomElement,
    VerifiedAttestation,
)
from supplychain.model.finding import Finding
from supplychain.model.subject import Platform, Subject
from supplychain.records.run import (
    AttestationRecord,
    PlatformRecord,
    RunRecord,
    SbomRecord,
    ScanRecord,
)
from tests.kit.scans import AT, PLATFORM, SUBJECT, make_component, make_finding, make_scan, signed

FINGERPRINT = str(Digest.of(b"a public key"))
ELEMENTS = (SbomElement("Supplier Name", 7, 4), SbomElement("Timestamp", 1, 0))
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
ARM = Platform("linux", "arm64", "v8")


def scan_record(
    *,
    subject: Subject = SUBJECT,
    report: bytes = b"{}",
    components: Sequence[Component] | None = None,
    findings: Sequence[Finding] | None = None,
    produced_at: datetime = AT,
) -> ScanRecord:
    """A scan with its report; one component and one finding where none are given."""
    scan = make_scan(
        components=(make_component(),) if components is None else components,
        findings=(make_finding(),) if findings is None else findings,
        subject=subject,
        report=report,
        produced_at=produced_at,
    )
    return ScanRecord(scan, report)


def sbom_record(
    *,
    subject: Subject = SUBJECT,
    document: bytes = b'{"sbom": 1}',
    produced_at: datetime = AT,
    elements: tuple[SbomElement, ...] = ELEMENTS,
) -> SbomRecord:
    """An SBOM with its document; of its seven components four have no supplier."""
    evidence = Evidence(
        subject=subject,
        kind=EvidenceKind.SBOM,
        digest=Digest.of(document),
        media_type="application/vnd.cyclonedx+json",
        producer=Producer("supplychain", "0.1.0"),
        produced_at=produced_at,
        verified_by="first-hand",
    )
    return SbomRecord(Sbom(evidence, "1.6", 7, elements), document)


def attestation_record(
    *,
    subject: Subject = SUBJECT,
    predicate_type: str = CYCLONEDX_PREDICATE,
    verified_at: datetime = AT,
    signed_at: datetime | None = None,
    predicate_digest: Digest | None = None,
) -> AttestationRecord:
    """A verified statement with an envelope of its own."""
    envelope = f"envelope of {predicate_type} for {subject}".encode()
    attestation = VerifiedAttestation(
        subject=subject,
        predicate_type=predicate_type,
        payload=Digest.of(b"payload of " + envelope),
        envelope=Digest.of(envelope),
        key_fingerprint=FINGERPRINT,
        verified_at=verified_at,
        times=signed(signed_at),
        predicate_digest=predicate_digest,
    )
    return AttestationRecord(attestation, envelope, BUNDLE)


def platform_record(
    subject: Subject = SUBJECT,
    platform: Platform = PLATFORM,
    *,
    scan: ScanRecord | None = None,
    sbom: SbomRecord | None = None,
    attestations: tuple[AttestationRecord, ...] = (),
) -> PlatformRecord:
    """What was learnt about one manifest: nothing, unless it is given."""
    return PlatformRecord(subject, platform, OCI_MANIFEST, scan, sbom, attestations)


def manifest_run(
    subject: Subject = SUBJECT,
    *,
    scan: ScanRecord | None = None,
    sbom: SbomRecord | None = None,
    attestations: tuple[AttestationRecord, ...] = (),
    tag: str | None = None,
) -> RunRecord:
    """A run of one platform manifest; with a scan of its own where nothing at all is given."""
    if scan is None and sbom is None and not attestations:
        scan = scan_record(subject=subject)
    record = platform_record(subject, scan=scan, sbom=sbom, attestations=attestations)
    return RunRecord(subject, OCI_MANIFEST, (record,), tag=tag, resolved=True)


def index_run(
    name: str = "registry.test/shop/multi",
    *,
    attestations: bool = False,
    tag: str | None = None,
) -> RunRecord:
    """A run of an index of two platforms, both of them scanned."""
    index = Subject(name, Digest.of(f"index of {name}".encode()))
    children = [
        (Subject(name, Digest.of(f"{platform} of {name}".encode())), platform)
        for platform in (PLATFORM, ARM)
    ]
    return RunRecord(
        subject=index,
        media_type=OCI_INDEX,
        platforms=tuple(
            platform_record(
                child, platform, scan=scan_record(subject=child, report=str(platform).encode())
            )
            for child, platform in children
        ),
        attestations=(attestation_record(subject=index),) if attestations else (),
        tag=tag,
        resolved=True,
    )


def make_decision(
    *,
    subject: Subject = SUBJECT,
    environment: str = "prod",
    verdict: Verdict = Verdict.DENY,
    policy: Digest | None = None,
    decided_at: datetime = AT,
) -> Decision:
    """A decision without reasons: the record does not look at them."""
    return Decision(
        subject=subject,
        environment=environment,
        verdict=verdict,
        results=(),
        evidence=(),
        policy=policy,
        databases=(),
        decided_at=decided_at,
        holds_until=decided_at + timedelta(hours=1),
    )


def without_lists(record: ScanRecord) -> object:
    """The scan as a dossier carries it: without components and findings."""
    return replace(record.scan, components=(), findings=())
