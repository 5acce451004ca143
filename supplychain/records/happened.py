"""What happened to images, as of an instant: read from events, in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, Table, or_, select, union_all

from supplychain.model.decision import Verdict
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.model.history import (
    Allowance,
    Approval,
    Attempt,
    Deployment,
    Event,
    Underway,
)
from supplychain.model.subject import Subject
from supplychain.records.prepared import Prepared, among
from supplychain.records.run_rows import attempt_of, attempts, underway
from supplychain.records.schema import approvals, decisions, deployments, work

T = TypeVar("T")


def all_deployments(connection: Connection, project: int, at: datetime) -> tuple[Deployment, ...]:
    """What runs and ran anywhere, the newest first."""
    return _deployments(connection.execute(_events(deployments, project, at)))


def read_deployments(
    connection: Connection, project: int, digests: Collection[Digest], at: datetime
) -> tuple[Deployment, ...]:
    """Where images run and ran, the newest first."""
    wanted = set(digests)
    rows = _WHERE_IT_RAN(connection, project=project, digests=list(wanted), at=at)
    return tuple(d for d in _deployments(rows) if d.subject.digest in wanted)


def read_running(
    connection: Connection, project: int, environment: str, names: Collection[str], at: datetime
) -> tuple[Deployment, ...]:
    """The deployments of repositories in an environment that have not ended, the newest first."""
    rows = _WHAT_RUNS(
        connection, project=project, environment=environment, names=list(names), at=at
    )
    return tuple(d for d in _deployments(rows) if d.until_at is None)


def read_approvals(
    connection: Connection, project: int, subjects: Collection[Digest], at: datetime
) -> tuple[Approval, ...]:
    """Who approved digests, the newest first."""
    found: dict[tuple[Digest, str, str], list[Approval]] = defaultdict(list)
    for row in _APPROVALS(connection, project=project, subjects=list(subjects), at=at):
        mine = found[row.subject_digest, row.environment, row.actor]
        if row.event == Event.GIVEN:
            mine.append(
                Approval(
                    environment=row.environment,
                    subject=Subject(row.subject_name, row.subject_digest),
                    approved_by=row.actor,
                    approved_at=row.at,
                    reason=row.reason,
                    document=row.digest,
                )
            )
        else:
            mine[:] = [
                a if a.withdrawn_at else replace(a, withdrawn_by=row.actor, withdrawn_at=row.at)
                for a in mine
            ]
    return _newest_first((a for mine in found.values() for a in mine), "approved_at")


def read_allowances(
    connection: Connection, project: int, digests: Collection[Digest], at: datetime
) -> tuple[Allowance, ...]:
    """Where and when decisions allowed images, the newest first."""
    rows = _DECISIONS(connection, project=project, digests=list(digests), at=at)
    found: list[Allowance] = []
    # Where in `found` the last allowance stands that no other decision ended.
    lasting: dict[tuple[str, Digest], int] = {}
    for row in rows:
        place = row.environment, row.subject_digest
        position = lasting.get(place)
        before = None if position is None else found[position]
        if row.verdict != Verdict.ALLOW:
            if before is not None and (before.until_at is None or row.decided_at < before.until_at):
                found[lasting[place]] = replace(before, until_at=row.decided_at)
            lasting.pop(place, None)
        # An allow ends when it says so, unless it was given again by then.
        elif before is not None and (before.until_at is None or row.decided_at <= before.until_at):
            found[lasting[place]] = replace(before, until_at=row.holds_until)
        else:
            lasting[place] = len(found)
            found.append(Allowance(*place, row.digest, row.decided_at, row.holds_until))
    return _newest_first(found, "since_at")


def read_work(
    connection: Connection, project: int, subjects: Collection[Digest], at: datetime
) -> dict[Digest, tuple[Underway, ...]]:
    """What is being made of images, of each the newest first; nothing of the others."""
    found: dict[Digest, tuple[Underway, ...]] = {}
    for row in _WORK(connection, project=project, subjects=list(subjects), at=at):
        kinds = tuple(EvidenceKind(kind) for kind in row.kinds.split(","))
        one = Underway(kinds, row.since_at, row.expires_at, row.detail)
        found[row.subject_digest] = (*found.get(row.subject_digest, ()), one)
    return found


def read_attempts(
    connection: Connection, project: int, subjects: Collection[Digest], at: datetime
) -> dict[Digest, Attempt]:
    """Of images the last run that came to nothing; nothing of those that have none."""
    found: dict[Digest, Attempt] = {}
    for row in _ATTEMPTS(connection, project=project, subjects=list(subjects), at=at):
        found.setdefault(row.digest, attempt_of(row, at))
    return found


def _deployments(events: Iterable[Row[Any]]) -> tuple[Deployment, ...]:
    """Deployments from their events in order, the newest first.

    What starts ends what ran of its repository there, unless it runs beside it.
    """
    running: dict[tuple[str, str], dict[Digest, Deployment]] = defaultdict(dict)
    ended: list[Deployment] = []
    for row in events:
        there = running[row.environment, row.subject_name]
        if row.event == Event.ENDED:
            gone = [row.subject_digest] if row.subject_digest in there else []
        elif row.event == Event.STARTED:
            gone = [digest for digest in there if digest != row.subject_digest]
        else:
            gone = []
        ended += [replace(there.pop(digest), until_at=row.at) for digest in gone]
        if row.event != Event.ENDED:
            there.setdefault(
                row.subject_digest,
                Deployment(
                    environment=row.environment,
                    subject=Subject(row.subject_name, row.subject_digest),
                    since_at=row.at,
                    until_at=None,
                    reported_by=row.actor,
                    document=row.digest,
                ),
            )
    lasting = [d for there in running.values() for d in there.values()]
    return _newest_first((*lasting, *ended), "since_at")


def _events(table: Table, project: int, at: datetime) -> Select[Any]:
    """The events of a table up to an instant, in the order in which they happened."""
    column = table.c
    return (
        select(table)
        .where(column.project_id == project, column.at <= at, column.recorded_at <= at)
        .order_by(column.at, column.id)
    )


def _newest_first(found: Iterable[T], instant: str) -> tuple[T, ...]:
    return tuple(sorted(found, key=attrgetter(instant), reverse=True))


def _where_it_ran(project: int, digests: Collection[Digest], at: datetime) -> Select[Any]:
    column = deployments.c
    other = deployments.alias()
    # What replaced them counts too, and that is of the same repository.
    places = (
        select(other.c.id)
        .where(
            other.c.project_id == project,
            among(other.c.subject_digest, digests),
            other.c.environment == column.environment,
            other.c.subject_name == column.subject_name,
        )
        .exists()
    )
    return _events(deployments, project, at).where(places)


def _what_runs(project: int, environment: str, names: Collection[str], at: datetime) -> Select[Any]:
    column = deployments.c
    return _events(deployments, project, at).where(
        column.environment == environment, among(column.subject_name, names)
    )


def _approved(project: int, subjects: Collection[Digest], at: datetime) -> Select[Any]:
    return _events(approvals, project, at).where(among(approvals.c.subject_digest, subjects))


def _decided(project: int, digests: Collection[Digest], at: datetime) -> Select[Any]:
    column = decisions.c
    return (
        select(decisions)
        .where(
            column.project_id == project,
            among(column.subject_digest, digests),
            column.decided_at <= at,
        )
        .order_by(column.decided_at, column.id)
    )


def _worked_on(project: int, subjects: Collection[Digest], at: datetime) -> Select[Any]:
    """What a process says that it does, and what workers do or are asked to do."""
    column = work.c
    told = select(
        column.subject_digest, column.kinds, column.since_at, column.expires_at, column.detail
    ).where(
        column.project_id == project,
        among(column.subject_digest, subjects),
        column.since_at <= at,
        column.expires_at > at,
        or_(column.ended_at.is_(None), column.ended_at > at),
    )
    both = union_all(told, underway(project, subjects, at)).subquery()
    return select(both).order_by(both.c.since_at.desc(), both.c.detail)


_WHERE_IT_RAN = Prepared(_where_it_ran)
_WHAT_RUNS = Prepared(_what_runs)
_APPROVALS = Prepared(_approved)
_DECISIONS = Prepared(_decided)
_WORK = Prepared(_worked_on)
_ATTEMPTS = Prepared(attempts)
