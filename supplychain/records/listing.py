"""What is on record, for people who look around: images, decisions, and what contains what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    exists,
    func,
    or_,
    select,
)

from supplychain.errors import NotFoundError
from supplychain.frozen import dataclass
from supplychain.model.decision import Verdict
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.model.finding import Severity
from supplychain.model.subject import Platform, Subject
from supplychain.records.prepared import Prepared, among
from supplychain.records.reading import latest_evidence, platform_in
from supplychain.records.schema import (
    assessments,
    decisions,
    evidence,
    image_names,
    images,
    index_children,
    scans,
)


@dataclass(frozen=True, slots=True)
class RecordedDecision:
    """A decision's facts; the whole document is stored under its digest.

    Attributes:
        digest: The digest of the decision document: the decision's identity.
        subject: What was asked about.
        environment: Where it wanted to run.
        verdict: The answer.
        policy: Digest of the effective policy; None where there was no usable policy.
        decided_at: The instant judged for.
        holds_until: When time alone changes the verdict; None where it never does.
    """

    digest: Digest
    subject: Subject
    environment: str
    verdict: Verdict
    policy: Digest | None
    decided_at: datetime
    holds_until: datetime | None


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
        newest = newest.where(_comes_after(connection, images, project, "recorded_at", after))
    ordered = newest.order_by(images.c.recorded_at.desc(), images.c.id.desc()).limit(limit)
    return _summaries(connection, project, ordered, at)


def show_image(
    connection: Connection, project: int, digest: Digest, *, at: datetime
) -> ImageSummary | None:
    """One image on record, whether an index contains it or not; None where there is none."""
    wanted = select(images).where(images.c.project_id == project, images.c.digest == digest)
    return next(iter(_summaries(connection, project, wanted, at)), None)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which decisions somebody asks for; what is None fits every one.

    Attributes:
        subject: About which digest.
        environment: In which environment.
        verdict: Which answer.
        since: Decided then or later.
        until: Decided then or earlier.
    """

    subject: Digest | None = None
    environment: str | None = None
    verdict: Verdict | None = None
    since: datetime | None = None
    until: datetime | None = None


def _comes_after(
    connection: Connection, table: Table, project: int, instant: str, digest: Digest
) -> ColumnElement[bool]:
    """What comes after the row of a digest, the newest first.

    Raises:
        NotFoundError: There is no such row.
    """
    moment, number = table.c[instant], table.c.id
    mine = select(moment, number).where(table.c.project_id == project, table.c.digest == digest)
    row = connection.execute(mine).first()
    if row is None:
        raise NotFoundError(f"{digest} is not on record")
    return or_(moment < row[0], and_(moment == row[0], number < row[1]))


def list_decisions(
    connection: Connection,
    project: int,
    asked: Asked,
    *,
    limit: int,
    after: Digest | None = None,
) -> tuple[RecordedDecision, ...]:
    """Decisions on record, the newest first; those that come after one of them, where named."""
    column = decisions.c
    given = {
        column.subject_digest: asked.subject,
        column.environment: asked.environment,
        column.verdict: asked.verdict,
    }
    chosen = select(decisions).where(column.project_id == project)
    chosen = chosen.where(*(one == value for one, value in given.items() if value is not None))
    if asked.since is not None:
        chosen = chosen.where(column.decided_at >= asked.since)
    if asked.until is not None:
        chosen = chosen.where(column.decided_at <= asked.until)
    if after is not None:
        chosen = chosen.where(_comes_after(connection, decisions, project, "decided_at", after))
    newest_first = (column.decided_at.desc(), column.id.desc())
    rows = connection.execute(chosen.order_by(*newest_first).limit(limit))
    return tuple(_decision(row) for row in rows)


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


def latest_decisions(
    connection: Connection, project: int, subjects: Collection[Digest], at: datetime
) -> dict[Digest, list[RecordedDecision]]:
    """The latest decision about each subject for each environment, by environment."""
    last: dict[Digest, list[RecordedDecision]] = defaultdict(list)
    for row in _LATEST(connection, project=project, subjects=list(subjects), at=at):
        last[row.subject_digest].append(_decision(row))
    return last


def _latest(project: int, subjects: Collection[Digest], at: datetime) -> Select[Any]:
    column = decisions.c
    place = func.row_number().over(
        partition_by=(column.subject_digest, column.environment),
        order_by=(column.decided_at.desc(), column.id.desc()),
    )
    ranked = (
        select(decisions, place.label("place"))
        .where(
            column.project_id == project,
            among(column.subject_digest, subjects),
            column.decided_at <= at,
        )
        .subquery()
    )
    return select(ranked).where(ranked.c.place == 1).order_by(ranked.c.environment)


def _decision(row: Row[Any]) -> RecordedDecision:
    return RecordedDecision(
        digest=row.digest,
        subject=Subject(row.subject_name, row.subject_digest),
        environment=row.environment,
        verdict=Verdict(row.verdict),
        policy=row.policy_digest,
        decided_at=row.decided_at,
        holds_until=row.holds_until,
    )


_LATEST = Prepared(_latest)
