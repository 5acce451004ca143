"""What is on record, for people who look around: images, and what they consist of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, exists, select

from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.model.finding import Severity
from supplychain.model.subject import Platform
from supplychain.records.decided import RecordedDecision, latest_decisions
from supplychain.records.pages import comes_after
from supplychain.records.reading import latest_evidence, platform_in
from supplychain.records.schema import (
    assessments,
    evidence,
    image_names,
    images,
    index_children,
    scans,
)


@dataclass(frozen=True, slots=True)
class PlatformSummary:
    """One platform manifest on record.

    Attributes:
        digest: The manifest.
        platform: What it runs on.
        scanned_at: When its latest scan was made; None where there is none.
        findings: How many of each severity the latest scan found, worst first, zeros included;
            () where there is no scan.
    """

    digest: Digest
    platform: Platform
    scanned_at: datetime | None
    findings: tuple[tuple[Severity, int], ...]


@dataclass(frozen=True, slots=True)
class ImageSummary:
    """One image on record: an index, or a platform manifest that no recorded index contains.

    Attributes:
        digest: The digest that people ask for.
        media_type: Its media type.
        names: Repositories under which it was seen, sorted.
        recorded_at: When it was first recorded.
        platforms: Its platform manifests.
        decisions: The latest decision for each environment, sorted by environment.
    """

    digest: Digest
    media_type: str
    names: tuple[str, ...]
    recorded_at: datetime
    platforms: tuple[PlatformSummary, ...]
    decisions: tuple[RecordedDecision, ...]


def list_images(
    connection: Connection, project: int, *, at: datetime, limit: int, after: Digest | None = None
) -> tuple[ImageSummary, ...]:
    """The images on record, the newest first; those that come after one of them, where named."""
    contained = exists().where(index_children.c.child_id == images.c.id)
    newest = select(images).where(images.c.project_id == project, ~contained)
    if after is not None:
        newest = newest.where(comes_after(connection, images, project, "recorded_at", after))
    ordered = newest.order_by(images.c.recorded_at.desc(), images.c.id.desc()).limit(limit)
    return _summaries(connection, project, ordered, at)


def show_image(
    connection: Connection, project: int, digest: Digest, *, at: datetime
) -> ImageSummary | None:
    """One image on record, whether an index contains it or not; None where there is none."""
    wanted = select(images).where(images.c.project_id == project, images.c.digest == digest)
    return next(iter(_summaries(connection, project, wanted, at)), None)


def _summaries(
    connection: Connection, project: int, chosen: Select[Any], at: datetime
) -> tuple[ImageSummary, ...]:
    found = connection.execute(chosen).all()
    numbers = [row.id for row in found]
    names = _names(connection, numbers)
    members = _members(connection, found)
    platforms = _platforms(connection, {m for group in members.values() for m, _ in group}, at)
    verdicts = latest_decisions(connection, project, [row.digest for row in found], at)
    return tuple(
        ImageSummary(
            digest=row.digest,
            media_type=row.media_type,
            names=tuple(names[row.id]),
            recorded_at=row.recorded_at,
            platforms=tuple(
                replace(platforms[member], platform=platform)
                for member, platform in members[row.id]
            ),
            decisions=tuple(verdicts[row.digest]),
        )
        for row in found
    )


def _names(connection: Connection, numbers: Collection[int]) -> dict[int, list[str]]:
    names: dict[int, list[str]] = defaultdict(list)
    column = image_names.c
    chosen = select(column.image_id, column.name).where(column.image_id.in_(numbers))
    for row in connection.execute(chosen.order_by(column.name)):
        names[row.image_id].append(row.name)
    return names


def _members(
    connection: Connection, found: Sequence[Row[Any]]
) -> dict[int, list[tuple[int, Platform]]]:
    """The platform manifests of every image, its children or itself, and what each is for."""
    members = {
        row.id: [(row.id, platform_in(row))] if row.kind == "manifest" else [] for row in found
    }
    column = index_children.c
    chosen = select(index_children).where(column.index_id.in_(members))
    for row in connection.execute(chosen.order_by(column.index_id, column.position)):
        members[row.index_id].append((row.child_id, platform_in(row)))
    return members


def _platforms(
    connection: Connection, numbers: Collection[int], at: datetime
) -> dict[int, PlatformSummary]:
    ranked = (
        latest_evidence(at)
        .where(evidence.c.kind == EvidenceKind.SCAN, evidence.c.image_id.in_(numbers))
        .subquery()
    )
    last_scan = (
        select(evidence.c.image_id, evidence.c.produced_at, scans.c.assessment_id)
        .join(ranked, ranked.c.id == evidence.c.id)
        .join(scans, scans.c.evidence_id == evidence.c.id)
        .where(ranked.c.place == 1)
        .subquery()
    )
    counts = [assessments.c[str(severity)] for severity in Severity]
    rows = connection.execute(
        select(images, last_scan.c.produced_at, *counts)
        .outerjoin(last_scan, last_scan.c.image_id == images.c.id)
        .outerjoin(assessments, assessments.c.id == last_scan.c.assessment_id)
        .where(images.c.id.in_(numbers))
    )
    return {row.id: _platform(row) for row in rows}


def _platform(row: Row[Any]) -> PlatformSummary:
    worst_first = sorted(Severity, reverse=True)
    counted = tuple((severity, getattr(row, str(severity))) for severity in worst_first)
    return PlatformSummary(
        digest=row.digest,
        platform=platform_in(row),
        scanned_at=row.produced_at,
        findings=() if row.produced_at is None else counted,
    )
