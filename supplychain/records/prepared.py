"""Queries that are built once: to build one anew takes longer than SQLite takes to answer it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, CursorResult, Select, bindparam


class Prepared:
    """A query with values to come.

    Args:
        build: Makes the query of its values, which it only compares columns with; a value that is
            a list goes into `in_`.
    """

    def __init__(self, build: Callable[..., Select[Any]]) -> None:
        self._build = build
        self._built: Select[Any] | None = None

    def __call__(self, connection: Connection, **values: Any) -> CursorResult[Any]:
        """Run it with these values."""
        if self._built is None:
            places: dict[str, Any] = {
                name: bindparam(name, expanding=isinstance(value, list))
                for name, value in values.items()
            }
            self._built = self._build(**places)
        return connection.execute(self._built, values)
