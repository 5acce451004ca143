"""Runs as workers see them: of all projects, claimed one by one, given back or brought to an end.

Whether another worker is alive nobody tells by a clock: clocks differ, and jump. Each worker counts
its beats up in its row, and the others watch whether the count still changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Self

from sqlalchemy import Engine, Select, func, insert, or_, select, text, update

from supplychain.errors import CancelledError, SupplyChainError
from supplychain.model.digest import Digest
from supplychain.model.runs import Bounds, Claim, Duty, Run, RunState
from supplychain.records.database import never_idle, password_from, reading, writing
from supplychain.records.run_losses import held_by, take_from
from supplychain.records.run_rows import (
    BELIEVED,
    move,
    put_back,
    read_run,
    require_held,
    run_of,
    tell,
)
from supplychain.records.schema import projects, runs, workers
from supplychain.records.version import open_current

# Any number will do, as long as every version of this program takes the same one.
_TURN = 7_303_014_250_117


class RunQueue:
    """What workers need of the runs in a database; every method raises `StoreError` as all do.

    Args:
        engine: A database whose schema is current.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> Self:
        """The queue in a database.

        Raises:
            ConfigurationError: The URL is unusable.
            SchemaVersionError: The schema is not this program's.
        """
        engine = open_current(url)
        never_idle(engine)
        return cls(engine)

    def password_from(self, urls: Callable[[], str]) -> None:
        """Connect from now on with the password of the URL that this gives."""
        password_from(self._engine, urls)

    def close(self) -> None:
        """Let go of the database's connections."""
        self._engine.dispose()

    def enrol(self, name: str, duties: Collection[Duty], *, at: datetime) -> None:
        """Begin to work under a name that nobody else has."""
        said = ",".join(sorted(duties))
        with writing(self._engine) as connection:
            back = update(workers).where(workers.c.name == name)
            values = {"beats": workers.c.beats + 1, "seen_at": at, "gone_at": None}
            if connection.execute(back.values(**values)).rowcount == 0:
                row = {"name": name, "duties": said, "beats": 0, "started_at": at, "seen_at": at}
                connection.execute(insert(workers), row)

    def beat(self, name: str, *, at: datetime) -> bool:
        """Show that a worker is alive; False where it was taken for dead."""
        mine = workers.c.name == name, workers.c.gone_at.is_(None)
        with writing(self._engine) as connection:
            beaten = update(workers).where(*mine).values(beats=workers.c.beats + 1, seen_at=at)
            return connection.execute(beaten).rowcount == 1

    def beats(self) -> Mapping[str, int]:
        """How often each worker has beaten that is not gone."""
        with reading(self._engine) as connection:
            there = select(workers.c.name, workers.c.beats).where(workers.c.gone_at.is_(None))
            return {row.name: row.beats for row in connection.execute(there)}

    def bury(self, name: str, beats: int, *, at: datetime, by: str = "") -> tuple[Run, ...] | None:
        """Take a worker for dead whose beats have stopped, and queue again what it held.

        Args:
            name: The worker.
            beats: What its count stood at.
            at: Now (aware, UTC).
            by: Who saw it, for the audit log.

        Returns:
            What it held, as it stands now; None where it beat after all, or another was quicker.
        """
        still = workers.c.name == name, workers.c.beats == beats, workers.c.gone_at.is_(None)
        with writing(self._engine) as connection:
            gone = connection.execute(update(workers).where(*still).values(gone_at=at))
            if gone.rowcount != 1:
                return None
            return take_from(connection, name, (), at, by)

    def strays(self, name: str, held: Collection[str]) -> frozenset[str]:
        """What is a worker's by the record, and that it knows nothing of."""
        mine = select(runs.c.id).where(runs.c.worker == name, runs.c.state == RunState.RUNNING)
        with reading(self._engine) as connection:
            return frozenset(connection.scalars(mine)) - frozenset(held)

    def stray(self, name: str, held: Collection[str], *, at: datetime) -> tuple[Run, ...]:
        """Queue again what is a worker's by the record, and that it knows nothing of."""
        with writing(self._engine) as connection:
            return take_from(connection, name, held, at, name)

    def give_back(self, claim: Claim, *, at: datetime) -> None:
        """Queue a run again that could not be begun, and blame nobody for it.

        Raises:
            SupersededError: Somebody else has it.
        """
        with writing(self._engine) as connection:
            tell(connection, claim.run, "given_back", at=at, text=f"{claim.worker} cannot begin")
            with suppress(CancelledError):  # which ends it here
                require_held(connection, claim)
            put_back(connection, claim.run, at)

    def leave(self, name: str, *, at: datetime) -> None:
        """End work in good order: what is still held is queued again, and nobody blamed for it."""
        with writing(self._engine) as connection:
            for run in held_by(connection, name):
                tell(connection, run.id, "given_back", at=at, text=f"{name} ends")
                put_back(connection, run.id, at)
            mine = update(workers).where(workers.c.name == name)
            connection.execute(mine.values(gone_at=at))

    def claim(
        self,
        name: str,
        duties: Collection[Duty],
        bounds: Bounds,
        *,
        at: datetime,
        busy: bool = False,
    ) -> tuple[Run, Claim] | None:
        """Take up the next run: what goes first, of that the oldest.

        Args:
            name: The worker.
            duties: What it can do.
            bounds: How many runs may be under way at once.
            at: Now (aware, UTC).
            busy: Whether it holds others: then none is taken up that is done alone, nor what comes
                after it.

        Returns:
            The run and the hold on it; None where there is none, or the worker was taken for dead.
        """
        with writing(self._engine) as connection:
            # Who was taken for dead in its sleep would hold what nobody takes from it any more.
            there = select(workers.c.name).where(
                workers.c.name == name, workers.c.gone_at.is_(None)
            )
            if connection.execute(there.with_for_update(read=True)).first() is None:
                return None
            if connection.dialect.name == "postgresql":
                # One at a time: two who count what is under way at once would both go ahead.
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _TURN})
            row = connection.execute(_next(duties, bounds)).first()
            if row is None or (busy and run_of(row).alone):
                return None
            generation = row.generation + 1
            values = {
                "state": RunState.RUNNING,
                "worker": name,
                "generation": generation,
                "believed_until": at + BELIEVED,
                "started_at": row.started_at or at,
            }
            connection.execute(update(runs).where(runs.c.id == row.id).values(**values))
            tell(connection, row.id, "claimed", at=at, text=f"by {name}, to {row.duty}")
            return read_run(connection, row.id), Claim(row.id, name, generation)

    def waiting(self, duties: Collection[Duty]) -> int:
        """How many runs wait for those who can do this."""
        here = runs.c.state == RunState.QUEUED, runs.c.duty.in_(sorted(duties))
        with reading(self._engine) as connection:
            counted = select(func.count()).select_from(runs).where(*here)
            return connection.execute(counted).scalar_one()

    def cancelled(self, name: str) -> frozenset[str]:
        """What a worker holds that somebody wants stopped."""
        wanted = select(runs.c.id).where(
            runs.c.worker == name,
            runs.c.state == RunState.RUNNING,
            runs.c.cancelled_by.is_not(None),
        )
        with reading(self._engine) as connection:
            return frozenset(connection.scalars(wanted))

    def require(self, claim: Claim) -> None:
        """Stop whoever holds a claim no longer, or is not to go on.

        Raises:
            SupersededError: It does not.
            CancelledError: Somebody wants the run stopped.
        """
        with reading(self._engine) as connection:
            require_held(connection, claim)

    def note(self, claim: Claim, kind: str, stage: str, said: str, *, at: datetime) -> None:
        """Tell of a run that is under way; raises as `require`."""
        with writing(self._engine) as connection:
            move(connection, claim, at, stage=stage)
            tell(connection, claim.run, kind, at=at, stage=stage, text=said)

    def resolved(self, claim: Claim, digest: Digest, tag: str | None, *, at: datetime) -> None:
        """Keep what a run's reference stood for; raises as `require`."""
        with writing(self._engine) as connection:
            move(connection, claim, at, digest=digest, tag=tag)

    def hand_over(self, claim: Claim, draft: Digest, *, at: datetime) -> None:
        """Queue a run for those who sign, with what was found; raises as `require`."""
        with writing(self._engine) as connection:
            values = {"state": RunState.QUEUED, "duty": Duty.SIGN, "draft": draft, "worker": None}
            move(connection, claim, at, **values)
            tell(connection, claim.run, "queued", at=at, text="for those who sign")

    def end(
        self,
        claim: Claim,
        state: RunState,
        *,
        at: datetime,
        error: SupplyChainError | None = None,
        decision: Digest | None = None,
    ) -> None:
        """Bring a run to its end; raises as `require`."""
        why = json.dumps(error.diagnostics()) if error else None
        with writing(self._engine) as connection:
            values = {"state": state, "finished_at": at, "error": why, "decision": decision}
            move(connection, claim, at, **values)
            tell(connection, claim.run, state, at=at, text=str(error) if error else "")


def _next(duties: Collection[Duty], bounds: Bounds) -> Select[tuple[object, ...]]:
    busy = runs.alias("busy")
    running = select(func.count()).select_from(busy).where(busy.c.state == RunState.RUNNING)
    there = running.where(busy.c.registry == runs.c.registry).scalar_subquery()
    own, other = projects.alias("own"), projects.alias("other")
    theirs = (
        running.join(other, other.c.id == busy.c.project_id)
        .where(other.c.organisation_id == own.c.organisation_id)
        .scalar_subquery()
    )
    return (
        select(runs)
        .join(own, own.c.id == runs.c.project_id)
        .where(
            runs.c.state == RunState.QUEUED,
            runs.c.duty.in_(sorted(duties)),
            or_(runs.c.registry == "", there < bounds.per_registry),
            theirs < bounds.per_organisation,
        )
        .order_by(runs.c.priority.desc(), runs.c.id)
        .limit(1)
        # Whoever cancels a run holds its row for a moment: the next one will do.
        .with_for_update(of=runs, skip_locked=True)
    )
