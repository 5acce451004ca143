"""What workers leave behind that end in the middle: queued again, or set aside, and told of."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select, update

from supplychain.errors import WorkerLostError
from supplychain.model.access import Acting
from supplychain.model.runs import (
    MOST_DEATHS,
    MOST_UNBEGUN,
    Run,
    RunEvent,
    RunState,
    deaths,
    unbegun,
)
from supplychain.records.audit import Notes
from supplychain.records.run_rows import events_of, put_back, read_run, run_of, tell
from supplychain.records.schema import runs
from supplychain.records.tenants import whose


def take_from(
    connection: Connection, name: str, held: Collection[str], at: datetime, by: str
) -> tuple[Run, ...]:
    """Queue again what a worker held, but set aside what was the end of too many.

    Args:
        connection: A transaction that writes.
        name: The worker.
        held: What it has still.
        at: Now (aware, UTC).
        by: Who saw it, for the audit log.

    Returns:
        All that it held, as it stands now.
    """
    taken = held_by(connection, name, held)
    for run in taken:
        said = f"from {name}, which does not answer"
        tell(connection, run.id, "taken_over", at=at, text=said)
        put_back(connection, run.id, at, takeovers=run.takeovers + 1)
        lost = _loss(run.id, events_of(connection, run.id, 0))
        if lost is not None:
            _set_aside(connection, run.id, lost, at)
    found = tuple(read_run(connection, run.id) for run in taken)
    _note_losses(connection, found, name, at=at, by=by)
    return found


def _set_aside(connection: Connection, run: str, lost: WorkerLostError, at: datetime) -> None:
    """Have nobody take a run up again by itself, unless it is over."""
    why = json.dumps(lost.diagnostics())
    waits = runs.c.id == run, runs.c.state == RunState.QUEUED
    dead = {"state": RunState.DEAD, "finished_at": at, "error": why}
    if connection.execute(update(runs).where(*waits).values(**dead)).rowcount == 1:
        tell(connection, run, RunState.DEAD, at=at, text=f"{lost}")


def _loss(run: str, events: Collection[RunEvent]) -> WorkerLostError | None:
    """Why nobody is to try a run again by itself; None where somebody may."""
    died, idle = deaths(events), unbegun(events)
    if died > MOST_DEATHS:
        what = f"{died} workers ended over the same step of this"
    elif idle > MOST_UNBEGUN:
        what = f"{idle} workers ended over this in a row, and none had begun a step"
    else:
        return None
    hint = f"look at what it does to them, then: supplychain runs again {run}"
    return WorkerLostError(what, hint=hint)


def held_by(connection: Connection, name: str, but: Collection[str] = ()) -> list[Run]:
    """What a worker holds by the record, but for some; nobody else changes it meanwhile."""
    held = select(runs).where(runs.c.worker == name, runs.c.state == RunState.RUNNING)
    if connection.dialect.name == "postgresql":
        held = held.with_for_update()
    rows = connection.execute(held.order_by(runs.c.id))
    return [run_of(row) for row in rows if row.id not in but]


def _note_losses(
    connection: Connection, taken: Collection[Run], worker: str, *, at: datetime, by: str
) -> None:
    """Note in the audit logs what a worker left behind: last of all, and in one order for all."""
    owners = {run.project: whose(connection, run.project) for run in taken}
    for run in sorted(taken, key=lambda one: (owners[one.project], one.id)):
        if run.state is RunState.CANCELLED:
            continue  # as whoever wanted that noted
        acting = Acting(by, f"worker {by}" if by else "", f"run {run.id}")
        notes = Notes(*owners[run.project], acting)
        what = "run.dead" if run.state is RunState.DEAD else "run.taken-over"
        after = {"worker": worker, "takeovers": run.takeovers}
        notes.note(connection, what, run.id, at=at, after=after)
