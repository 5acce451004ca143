"""The record: everything one project knows about its images, behind one door."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import NamedTuple, Self

from sqlalchemy import Connection, Engine

from supplychain.model.access import Acting
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, Need
from supplychain.model.runs import Claim
from supplychain.model.subject import Subject
from supplychain.records.audit import Notes
from supplychain.records.bulk import Filing
from supplychain.records.claimed import with_claims
from supplychain.records.content import ContentStore
from supplychain.records.database import (
    never_idle,
    password_from,
    reading,
    state_of,
    writing,
)
from supplychain.records.dossiers import read_dossiers
from supplychain.records.feeds import with_exploitation
from supplychain.records.own_content import require_own
from supplychain.records.question import Question
from supplychain.records.run import RunRecord
from supplychain.records.run_rows import move
from supplychain.records.sections import Sections
from supplychain.records.standing import Latest, read_latest
from supplychain.records.tenants import find_project, whose
from supplychain.records.version import open_current

_SOMEBODY = Acting()
# How many dossiers are read together: the queries of one serve them all, and they fit in memory.
_AT_ONCE = 50


class Consulted(NamedTuple):
    """What the record says of a subject, all of it at one moment.

    Attributes:
        dossier: All that the gate judges; None where nothing was recorded about the digest.
        latest: What was decided last; None where nothing was.
    """

    dossier: Dossier | None
    latest: Latest | None


class Record(Sections):
    """One project's record, in a database and a content store.

    Rows are projections of documents; the documents are in the content store before the rows
    that name them commit. Every method raises `StoreError` when either cannot be read or written.

    Args:
        engine: A database whose schema is current.
        content: Where documents are kept.
        project: The project's name.
        organisation: Whose project it is.
        acting: Who does what is done here, for the audit log.

    Raises:
        NotFoundError: There is no such project.
    """

    def __init__(
        self,
        engine: Engine,
        content: ContentStore,
        project: str = "default",
        *,
        organisation: str = "default",
        acting: Acting = _SOMEBODY,
    ) -> None:
        self._engine = engine
        self._content = content
        self._claim: Claim | None = None
        with reading(engine) as connection:
            owner, self._project = find_project(connection, organisation, project)
        self._notes = Notes(owner, organisation, project, acting)

    @classmethod
    def open(
        cls,
        url: str,
        content: ContentStore,
        *,
        project: str = "default",
        organisation: str = "default",
        acting: Acting = _SOMEBODY,
        create: bool = False,
    ) -> Self:
        """Open the record in a database.

        Args:
            url: `sqlite:///path` or `postgresql://…`.
            content: Where documents are kept.
            project: The project's name.
            organisation: Whose project it is.
            acting: Who does what is done here, for the audit log.
            create: Make the schema in a SQLite file that is missing or empty. A server's database
                is never touched: `supplychain db upgrade` is its operator's decision.

        Raises:
            ConfigurationError: The URL is unusable.
            SchemaVersionError: The schema is missing, older, newer, or not ours.
            StoreError: The database cannot be reached, or the content store is not its own.
            NotFoundError: There is no such project.
        """
        engine = open_current(url, create=create)
        try:
            require_own(engine, content)
            return cls(engine, content, project, organisation=organisation, acting=acting)
        except BaseException:
            engine.dispose()
            raise

    def acted_on(self, acting: Acting) -> Self:
        """The same record, in which somebody else acts; asks the database nothing."""
        other = copy(self)
        other._notes = replace(self._notes, acting=acting)  # noqa: SLF001  # one of its own
        return other

    def password_from(self, urls: Callable[[], str]) -> None:
        """Connect from now on with the password of the URL that this gives."""
        password_from(self._engine, urls)

    def never_idle(self) -> None:
        """Let no transaction stand still while it keeps others from what it has locked."""
        never_idle(self._engine)

    def held_by(self, claim: Claim, project: int) -> Self:
        """The record as a worker writes it: of a run's project, and while it holds the run.

        Args:
            claim: The hold; with an older one nothing is recorded.
            project: The number of the run's project.
        """
        with reading(self._engine) as connection:
            owner, organisation, name = whose(connection, project)
        notes = Notes(
            owner, organisation, name, replace(self._notes.acting, through=f"run {claim.run}")
        )
        held = copy(self)
        held.__dict__.update(_claim=claim, _project=project, _notes=notes)
        return held

    @property
    def organisation(self) -> str:
        """Whose project it is."""
        return self._notes.name

    @property
    def number(self) -> int:
        """The number of its project, by which rows name it."""
        return self._project

    @property
    def content(self) -> ContentStore:
        """Where documents are kept byte for byte."""
        return self._content

    def close(self) -> None:
        """Let go of the database's connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def save_run(self, run: RunRecord, *, at: datetime) -> None:
        """Record all that a run learnt, or nothing; what is recorded already stays as it is.

        Two runs of the same image may do this at once.

        Args:
            run: What was learnt; parts may be missing (a scan alone, an SBOM alone).
            at: The instant of recording (aware, UTC).

        Raises:
            DigestMismatchError: A document is not the one that its evidence names.
            ForbiddenError: It is handed in under another name.
            InputError: The parts do not belong together, or nobody verified one of them.
            SupersededError: Somebody else has taken over the run that found it out.
        """
        from supplychain.records.writing import file_run

        run.check()
        if run.handed_in_by:
            self._notes.require(run.handed_in_by)
        for blob in run.blobs():
            self._content.put(blob)
        for document in run.documents():
            self._content.put_chunks(document.digest, document.size, document.chunks)
        with writing(self._engine) as connection:
            if self._claim is not None:
                move(connection, self._claim, at)
            added = file_run(Filing(connection, self._project, at), run)
            if added.evidence:
                after = {"evidence": [*added.evidence]}
                self._notes.note(connection, "evidence.recorded", run.subject, at=at, after=after)
            elif added.images:
                after = {"images": [*added.images]}
                self._notes.note(connection, "image.recorded", run.subject, at=at, after=after)

    def dossier(
        self,
        digest: Digest,
        *,
        at: datetime,
        environment: str = "",
        needs: frozenset[Need] = frozenset(),
    ) -> Dossier | None:
        """All that the gate judges about a digest, as it was recorded at an instant.

        Later evidence is left out, whether it was made or only recorded later.

        Args:
            digest: A platform manifest or an index.
            at: The instant (aware, UTC).
            environment: Where it wants to run; "" for nowhere in particular.
            needs: What of the larger parts is wanted.

        Returns:
            None where nothing was recorded about the digest.
        """
        with reading(self._engine) as connection:
            asked = Question(self._project, environment, at, needs)
            return self._read(connection, asked, [digest]).get(digest)

    def consult(
        self, subject: Subject, *, at: datetime, environment: str, needs: frozenset[Need]
    ) -> Consulted:
        """The dossier of a subject, as `dossier` gives it, with what was decided last there."""
        with reading(self._engine) as connection:
            asked = Question(self._project, environment, at, needs)
            dossier = self._read(connection, asked, [subject.digest]).get(subject.digest)
            latest = read_latest(connection, self._project, subject, environment)
        return Consulted(dossier, latest)

    def dossiers(
        self,
        digests: Iterable[Digest],
        *,
        at: datetime,
        environment: str = "",
        needs: frozenset[Need] = frozenset(),
    ) -> Iterator[Dossier | None]:
        """The same of many digests, in order, all as of one state of the record."""
        asked, left = Question(self._project, environment, at, needs), iter(digests)
        with reading(self._engine) as connection:
            while some := tuple(islice(left, _AT_ONCE)):
                found = self._read(connection, asked, some)
                yield from map(found.get, some)

    def _read(
        self, connection: Connection, asked: Question, digests: Sequence[Digest]
    ) -> Mapping[Digest, Dossier]:
        found = read_dossiers(connection, asked, digests)
        claimed = with_claims(connection, self._content, found, asked)
        return with_exploitation(connection, self._content, claimed, asked)

    def state(self) -> object:
        """Something that is equal as long as nobody writes to the record, and no longer."""
        with reading(self._engine) as connection:
            return state_of(connection)
