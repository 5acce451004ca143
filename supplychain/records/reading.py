"""Rows into evidence, findings and components."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, ScalarSelect, Select, Table, func, select

from supplychain.model.component import Component
from supplychain.model.digest import Digest
from supplychain.model.evidence import (
    Build,
    Evidence,
    EvidenceKind,
    Producer,
    Sbom,
    SbomElement,
    Scan,
    VerifiedAttestation,
    VulnerabilityDatabase,
)
from supplychain.model.finding import CvssScore, Finding, Rating, Severity
from supplychain.model.subject import Platform, Subject
from supplychain.records.prepared import among
from supplychain.records.schema import (
    assessed_findings,
    components,
    evidence,
    findings,
    first_fixable,
    first_seen,
    inventoried_components,
    inventories,
    layers,
    sboms,
    scans,
    vulnerabilities,
)
from supplychain.records.witnesses import identity_of, log_entries_of, times_of


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
        build=_build_of(row),
    )


def _build_of(row: Row[Any]) -> Build | None:
    """What provenance says; of that which was recorded before anybody looked, no source."""
    if row.builder is None:
        return None
    source = row.build_source or "", row.build_ref or "", row.build_commit or ""
    images = (
        Subject(name, Digest.parse(digest))
        for name, digest in orjson.loads(row.build_images or "[]")
    )
    return Build(row.builder, row.build_type, *source, tuple(images))


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


def component_count() -> Any:
    """How many components a scan or an SBOM has, as the column `components`."""
    counted = func.coalesce(inventories.c.component_count, sboms.c.component_count)
    return counted.label("components")


def findings_of(project: int, assessed: Collection[int], at: datetime) -> Select[Any]:
    """The findings of assessments, each with since when the project knew it at an instant."""
    return (
        select(
            assessed_findings,
            findings,
            vulnerabilities.c.name.label("vulnerability"),
            layers.c.diff_id,
            _earliest(first_seen, project, at).label("first_seen_at"),
            _earliest(first_fixable, project, at).label("fixable_at"),
        )
        .join(findings, findings.c.id == assessed_findings.c.finding_id)
        .join(vulnerabilities, vulnerabilities.c.id == findings.c.vulnerability_id)
        .outerjoin(layers, layers.c.id == assessed_findings.c.layer_id)
        .where(among(assessed_findings.c.assessment_id, assessed))
        .order_by(assessed_findings.c.assessment_id, assessed_findings.c.position)
    )


def _earliest(sightings: Table, project: int, at: datetime) -> ScalarSelect[Any]:
    return (
        select(func.min(sightings.c.first_seen_at))
        .where(
            sightings.c.project_id == project,
            sightings.c.vulnerability_id == findings.c.vulnerability_id,
            sightings.c.package_identity == findings.c.package_identity,
            sightings.c.recorded_at <= at,
        )
        .scalar_subquery()
    )


def components_of(inventoried: Collection[int]) -> Select[Any]:
    """The components of inventories, in order."""
    return (
        select(inventoried_components, components, layers.c.diff_id)
        .join(components, components.c.id == inventoried_components.c.component_id)
        .outerjoin(layers, layers.c.id == inventoried_components.c.layer_id)
        .where(among(inventoried_components.c.inventory_id, inventoried))
        .order_by(inventoried_components.c.inventory_id, inventoried_components.c.position)
    )


def component_of(row: Row[Any]) -> Component:
    """A row of `components_of`; what it needs and who supplies it stands in the SBOM alone."""
    return Component(
        purl=row.purl,
        name=row.name,
        version=row.version,
        kind=row.kind,
        ecosystem=row.ecosystem,
        path=row.path,
        licences=tuple(orjson.loads(row.licences)),
        layer=None if row.diff_id is None else Digest.parse(row.diff_id),
        key=row.key,
        source_name=row.source_name,
        source_version=row.source_version,
    )


def evidence_of(row: Row[Any], subject: Digest) -> Evidence:
    """A row of `evidence` as it went in."""
    return Evidence(
        subject=Subject(row.subject_name, subject),
        kind=EvidenceKind(row.kind),
        digest=row.digest,
        media_type=row.media_type,
        producer=Producer(row.producer_name, row.producer_version, row.producer_digest),
        produced_at=row.produced_at,
        verified_by=row.verified_by,
    )


def sbom_of(row: Row[Any], item: Evidence) -> Sbom:
    """A row of `sboms` and, where it was measured, `sbom_qualities`."""
    measured = orjson.loads(row.elements) if row.elements else ()
    elements = tuple(SbomElement(name, total, missing) for name, total, missing in measured)
    return Sbom(item, row.spec_version, row.components, elements)


def scan_of(row: Row[Any], item: Evidence) -> Scan:
    """A row of `scans`, without what it found."""
    return Scan(
        evidence=item,
        database=VulnerabilityDatabase(row.database_digest, row.database_updated_at),
        operating_system=row.operating_system,
        components=(),
        findings=(),
    )


def finding_of(row: Row[Any]) -> Finding:
    """A row of `findings_of`.

    What a finding says is in its identity, and most images have what others have: those that were
    read last are kept, which takes a tenth of reading one.
    """
    name = row.identity, row.vulnerability, row.path, row.component_key, row.diff_id
    found = _READ.get(name)
    if found is None:
        if len(_READ) >= _MOST_READ:
            _READ.clear()
        found = _READ[name] = _finding(row)
    return found


_MOST_READ = 20_000
_READ: dict[tuple[Any, ...], Finding] = {}


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
        ratings=tuple(Rating(source, Severity(n)) for source, n in orjson.loads(row.ratings)),
        scores=tuple(CvssScore(*said) for said in orjson.loads(row.scores)),
        aliases=tuple(orjson.loads(row.aliases)),
        weaknesses=tuple(orjson.loads(row.weaknesses)),
    )
