"""What the gate judges, put together: a handful of queries, whatever the image's size."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, select

from supplychain.model.component import Component
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, Need, PlatformDossier, RecordedFinding, Running
from supplychain.model.evidence import Evidence, EvidenceKind, Sbom, Scan, VerifiedAttestation
from supplychain.model.image_config import Ancestor, ImageConfig, Secret
from supplychain.model.subject import Subject
from supplychain.records.ancestry import read_ancestors, read_indexes, read_names
from supplychain.records.configurations import read_configurations, secrets_of
from supplychain.records.happened import (
    read_allowances,
    read_approvals,
    read_deployments,
    read_running,
    read_work,
)
from supplychain.records.prepared import Prepared
from supplychain.records.reading import (
    attestation_of,
    component_count,
    component_of,
    components_of,
    evidence_of,
    finding_of,
    findings_of,
    latest_evidence,
    platform_in,
    sbom_of,
    scan_of,
)
from supplychain.records.schema import (
    attestations,
    evidence,
    image_names,
    images,
    index_children,
    inventories,
    sbom_qualities,
    sboms,
    scans,
)
from supplychain.records.vex import read_statements
from supplychain.records.waiver_reading import about, read_waivers


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the record.

    Attributes:
        project: Whose record.
        digest: A platform manifest or an index.
        environment: Where it wants to run; "" for nowhere in particular.
        at: The instant (aware, UTC); what was made or recorded later is left out.
        needs: What of the larger parts is wanted.
    """

    project: int
    digest: Digest
    environment: str
    at: datetime
    needs: frozenset[Need]


@dataclass(slots=True)
class _Found:
    """What was found about one image while it is being put together."""

    scan: Scan | None = None
    sbom: Sbom | None = None
    component_count: int = 0
    findings: list[RecordedFinding] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)
    attestations: list[VerifiedAttestation] = field(default_factory=list)
    secrets: tuple[Secret, ...] | None = None
    config: ImageConfig | None = None
    config_evidence: Evidence | None = None
    ancestors: tuple[Ancestor, ...] = ()


def read_dossier(connection: Connection, asked: Question) -> Dossier | None:
    """What the record held at an instant about a digest; None where it held nothing.

    Of a digest that somebody works on for the first time there is that alone.
    """
    image = _IMAGE(connection, project=asked.project, digest=asked.digest, at=asked.at).first()
    if image is None:
        underway = read_work(connection, asked.project, asked.digest, asked.at)
        return Dossier(Subject("", asked.digest), (), (), underway=underway) if underway else None
    manifests: Sequence[Row[Any]] = [image]
    if image.kind == "index":
        manifests = connection.execute(_children(image.id)).all()
    subjects = {row.id: Subject(image.name, row.digest) for row in (image, *manifests)}
    found = {number: _Found() for number in subjects}
    _read_latest(connection, asked, subjects, found)
    for row in _ATTESTATIONS(connection, of=list(found), at=asked.at):
        found[row.image_id].attestations.append(attestation_of(row, subjects[row.image_id].digest))
    _read_configurations(connection, asked, subjects, found)
    names, repositories = read_names(connection, image.id, asked.at)
    dossier = Dossier(
        subject=subjects[image.id],
        platforms=tuple(_platform(row, subjects[row.id], found[row.id]) for row in manifests),
        attestations=tuple(found[image.id].attestations),
        names=names,
        repositories=repositories,
        indexes=read_indexes(connection, image.id, asked.at),
    )
    return _with_history(connection, asked, dossier)


def _with_history(connection: Connection, asked: Question, dossier: Dossier) -> Dossier:
    """The dossier with what happened to the image and what is said of it.

    Deployments of its platforms count as its own.
    """
    project, at = asked.project, asked.at
    digests = {dossier.subject.digest, *(p.subject.digest for p in dossier.platforms)}
    return replace(
        dossier,
        deployments=read_deployments(connection, project, digests, at),
        allowances=read_allowances(connection, project, digests, at),
        approvals=read_approvals(connection, project, dossier.subject.digest, at),
        underway=read_work(connection, project, dossier.subject.digest, at),
        # A name that anybody can give it must not be what it is compared with less by.
        running=_running(connection, asked, dossier.repositories or dossier.called),
        statements=read_statements(connection, project, dossier, at),
        waivers=about(
            read_waivers(connection, project, at), dossier.called, digests, asked.environment
        ),
    )


