"""Rows into what the gate judges: five queries, whatever the image's size."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, PlatformDossier, RecordedFinding
from supplychain.model.evidence import (
    Build,
    Evidence,
    EvidenceKind,
    Producer,
    Sbom,
    Scan,
    VerifiedAttestation,
    VulnerabilityDatabase,
)
from supplychain.model.finding import Finding, Severity
from supplychain.model.subject import Platform, Subject
from supplychain.records.schema import (
    assessed_findings,
    attestations,
    evidence,
    findings,
    first_seen,
    image_names,
    images,
    index_children,
    inventories,
    layers,
    sboms,
    scans,
    vulnerabilities,
)
from supplychain.records.witnesses import identity_of, log_entries_of, times_of


@dataclass(slots=True)
class _Found:
    """What was found about one image while it is being put together."""

    scan: Scan | None = None
    sbom: Sbom | None = None
    component_count: int = 0
    findings: list[RecordedFinding] = field(default_factory=list)
    attestations: list[VerifiedAttestation] = field(default_factory=list)


def read_dossier(
    connection: Connection, project: int, digest: Digest, at: datetime
) -> Dossier | None:
    """What the record held at an instant about a digest; None where it held nothing."""
    image = connection.execute(_image(project, digest, at)).first()
    if image is None:
        return None
    manifests: Sequence[Row[Any]] = [image]
    if image.kind == "index":
        manifests = connection.execute(_children(image.id)).all()
    subjects = {row.id: Subject(image.name, row.digest) for row in (image, *manifests)}
    found = {number: _Found() for number in subjects}
    _read_latest(connection, project, subjects, at, found)
    for row in connection.execute(_attestations(found.keys(), at)):
        found[row.image_id].attestations.append(attestation_of(row, subjects[row.image_id].digest))
    return Dossier(
        subject=subjects[image.id],
        platforms=tuple(_platform(row, subjects[row.id], found[row.id]) for row in manifests),
        attestations=tuple(found[image.id].attestations),
    )


def attestation_of(row: Row[Any], subject: Digest) -> VerifiedAttestation:
    """A row of `evidence` and `attestations` as it went in."""
    return VerifiedAttestation(
        subject=Subject(row.subject_name, subject),
        predicate_type=row.predicate_type,
        payload=row.payload_digest,
        envelope=row.digest,
        key_fingerprint=row.key_fingerprint,
        verified_at=row.verified_at,
        identity=identity_of(row),
        log_entries=log_entries_of(row),
        times=times_of(row),
        predicate_digest=row.predicate_digest,
        build=None if row.builder is None else Build(row.builder, row.build_type),
    )


def platform_in(row: Row[Any]) -> Platform:
    """What a row of `images` or `index_children` says that an image is for."""
    return Platform(row.os, row.architecture, row.variant)


def latest_evidence(at: datetime) -> Select[Any]:
    """Every row of evidence up to an instant, numbered from the latest of its image and kind.

    The latest scan is the one made with the newest database: scanning again with an older one, on
    a machine that lags behind, must not hide what is known already.
    """
    column = evidence.c
    newest_first = (
        scans.c.database_updated_at.desc(),
        column.produced_at.desc(),
        column.id.desc(),
    )
    numbered = select(
        column.id,
        func.row_number()
        .over(partition_by=(column.image_id, column.kind), order_by=newest_first)
        .label("place"),
    ).outerjoin(scans, scans.c.evidence_id == column.id)
    return numbered.where(
        column.kind.in_([EvidenceKind.SCAN, EvidenceKind.SBOM]),
        column.produced_at <= at,
        column.recorded_at <= at,
    )


def _image(project: int, digest: Digest, at: datetime) -> Select[Any]:
    name = (
        select(image_names.c.name)
        .where(image_names.c.image_id == images.c.id, image_names.c.recorded_at <= at)
        .order_by(image_names.c.recorded_at.desc(), image_names.c.name)
        .limit(1)
        .scalar_subquery()
    )
    return select(images, name.label("name")).where(
        images.c.project_id == project, images.c.digest == digest, images.c.recorded_at <= at
    )


def _children(index: int) -> Select[Any]:
    return (
        select(images.c.id, images.c.digest, index_children)
        .join(index_children, index_children.c.child_id == images.c.id)
        .where(index_children.c.index_id == index)
        .order_by(index_children.c.position)
    )


def _read_latest(
    connection: Connection,
    project: int,
    subjects: dict[int, Subject],
    at: datetime,
    found: dict[int, _Found],
) -> None:
    """The latest scan, with its findings, and the latest SBOM of every image."""
    ranked = latest_evidence(at).where(evidence.c.image_id.in_(subjects)).subquery()
    rows = connection.execute(
        select(evidence, scans, sboms.c.spec_version, _component_count())
        .join(ranked, ranked.c.id == evidence.c.id)
        .outerjoin(scans, scans.c.evidence_id == evidence.c.id)
        .outerjoin(sboms, sboms.c.evidence_id == evidence.c.id)
        .outerjoin(inventories, inventories.c.id == scans.c.inventory_id)
        .where(ranked.c.place == 1)
    )
    images_by_assessment: dict[int, int] = {}
    for row in rows:
        entry, item = found[row.image_id], _evidence(row, subjects[row.image_id].digest)
        if item.kind is EvidenceKind.SBOM:
            entry.sbom = Sbom(item, row.spec_version, row.components)
        else:
            entry.scan = _scan(row, item)
            entry.component_count = row.components
            images_by_assessment[row.assessment_id] = row.image_id
    for row in connection.execute(_findings(project, images_by_assessment.keys(), at)):
        entry = found[images_by_assessment[row.assessment_id]]
        if entry.scan:
            # Where writers' clocks disagree, a sighting may be on record only after `at`: then
            # the scan itself is the first that was known.
            seen_at = row.first_seen_at or entry.scan.evidence.produced_at
            entry.findings.append(RecordedFinding(_finding(row), seen_at))


def _component_count() -> Any:
    counted = func.coalesce(inventories.c.component_count, sboms.c.component_count)
    return counted.label("components")


def _findings(project: int, assessed: Collection[int], at: datetime) -> Select[Any]:
    seen_at = (
        select(func.min(first_seen.c.first_seen_at))
        .where(
            first_seen.c.project_id == project,
            first_seen.c.vulnerability_id == findings.c.vulnerability_id,
            first_seen.c.package_identity == findings.c.package_identity,
            first_seen.c.recorded_at <= at,
        )
        .scalar_subquery()
    )
    return (
        select(
            assessed_findings,
            findings,
            vulnerabilities.c.name.label("vulnerability"),
            layers.c.diff_id,
            seen_at.label("first_seen_at"),
        )
        .join(findings, findings.c.id == assessed_findings.c.finding_id)
        .join(vulnerabilities, vulnerabilities.c.id == findings.c.vulnerability_id)
        .outerjoin(layers, layers.c.id == assessed_findings.c.layer_id)
        .where(assessed_findings.c.assessment_id.in_(assessed))
        .order_by(assessed_findings.c.assessment_id, assessed_findings.c.position)
    )


def _attestations(of: Collection[int], at: datetime) -> Select[Any]:
    return (
        select(evidence, attestations)
        .join(attestations, attestations.c.evidence_id == evidence.c.id)
        .where(
            evidence.c.image_id.in_(of),
            evidence.c.recorded_at <= at,
            attestations.c.verified_at <= at,
        )
        .order_by(evidence.c.id)
    )


def _platform(row: Row[Any], subject: Subject, found: _Found) -> PlatformDossier:
    return PlatformDossier(
        subject=subject,
        platform=platform_in(row),
        scan=found.scan,
        findings=tuple(found.findings),
        sbom=found.sbom,
        component_count=found.component_count,
        attestations=tuple(found.attestations),
    )


def _evidence(row: Row[Any], subject: Digest) -> Evidence:
    return Evidence(
        subject=Subject(row.subject_name, subject),
        kind=EvidenceKind(row.kind),
        digest=row.digest,
        media_type=row.media_type,
        producer=Producer(row.producer_name, row.producer_version, row.producer_digest),
        produced_at=row.produced_at,
        verified_by=row.verified_by,
    )


def _scan(row: Row[Any], item: Evidence) -> Scan:
    return Scan(
        evidence=item,
        database=VulnerabilityDatabase(row.database_digest, row.database_updated_at),
        operating_system=row.operating_system,
        components=(),
        findings=(),
    )


def _finding(row: Row[Any]) -> Finding:
    return Finding(
        vulnerability_id=row.vulnerability,
        purl=row.purl,
        package=row.package,
        installed_version=row.installed_version,
        fixed_version=row.fixed_version,
        severity=Severity(row.severity),
        severity_source=row.severity_source,
        path=row.path,
        status=row.status,
        title=row.title,
        url=row.url,
        published_at=row.published_at,
        layer=None if row.diff_id is None else Digest.parse(row.diff_id),
        component=row.component_key,
    )
