"""What is known about images one by one: scans, SBOMs, attestations, configurations.

Read for all of them together: a handful of queries, whatever their number and their size.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, select

from supplychain.model.component import Component
from supplychain.model.digest import Digest
from supplychain.model.dossier import Need, RecordedFinding
from supplychain.model.evidence import EvidenceKind, Sbom, Scan, VerifiedAttestation
from supplychain.model.image_config import Ancestor, Secret
from supplychain.records.ancestry import read_ancestors
from supplychain.records.configurations import config_of, read_configurations, secrets_of
from supplychain.records.prepared import Prepared, among
from supplychain.records.question import Question
from supplychain.records.reading import (
    attestation_of,
    component_count,
    component_of,
    components_of,
    evidence_of,
    finding_of,
    findings_of,
    latest_evidence,
    sbom_of,
    scan_of,
)
from supplychain.records.schema import (
    attestations,
    evidence,
    inventories,
    sbom_qualities,
    sboms,
    scans,
)


@dataclass(slots=True)
class Known:
    """What is known about one image, while it is being put together.

    Attributes:
        config: The row of its configuration; None where that is not on record.
    """

    scan: Scan | None = None
    sbom: Sbom | None = None
    component_count: int = 0
    findings: list[RecordedFinding] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)
    attestations: list[VerifiedAttestation] = field(default_factory=list)
    secrets: tuple[Secret, ...] | None = None
    config: Row[Any] | None = None
    ancestors: tuple[Ancestor, ...] = ()


def read_known(
    connection: Connection, asked: Question, digests: Mapping[int, Digest]
) -> dict[int, Known]:
    """What is known about images, by their numbers.

    Args:
        connection: The database.
        asked: Of which project, at which instant, and how much of it.
        digests: The images: their digests by their numbers.
    """
    found = {number: Known() for number in digests}
    _read_latest(connection, asked, digests, found)
    for row in _ATTESTATIONS(connection, of=list(digests), at=asked.at):
        found[row.image_id].attestations.append(attestation_of(row, digests[row.image_id]))
    for number, row in read_configurations(connection, digests, asked.at).items():
        known = found[number]
        known.config = row
        if Need.ANCESTORS in asked.needs:
            config, own = config_of(row.document), digests[number]
            known.ancestors = read_ancestors(connection, asked.project, config, own, asked.at)
    return found


def _read_latest(
    connection: Connection,
    asked: Question,
    digests: Mapping[int, Digest],
    found: Mapping[int, Known],
) -> None:
    """The latest scan, with what it found, and the latest SBOM of every image."""
    images_by_assessment: dict[int, int] = {}
    images_by_inventory: dict[int, int] = {}
    for row in _LATEST(connection, of=list(digests), at=asked.at):
        known, item = found[row.image_id], evidence_of(row, digests[row.image_id])
        if item.kind is EvidenceKind.SBOM:
            known.sbom = sbom_of(row, item)
        else:
            known.scan = scan_of(row, item)
            known.component_count = row.components
            known.secrets = secrets_of(row.secrets)
            images_by_assessment[row.assessment_id] = row.image_id
            images_by_inventory[row.inventory_id] = row.image_id
    assessed = list(images_by_assessment)
    for row in _FINDINGS(connection, project=asked.project, assessed=assessed, at=asked.at):
        known = found[images_by_assessment[row.assessment_id]]
        if known.scan:
            # Where writers' clocks disagree, a sighting may be on record only after `at`: then
            # the scan itself is the first that was known.
            seen_at = row.first_seen_at or known.scan.evidence.produced_at
            known.findings.append(RecordedFinding(finding_of(row), seen_at, row.fixable_at))
    if Need.COMPONENTS in asked.needs:
        for row in _COMPONENTS(connection, inventoried=list(images_by_inventory)):
            found[images_by_inventory[row.inventory_id]].components.append(component_of(row))


def _latest(of: Collection[int], at: datetime) -> Select[Any]:
    """The latest scan and SBOM of images, each with what is told of it."""
    quality = sbom_qualities.c
    measured = and_(quality.evidence_id == evidence.c.id, quality.recorded_at <= at)
    ranked = latest_evidence(at).where(among(evidence.c.image_id, of)).subquery()
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


def _attestations(of: Collection[int], at: datetime) -> Select[Any]:
    return (
        select(evidence, attestations)
        .join(attestations, attestations.c.evidence_id == evidence.c.id)
        .where(
            among(evidence.c.image_id, of),
            evidence.c.recorded_at <= at,
            attestations.c.verified_at <= at,
        )
        .order_by(evidence.c.id)
    )


_LATEST = Prepared(_latest)
_FINDINGS = Prepared(findings_of)
_COMPONENTS = Prepared(components_of)
_ATTESTATIONS = Prepared(_attestations)
