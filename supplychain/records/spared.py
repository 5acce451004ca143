"""What retention has to leave alone: what runs, what decisions rest on, what waivers are about."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, func, or_, select

from supplychain.frozen import dataclass
from supplychain.gate.decision_document import from_document
from supplychain.model.digest import Digest
from supplychain.model.waiver import WaiverState
from supplychain.records.content import ContentStore
from supplychain.records.happened import all_deployments
from supplychain.records.schema import (
    decision_waivers,
    decisions,
    deployments,
    images,
    index_children,
    unsigned_claims,
    waiver_events,
)
from supplychain.records.waiver_reading import read_waivers

# Behind every step of a waiver, whatever clock it was taken by.
_LATER = datetime.max.replace(tzinfo=UTC)
_EVENTS: tuple[Table, ...] = (decisions, deployments, waiver_events, unsigned_claims)


@dataclass(frozen=True, slots=True)
class Spared:
    """What of a project stays, whatever its age.

    Attributes:
        images: Numbers of images of which everything stays.
        evidence: Digests of evidence that stays.
        marks: How far the events were read that say so.
    """

    images: frozenset[int]
    evidence: frozenset[Digest]
    marks: tuple[int, ...]


def marks_of(connection: Connection) -> tuple[int, ...]:
    """The newest number of each kind of event."""
    return tuple(connection.scalar(select(func.max(table.c.id))) or 0 for table in _EVENTS)


def spared_by(connection: Connection, content: ContentStore, project: int, at: datetime) -> Spared:
    """What stays as of an instant.

    Raises:
        StoreError: Something cannot be read: then nothing may go.
        VerificationError: A decision's document is not as it was recorded.
    """
    marks = marks_of(connection)
    running = {d.subject.digest for d in all_deployments(connection, project, at) if not d.until_at}
    running |= _reported_ahead(connection, project, at)
    live = [
        waiver
        for known_at in (at, _LATER)
        for waiver in read_waivers(connection, project, known_at)
        if waiver.state(at) in {WaiverState.APPROVED, WaiverState.REQUESTED}
    ]
    meant = {waiver.scope.image for waiver in live if waiver.scope.image is not None}
    numbers = {waiver.number for waiver in live}
    resting = {*_standing(connection, project), *_resting_on(connection, project, numbers)}
    named = {
        reference.digest
        for digest in sorted(resting)
        for reference in from_document(content.get(digest)).evidence
    }
    # Where what was verified goes, a policy may take somebody's word instead.
    column = unsigned_claims.c
    claimed = set(
        connection.scalars(select(column.subject_digest).where(column.project_id == project))
    )
    kept = images_of(connection, project, running | meant | claimed)
    return Spared(kept, frozenset(named), marks)


def images_of(connection: Connection, project: int, digests: Iterable[Digest]) -> frozenset[int]:
    """The numbers of images, and of the platforms of those that are indexes."""
    wanted = set(digests)
    rows = connection.execute(
        select(images.c.id, images.c.digest).where(images.c.project_id == project)
    )
    found = {row.id for row in rows if row.digest in wanted}
    parts = connection.execute(
        select(index_children.c.index_id, index_children.c.child_id).where(
            index_children.c.project_id == project
        )
    )
    return frozenset(found | {row.child_id for row in parts if row.index_id in found})


def changed_since(
    connection: Connection, project: int, marks: tuple[int, ...]
) -> frozenset[int] | None:
    """The images that something was said about since; None where a waiver was touched."""
    decided, deployed, waived, claimed = marks
    if (connection.scalar(select(func.max(waiver_events.c.id))) or 0) > waived:
        return None
    said = used_since(connection, project, decisions.c.id > decided, deployments.c.id > deployed)
    column = unsigned_claims.c
    newer = select(column.subject_digest).where(column.project_id == project, column.id > claimed)
    return said | images_of(connection, project, connection.scalars(newer))


def used_since(connection: Connection, project: int, decided: Any, deployed: Any) -> frozenset[int]:
    """The images of decisions and deployments that fit.

    Args:
        connection: The database.
        project: The project's number.
        decided: Which decisions.
        deployed: Which deployments.
    """
    found: set[Digest] = set()
    for table, fits in ((decisions, decided), (deployments, deployed)):
        chosen = select(table.c.subject_digest).where(table.c.project_id == project, fits)
        found |= set(connection.scalars(chosen.distinct()))
    return images_of(connection, project, found)


def _reported_ahead(connection: Connection, project: int, at: datetime) -> set[Digest]:
    """The images of which something was reported that is behind an instant, by another clock.

    Nobody knows whose clock is right: they stay, as if they ran.
    """
    column = deployments.c
    ahead = or_(column.at > at, column.recorded_at > at)
    chosen = select(column.subject_digest).where(column.project_id == project, ahead)
    return set(connection.scalars(chosen.distinct()))


def _standing(connection: Connection, project: int) -> set[Digest]:
    """The last decision about each image in each environment."""
    column = decisions.c
    place = (column.subject_digest, column.subject_name, column.environment)
    numbered = (
        select(
            column.digest,
            func.row_number().over(partition_by=place, order_by=column.id.desc()).label("place"),
        )
        .where(column.project_id == project)
        .subquery()
    )
    return set(connection.scalars(select(numbered.c.digest).where(numbered.c.place == 1)))


def _resting_on(connection: Connection, project: int, numbers: set[int]) -> set[Digest]:
    column = decision_waivers.c
    rows = connection.execute(
        select(column.decision, column.number).where(column.project_id == project)
    )
    return {row.decision for row in rows if row.number in numbers}
