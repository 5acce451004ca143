"""Runs as those see them who ask for them: submitted, looked at, cancelled, asked for again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, Engine, select, update

from supplychain.errors import ConflictError, PreconditionError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.runs import (
    Duty,
    Origin,
    Run,
    RunEvent,
    RunRequest,
    RunState,
    new_run_id,
)
from supplychain.records.audit import Notes
from supplychain.records.bulk import Filing
from supplychain.records.database import reading, writing
from supplychain.records.run_first import hurry, is_there, many_wait
from supplychain.records.run_rows import BELIEVED, events_of, read_run, run_of, tell
from supplychain.records.schema import runs, workers

_NOWHERE = Origin()


@dataclass(frozen=True, slots=True)
class _Asked:
    request: RunRequest
    registry: str
    by: str
    at: datetime
    key: str | None = None
    digest: Digest | None = None
    again_of: str = ""
    origin: Origin = _NOWHERE


class Runs:
    """One project's runs; `Record.runs` gives it.

    Args:
        engine: The record's database.
        project: The project's number.
        notes: Whose, and who acts.
    """

    def __init__(self, engine: Engine, project: int, notes: Notes) -> None:
        self._engine = engine
        self._project = project
        self._notes = notes

    def submit(
        self,
        request: RunRequest,
        *,
        registry: str,
        requested_by: str,
        at: datetime,
        key: str | None = None,
        digest: Digest | None = None,
        origin: Origin = _NOWHERE,
    ) -> Run:
        """Ask for a run; workers pick it up.

        Args:
            request: What is wanted.
            registry: Where the image is fetched from; "" for files.
            requested_by: Who wants it.
            at: Now (aware, UTC).
            key: What the submitter calls it: submitted again, it is the run that there is.
            digest: What the reference stands for, where it says so itself.
            origin: What asks for it.

        Raises:
            ConflictError: Something else was submitted under the key.
        """
        with writing(self._engine) as connection:
            asked = _Asked(request, registry, requested_by, at, key, digest, origin=origin)
            return self._insert(connection, asked)

    def start(
        self,
        request: RunRequest,
        *,
        registry: str,
        requested_by: str,
        digest: Digest,
        at: datetime,
        unless_since: datetime,
        origin: Origin = _NOWHERE,
        most: int | None = None,
    ) -> bool:
        """Ask for a run of a digest, unless there is one: however many ask at once, it is one.

        What there is goes first from now on.

        Args:
            request: What is wanted.
            registry: Where the image is fetched from.
            requested_by: Whose question it was.
            digest: The image.
            at: Now (aware, UTC).
            unless_since: Of runs that are over, one that ended later than this is there still.
            origin: What asks for it.
            most: How many of the organisation's runs may go first and wait before none is asked
                for any more; None for any number.

        Returns:
            Whether there is one now.
        """
        with writing(self._engine) as connection:
            if not is_there(connection, self._project, digest, unless_since):
                if most is not None and many_wait(connection, self._notes.organisation, most):
                    return False
                self._insert(
                    connection,
                    _Asked(request, registry, requested_by, at, digest=digest, origin=origin),
                )
        self.hurry(digest, by=requested_by, at=at)
        return True

    def hurry(self, digest: Digest, *, by: str, at: datetime) -> None:
        """Have what there is to come of a digest go before what nobody waits for.

        Args:
            digest: The image.
            by: Who waits for a verdict about it.
            at: Now (aware, UTC).
        """
        hurry(self._engine, self._project, digest, by=by, at=at)

    def somebody_works(self, *, since: datetime) -> bool:
        """Whether any worker has shown since an instant that it is there."""
        seen = select(workers.c.name).where(workers.c.gone_at.is_(None), workers.c.seen_at >= since)
        with reading(self._engine) as connection:
            return connection.execute(seen.limit(1)).first() is not None

    def get(self, name: str) -> Run:
        """One run.

        Raises:
            NotFoundError: There is none of that id in the project.
        """
        with reading(self._engine) as connection:
            return read_run(connection, name, self._project)

    def list(
        self,
        *,
        states: Collection[RunState] = (),
        limit: int = 100,
        before: str | None = None,
    ) -> tuple[Run, ...]:
        """Runs, the newest first.

        Args:
            states: Only those that stand so; all, where none is given.
            limit: At most so many.
            before: Only those that were submitted before the run of this id.
        """
        wanted = select(runs).where(runs.c.project_id == self._project)
        if states:
            wanted = wanted.where(runs.c.state.in_(states))
        if before is not None:
            wanted = wanted.where(runs.c.id < before)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(runs.c.id.desc()).limit(limit)).all()
        return tuple(map(run_of, rows))

    def events(self, name: str, *, after: int = 0) -> tuple[RunEvent, ...]:
        """What happened to a run after the event of that number, in order.

        Raises:
            NotFoundError: There is no such run in the project.
        """
        with reading(self._engine) as connection:
            read_run(connection, name, self._project)
            return events_of(connection, name, after)

    def cancel(self, name: str, *, by: str, at: datetime, seen: Run | None = None) -> Run:
        """Stop a run: at once where it waits; soon, where a worker holds it.

        Args:
            name: Its name.
            by: Who says so.
            at: When.
            seen: It as it has to be still; None where that makes no difference.

        Raises:
            NotFoundError: There is no such run.
            PreconditionError: It is not as it was seen.
            ConflictError: It is over.
        """
        with writing(self._engine) as connection:
            mine = read_run(connection, name, self._project).id
            tell(connection, mine, "cancelling", at=at, text=f"by {by}")
            found = read_run(connection, name, self._project)  # its row is ours now
            if seen is not None and found != seen:
                raise PreconditionError("the run went on at the same time")
            if found.state.over:
                raise ConflictError(
                    f"the run {name} is over", because=f"its state is {found.state}"
                )
            values: dict[str, object] = {"cancelled_by": by}
            if found.state is RunState.QUEUED:
                values |= {
                    "state": RunState.CANCELLED,
                    "finished_at": at,
                    "believed_until": at + BELIEVED,
                }
            connection.execute(update(runs).where(runs.c.id == name).values(**values))
            if found.state is RunState.QUEUED:
                tell(connection, name, RunState.CANCELLED, at=at, text=f"by {by}")
            self._notes.note(connection, "run.cancelled", name, at=at, who=by)
            return read_run(connection, name)

    def again(self, name: str, *, by: str, at: datetime, origin: Origin = _NOWHERE) -> Run:
        """Ask for the same once more: a new run, that names the old one.

        Raises:
            NotFoundError: There is no such run.
            ConflictError: It is not over.
        """
        with writing(self._engine) as connection:
            old = read_run(connection, name, self._project)
            if not old.state.over:
                raise ConflictError(
                    f"the run {name} is not over",
                    because=f"it is {old.state}",
                    hint=f"supplychain runs follow {name}",
                )
            registry = connection.scalar(select(runs.c.registry).where(runs.c.id == name))
            # A tag may stand for something else by now.
            digest = old.digest if f"{old.request.reference}".endswith(f"@{old.digest}") else None
            asked = _Asked(
                old.request, registry or "", by, at, digest=digest, again_of=name, origin=origin
            )
            return self._insert(connection, asked)

    def _insert(self, connection: Connection, asked: _Asked) -> Run:
        name, request = new_run_id(asked.at), asked.request
        is_new = Filing(connection, self._project, asked.at).insert(
            runs,
            id=name,
            reference=request.reference,
            platform=request.platform,
            environment=request.environment,
            sign=request.sign,
            priority=int(request.priority),
            requested_by=asked.by,
            key=asked.key,
            request=request.digest,
            registry=asked.registry,
            again_of=asked.again_of,
            state=RunState.QUEUED,
            duty=Duty.SCAN,
            stage="",
            digest=asked.digest,
            generation=0,
            takeovers=0,
            events=0,
            submitted_at=asked.at,
            believed_until=asked.at + BELIEVED,
            request_id=asked.origin.request_id or None,
            traceparent=asked.origin.traceparent or None,
        )
        if not is_new:
            return self._known(connection, request, asked.key)
        said = f"{request.reference} by {asked.by}"
        tell(connection, name, "submitted", at=asked.at, text=said)
        about = {"reference": request.reference, "again_of": asked.again_of}
        self._notes.note(connection, "run.submitted", name, at=asked.at, after=about, who=asked.by)
        return read_run(connection, name)

    def _known(self, connection: Connection, request: RunRequest, key: str | None) -> Run:
        """The run that was submitted under a key.

        Raises:
            ConflictError: It is about something else.
        """
        mine = runs.c.project_id == self._project
        row = connection.execute(select(runs).where(mine, runs.c.key == key)).one()
        if row.request != request.digest:
            raise ConflictError(
                f"something else was submitted under the key {key!r}",
                because=f"the run {row.id} is about {row.reference}",
                hint="take another key for another request",
            )
        return run_of(row)
