"""A database and a content store, for a process that serves more than one project."""

from __future__ import annotations

import threading
from typing import Self

from sqlalchemy import Engine

from supplychain.records.content import ContentStore
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
        self._records: dict[str, Record] = {}
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
        return cls(open_current(url, create=create, connections=connections), content)

    @property
    def content(self) -> ContentStore:
        """Where documents are kept."""
        return self._content

    def record(self, project: str) -> Record:
        """The record of a project.

        Raises:
            NotFoundError: There is no such project.
        """
        with self._lock:
            known = self._records.get(project)
        if known is None:
            known = Record(self._engine, self._content, project)
            with self._lock:
                known = self._records.setdefault(project, known)
        return known

    def check(self) -> None:
        """See whether the database answers, and still has a schema that this program can use.

        Raises:
            StoreError: It does not answer.
            SchemaVersionError: It has another schema.
        """
        require_current(self._engine)

    def close(self) -> None:
        """Let go of the database's connections."""
        self._engine.dispose()
