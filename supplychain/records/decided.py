"""The decisions on record, for people who look around."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from supplychain.frozen import dataclass
from supplychain.model.decision import Verdict
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from supplychain.records.pages import comes_after
from supplychain.records.prepared import Prepared, among
from supplychain.records.schema import decisions


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
        chosen = chosen.where(comes_after(connection, decisions, project, "decided_at", after))
    newest_first = (column.decided_at.desc(), column.id.desc())
    rows = connection.execute(chosen.order_by(*newest_first).limit(limit))
    return tuple(_decision(row) for row in rows)


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
