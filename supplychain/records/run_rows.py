"""Rows of runs: read, moved on, and told of; each in a transaction of whoever calls."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, case, insert, literal, or_, select, update

from supplychain.errors import CancelledError, NotFoundError, SupersededError
from supplychain.model.history import Attempt
from supplychain.model.runs import (
    Claim,
    Duty,
    Origin,
    Priority,
    Run,
    RunEvent,
    RunRequest,
    RunState,
)
from supplychain.records.prepared import among
from supplychain.records.schema import run_events, runs

# A run of which nothing was heard for so long makes nobody wait for it any more.
BELIEVED = timedelta(hours=1)
# How a run may end of which somebody wants no more.
_IN_VAIN = frozenset({RunState.CANCELLED, RunState.FAILED})
_COMES_OF_IT = ",".join(sorted(("attestation", "config", "sbom", "scan", "signature")))


def run_of(row: Row[Any]) -> Run:
    """A run from its row."""
    return Run(
        id=row.id,
        project=row.project_id,
        request=RunRequest(
            row.reference, row.platform, row.environment, row.sign, Priority(row.priority)
        ),
        requested_by=row.requested_by,
        state=RunState(row.state),
        duty=Duty(row.duty),
        stage=row.stage,
        digest=row.digest,
        tag=row.tag,
        takeovers=row.takeovers,
        submitted_at=row.submitted_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        error=json.loads(row.error) if row.error else None,
        decision=row.decision,
        again_of=row.again_of,
        draft=row.draft,
        origin=Origin(row.request_id or "", row.traceparent or ""),
    )


def read_run(connection: Connection, name: str, project: int | None = None) -> Run:
    """A run by its id, of one project where that is given.

    Raises:
        NotFoundError: There is none.
    """
    wanted = select(runs).where(runs.c.id == name)
    if project is not None:
        wanted = wanted.where(runs.c.project_id == project)
    row = connection.execute(wanted).first()
    if row is None:
        raise NotFoundError(f"there is no run {name[:80]}", hint="supplychain runs list")
    return run_of(row)


def events_of(connection: Connection, name: str, after: int) -> tuple[RunEvent, ...]:
    """What happened to a run after the event of that number, in order."""
    column = run_events.c
    rows = connection.execute(
        select(run_events)
        .where(column.run_id == name, column.number > after)
        .order_by(column.number)
    )
    return tuple(RunEvent(row.number, row.at, row.kind, row.stage, row.text) for row in rows)


def underway(project: Any, subjects: Any, at: Any) -> Select[Any]:
    """Runs of images that wait or are under way, as `work` tells of what is."""
    column = runs.c
    where = case((column.state == RunState.QUEUED, literal("queued")), else_=column.stage)
    return select(
        column.digest.label("subject_digest"),
        literal(_COMES_OF_IT).label("kinds"),
        column.submitted_at.label("since_at"),
        column.believed_until.label("expires_at"),
        (literal("run ") + column.id + literal(", ") + where).label("detail"),
    ).where(
        column.project_id == project,
        among(column.digest, subjects),
        column.submitted_at <= at,
        column.believed_until > at,
        or_(column.finished_at.is_(None), column.finished_at > at),
    )


def attempts(project: Any, subjects: Any, at: Any) -> Select[Any]:
    """Runs of images that came to nothing, and that nobody waits for, the newest first."""
    column = runs.c
    return (
        select(runs)
        .where(
            column.project_id == project,
            among(column.digest, subjects),
            column.submitted_at <= at,
            column.state != RunState.SUCCEEDED,
            or_(column.believed_until <= at, column.finished_at <= at),
        )
        .order_by(column.id.desc())
    )


def attempt_of(row: Row[Any], at: datetime) -> Attempt:
    """A row of `attempts`, as it stood at an instant."""
    if row.finished_at is None or row.finished_at > at:
        return Attempt(row.id, row.believed_until, "was not heard of for too long")
    if row.state == RunState.CANCELLED:
        return Attempt(row.id, row.finished_at, f"was cancelled by {row.cancelled_by}")
    said = json.loads(row.error) if row.error else {}
    why = ": ".join(str(said[name]) for name in ("message", "because") if said.get(name))
    return Attempt(row.id, row.finished_at, f"{row.state}: {why}" if why else str(row.state))


def tell(
    connection: Connection, name: str, kind: str, *, at: datetime, stage: str = "", text: str = ""
) -> None:
    """Add an event to a run; its row stays locked until the transaction ends."""
    number = connection.execute(
        update(runs)
        .where(runs.c.id == name)
        .values(events=runs.c.events + 1)
        .returning(runs.c.events)
    ).scalar_one()
    said = {"run_id": name, "number": number, "at": at, "kind": kind, "stage": stage, "text": text}
    connection.execute(insert(run_events), said)


def put_back(connection: Connection, name: str, at: datetime, **values: object) -> None:
    """Queue a run again that its worker no longer holds; one that was cancelled is over then."""
    column = runs.c
    stopped_by = connection.scalar(select(column.cancelled_by).where(column.id == name))
    values |= {"state": RunState.QUEUED, "worker": None, "believed_until": at + BELIEVED}
    if stopped_by is not None:
        values |= {"state": RunState.CANCELLED, "finished_at": at}
    connection.execute(update(runs).where(column.id == name).values(**values))
    if stopped_by is not None:
        tell(connection, name, RunState.CANCELLED, at=at, text=f"by {stopped_by}")


def move(connection: Connection, claim: Claim, at: datetime, **values: object) -> None:
    """Change a run that a worker holds; nobody takes it over or stops it before this transaction.

    Raises:
        SupersededError: It does not hold it any more.
        CancelledError: Somebody wants it stopped, and this is not its end in vain.
    """
    column = runs.c
    held = update(runs).where(
        column.id == claim.run,
        column.worker == claim.worker,
        column.generation == claim.generation,
        column.state == RunState.RUNNING,
    )
    if values.get("state") not in _IN_VAIN:
        held = held.where(column.cancelled_by.is_(None))
    changed = connection.execute(held.values(believed_until=at + BELIEVED, **values))
    if changed.rowcount != 1:
        require_held(connection, claim)
        raise _superseded(claim)


def require_held(connection: Connection, claim: Claim) -> None:
    """Stop whoever holds a run no longer, or is not to go on with it.

    Raises:
        SupersededError: It does not hold it any more.
        CancelledError: Somebody wants it stopped.
    """
    run = connection.execute(select(runs).where(runs.c.id == claim.run)).one()
    mine = claim.worker, claim.generation, RunState.RUNNING
    if (run.worker, run.generation, run.state) != mine:
        raise _superseded(claim)
    if run.cancelled_by is not None:
        raise CancelledError(f"the run {claim.run} was cancelled by {run.cancelled_by}")


def _superseded(claim: Claim) -> SupersededError:
    return SupersededError(
        f"the run {claim.run} is no longer {claim.worker}'s",
        because="it was taken over, cancelled or is over",
        hint=f"supplychain runs show {claim.run}",
    )
