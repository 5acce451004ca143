"""What happened to images, as it is reported: deployments, approvals, and work that is under way.

Deployments and approvals are events that are only ever added; what runs where and who approves is
made of them, as of any instant.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from threading import Event, Thread

from sqlalchemy import Engine, Table, update

from supplychain.errors import ConflictError, NotFoundError, StoreError
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.model.history import Approval, Deployment, Report
from supplychain.model.history import Event as Happening
from supplychain.records.audit import Notes
from supplychain.records.bulk import Filing
from supplychain.records.content import ContentStore
from supplychain.records.database import reading, writing
from supplychain.records.happened import all_deployments, read_approvals
from supplychain.records.schema import approvals, deployments, work

# A killed process says no goodbye: after this nobody believes in its work any more. Who lives says
# so several times in between.
_LEASE = timedelta(seconds=60)
_BEAT = timedelta(seconds=15)


class History:
    """What happened to one project's images; `Record.history` gives it.

    Args:
        engine: The record's database.
        content: The record's content store.
        project: The project's number.
        notes: Who acts.
    """

    def __init__(self, engine: Engine, content: ContentStore, project: int, notes: Notes) -> None:
        self._engine = engine
        self._content = content
        self._project = project
        self._notes = notes

    def deployed(self, report: Report, *, at: datetime) -> Deployment:
        """Record that an image began to run somewhere.

        Args:
            report: The report.
            at: The instant of recording (aware, UTC).

        Raises:
            StoreError: It cannot be recorded.
        """
        self._append(deployments, report, at)
        return next(
            d
            for d in self.deployments(report.environment, at=at)
            if d.subject.digest == report.subject.digest
        )

    def ended(self, report: Report, *, at: datetime) -> None:
        """Record that an image runs somewhere no longer.

        Raises:
            ConflictError: It did not run there, as far as is known.
        """
        running = self.deployments(report.environment, at=at)
        if not any(
            d.subject.digest == report.subject.digest and d.until_at is None for d in running
        ):
            raise ConflictError(
                f"{report.subject} does not run in {report.environment}, as far as is known",
                hint=f"supplychain deployments list --environment {report.environment}",
            )
        self._append(deployments, report, at)

    def approve(self, report: Report, *, at: datetime) -> Digest:
        """Record an approval, or that it was withdrawn.

        Returns:
            The digest of the document that says so.

        Raises:
            NotFoundError: Nothing is there to withdraw.
        """
        if report.event is Happening.WITHDRAWN:
            given = self.approvals(report.subject.digest, at=at)
            if not any(
                a.environment == report.environment
                and a.approved_by == report.actor
                and a.withdrawn_at is None
                for a in given
            ):
                raise NotFoundError(
                    f"{report.actor} has not approved {report.subject} for {report.environment}",
                    hint=f"supplychain approvals list {report.subject}",
                )
        return self._append(approvals, report, at)

    def deployments(
        self, environment: str | None = None, *, at: datetime
    ) -> tuple[Deployment, ...]:
        """What runs and ran, the newest first."""
        with reading(self._engine) as connection:
            found = all_deployments(connection, self._project, at)
        return tuple(d for d in found if environment in {None, d.environment})

    def approvals(self, subject: Digest, *, at: datetime) -> tuple[Approval, ...]:
        """Who approved a digest, for which environments, the newest first."""
        with reading(self._engine) as connection:
            return read_approvals(connection, self._project, [subject], at)

    @contextmanager
    def working(
        self,
        subject: Digest,
        kinds: Collection[EvidenceKind],
        detail: str,
        clock: Callable[[], datetime],
        *,
        lease: timedelta = _LEASE,
        beat: timedelta = _BEAT,
    ) -> Iterator[None]:
        """Let gates know that evidence about a digest is being made, for as long as it is.

        A thread renews that until it ends. Where the record cannot be written it tries again, and
        gates that see nothing of it deny instead of waiting.

        Args:
            subject: The digest.
            kinds: What will come of it.
            detail: For people: what is being done.
            clock: The time now (aware, UTC).
            lease: How long to believe in it, should nobody be left to say that it ended.
            beat: How often to renew that.
        """
        begun_at = clock()
        with writing(self._engine) as connection:
            number = connection.execute(
                work.insert()
                .values(
                    project_id=self._project,
                    subject_digest=subject,
                    kinds=",".join(sorted(kinds)),
                    detail=detail,
                    since_at=begun_at,
                    expires_at=begun_at + lease,
                )
                .returning(work.c.id)
            ).scalar_one()
        done = Event()
        renewing = Thread(target=self._renew, args=(number, clock, lease, beat, done), daemon=True)
        renewing.start()
        try:
            yield
        finally:
            done.set()
            renewing.join()
            with writing(self._engine) as connection:
                mine = update(work).where(work.c.id == number)
                connection.execute(mine.values(ended_at=clock()))

    def _renew(
        self,
        number: int,
        clock: Callable[[], datetime],
        lease: timedelta,
        beat: timedelta,
        done: Event,
    ) -> None:
        while not done.wait(beat.total_seconds()):
            with suppress(StoreError), writing(self._engine) as connection:
                mine = update(work).where(work.c.id == number)
                connection.execute(mine.values(expires_at=clock() + lease))

    def _append(self, table: Table, report: Report, at: datetime) -> Digest:
        self._notes.require(report.actor)
        digest = self._content.put(report.document())
        with writing(self._engine) as connection:
            is_new = Filing(connection, self._project, at).insert(
                table,
                digest=digest,
                environment=report.environment,
                subject_digest=report.subject.digest,
                subject_name=report.subject.name,
                event=report.event,
                actor=report.actor,
                reason=report.reason,
                at=report.at,
            )
            if is_new:
                kind = "deployment" if table is deployments else "approval"
                self._notes.note(
                    connection,
                    f"{kind}.{report.event.value}",
                    report.subject,
                    at=at,
                    after={
                        "environment": report.environment,
                        "reason": report.reason,
                        "document": str(digest),
                    },
                    who=report.actor,
                )
        return digest
