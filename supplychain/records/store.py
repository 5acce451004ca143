"""A database and a content store, for a process that serves more than one project."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Self

from sqlalchemy import Engine

from supplychain.errors import NotFoundError, StoreError
from supplychain.records.asking import asking_often
from supplychain.records.content import PROBE, PROBED, ContentStore
from supplychain.records.database import password_from
from supplychain.records.entry import Entry
from supplychain.records.figures import Figures, read_figures
from supplychain.records.kept import KeptAnswers
from supplychain.records.own_content import require_own
from supplychain.records.record import Record
from supplychain.records.version import open_current, require_current


class Store:
    """Every project's record, over the same connections.

    Threads may share one.

    Args:
        engine: A database whose schema is current.
        content: Where documents are kept.
    """

    def __init__(self, engine: Engine, content: ContentStore) -> None:
        self._engine = engine
        self._content = content
        self._kept = KeptAnswers(engine)
        self._records: dict[tuple[str, str], Record] = {}
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls, url: str, content: ContentStore, *, create: bool = False, connections: int = 5
    ) -> Self:
        """Open the database at a URL.

        Args:
            url: `sqlite:///path` or `postgresql://…`.
            content: Where documents are kept.
            create: As `Record.open`.
            connections: How many threads may use the database at once.

        Raises:
            SupplyChainError: As `Record.open`.
        """
        engine = open_current(url, create=create, connections=connections)
        try:
            require_own(engine, content)
            content.put(PROBED)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, content)

    def password_from(self, urls: Callable[[], str]) -> None:
        """Connect from now on with the password of the URL that this gives."""
        password_from(self._engine, urls)

    @property
    def content(self) -> ContentStore:
        """Where documents are kept."""
        return self._content

    @property
    def kept(self) -> KeptAnswers:
        """What the gate answered, while it holds."""
        return self._kept

    def asking_often(self) -> AbstractContextManager[None]:
        """For a thread that asks one question after another: all of them over one connection."""
        return asking_often(self._engine)

    @property
    def entry(self) -> Entry:
        """What has to be known of whoever comes to the door."""
        return Entry(self._engine)

    def record(self, project: str, *, organisation: str = "default") -> Record:
        """The record of a project; the same one each time, in which nobody acts yet.

        Raises:
            NotFoundError: There is no such project, or no such organisation.
        """
        place = organisation, project
        with self._lock:
            known = self._records.get(place)
        if known is None:
            known = Record(self._engine, self._content, project, organisation=organisation)
            with self._lock:
                known = self._records.setdefault(place, known)
        return known

    def check(self) -> None:
        """See whether the database and the content store can be used, and the schema still fits.

        Raises:
            StoreError: One of them does not answer, or is another one than it was.
            SchemaVersionError: It has another schema.
        """
        require_current(self._engine)
        try:
            self._content.get(PROBE)
        except NotFoundError as error:
            raise StoreError(
                "the content store is not the one that it was",
                because=error.because,
                hint="mount it again: documents would be written beside it",
            ) from error
        # It has to be writable, too.
        self._content.put(PROBED)

    def figures(self, at: datetime) -> Figures:
        """What a monitor wants to know of the database.

        Args:
            at: Now (aware, UTC).

        Raises:
            StoreError: It does not answer.
        """
        return read_figures(self._engine, at)

    def close(self) -> None:
        """Let go of the database's connections."""
        self._engine.dispose()
