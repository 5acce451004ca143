"""Runs for which somebody waits: one of a digest however many ask, before what nobody waits for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Engine, or_, select, text, update

from supplychain.model.digest import Digest
from supplychain.model.runs import Priority, RunState
from supplychain.records.database import reading, writing
from supplychain.records.run_rows import tell
from supplychain.records.schema import projects, runs

_HIGHEST = int(Priority.GATE)
# Any number will do, as long as every version of this program takes the same one.
_TURN = 7_303_014


def is_there(connection: Connection, project: int, digest: Digest, since: datetime) -> bool:
    """Whether a digest has a run that is not over, or has been for less long than since an instant.

    Who asks this keeps others from asking for one of the digest until the transaction ends.
    """
    if connection.dialect.name == "postgresql":
        # SQLite has one writer anyway.
        turn = int(digest.hex[:15], 16)
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": turn})
    column = runs.c
    there = select(column.id).where(
        column.project_id == project,
        column.digest == digest,
        or_(column.finished_at.is_(None), column.finished_at > since),
    )
    return connection.execute(there.limit(1)).first() is not None


def many_wait(connection: Connection, organisation: int, most: int) -> bool:
    """Whether so many of an organisation's runs that go first wait, or more.

    Who asks this keeps others from asking the same until the transaction ends.
    """
    if connection.dialect.name == "postgresql":
        # The types are said: two numbers of 32 bits are another lock than one of 64.
        taken = text("SELECT pg_advisory_xact_lock(CAST(:kind AS int), CAST(:whose AS int))")
        connection.execute(taken, {"kind": _TURN, "whose": organisation})
    ours = select(projects.c.id).where(projects.c.organisation_id == organisation)
    waiting = select(runs.c.id).where(
        runs.c.state == RunState.QUEUED,
        runs.c.priority == _HIGHEST,
        runs.c.project_id.in_(ours),
    )
    return len(connection.scalars(waiting.limit(most)).all()) >= most


def hurry(engine: Engine, project: int, digest: Digest, *, by: str, at: datetime) -> None:
    """Have what there is to come of a digest go before what nobody waits for."""
    column = runs.c
    mine = column.project_id == project, column.digest == digest
    behind = (*mine, column.finished_at.is_(None), column.priority < _HIGHEST)
    # Gates ask again and again: most find nothing behind, and keep no writer waiting for that.
    with reading(engine) as connection:
        if connection.scalar(select(column.id).where(*behind).limit(1)) is None:
            return
    with writing(engine) as connection:
        first = update(runs).where(*behind).values(priority=_HIGHEST)
        for name in connection.scalars(first.returning(column.id)).all():
            tell(connection, name, "goes_first", at=at, text=f"{by} waits for a verdict")