def _running(connection: Connection, asked: Question, names: Collection[str]) -> Running | None:
    """What runs of its repositories in the environment asked about, with its components."""
    if Need.RUNNING not in asked.needs:
        return None
    found = read_running(connection, asked.project, asked.environment, names, asked.at)
    if found is None:
        return None
    needs = frozenset({Need.COMPONENTS})
    there = read_dossier(connection, replace(asked, digest=found.subject.digest, needs=needs))
    return Running(found, there.platforms if there else ())


def _image(project: int, digest: Digest, at: datetime) -> Select[Any]:
    name = (
        select(image_names.c.name)
        .where(image_names.c.image_id == images.c.id, image_names.c.recorded_at <= at)
        .order_by(image_names.c.recorded_at.desc(), image_names.c.name)
        .limit(1)
        .scalar_subquery()
    )
    return select(images, name.label("name")).where(
        images.c.project_id == project,
        images.c.digest == digest,
        images.c.recorded_at <= at,
    )


def _children(index: int) -> Select[Any]:
    return (
        select(images.c.id, images.c.digest, images.c.recorded_at, index_children)
        .join(index_children, index_children.c.child_id == images.c.id)
        .where(index_children.c.index_id == index)
        .order_by(index_children.c.position)
    )


def _read_latest(
    connection: Connection,
    asked: Question,
    subjects: dict[int, Subject],
    found: dict[int, _Found],
) -> None:
    """The latest scan, with what it found, and the latest SBOM of every image."""
    rows = _LATEST(connection, of=list(subjects), at=asked.at)
    images_by_assessment: dict[int, int] = {}
    images_by_inventory: dict[int, int] = {}
    for row in rows:
        entry, item = found[row.image_id], evidence_of(row, subjects[row.image_id].digest)
        if item.kind is EvidenceKind.SBOM:
            entry.sbom = sbom_of(row, item)
        else:
            entry.scan = scan_of(row, item)
            entry.component_count = row.components
            entry.secrets = secrets_of(row.secrets)
            images_by_assessment[row.assessment_id] = row.image_id
            images_by_inventory[row.inventory_id] = row.image_id
    assessed = list(images_by_assessment)
    for row in _FINDINGS(connection, project=asked.project, assessed=assessed, at=asked.at):
        entry = found[images_by_assessment[row.assessment_id]]
        if entry.scan:
            # Where writers' clocks disagree, a sighting may be on record only after `at`: then
            # the scan itself is the first that was known.
            seen_at = row.first_seen_at or entry.scan.evidence.produced_at
            entry.findings.append(RecordedFinding(finding_of(row), seen_at, row.fixable_at))
    if Need.COMPONENTS in asked.needs:
        for row in _COMPONENTS(connection, inventoried=list(images_by_inventory)):
            found[images_by_inventory[row.inventory_id]].components.append(component_of(row))


def _latest(of: Collection[int], at: datetime) -> Select[Any]:
    """The latest scan and SBOM of images, each with what is told of it."""
    quality = sbom_qualities.c
    measured = and_(quality.evidence_id == evidence.c.id, quality.recorded_at <= at)
    ranked = latest_evidence(at).where(evidence.c.image_id.in_(of)).subquery()
    return (
        select(
            evidence,
            scans,
            sboms.c.spec_version,
            sbom_qualities.c.elements,
            component_count(),
        )
        .join(ranked, ranked.c.id == evidence.c.id)
        .outerjoin(scans, scans.c.evidence_id == evidence.c.id)
        .outerjoin(sboms, sboms.c.evidence_id == evidence.c.id)
        .outerjoin(sbom_qualities, measured)
        .outerjoin(inventories, inventories.c.id == scans.c.inventory_id)
        .where(ranked.c.place == 1)
    )


def _read_configurations(
    connection: Connection,
    asked: Question,
    subjects: dict[int, Subject],
    found: dict[int, _Found],
) -> None:
    """What the images say about themselves, and what they were built upon."""
    known = read_configurations(connection, subjects, asked.at)
    for number, (config, how_known) in known.items():
        entry = found[number]
        entry.config, entry.config_evidence = config, how_known
        if Need.ANCESTORS in asked.needs:
            own = subjects[number].digest
            entry.ancestors = read_ancestors(connection, asked.project, config, own, asked.at)


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
        components=tuple(found.components),
        secrets=found.secrets,
        config=found.config,
        config_evidence=found.config_evidence,
        ancestors=found.ancestors,
        recorded_at=row.recorded_at,
    )


_IMAGE = Prepared(_image)
_LATEST = Prepared(_latest)
_FINDINGS = Prepared(findings_of)
_COMPONENTS = Prepared(components_of)
_ATTESTATIONS = Prepared(_attestations)
