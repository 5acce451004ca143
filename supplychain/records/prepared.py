"""Queries that are built once: to build one anew takes longer than SQLite takes to answer it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, CursorResult, Select, bindparam

# Up to so many values of a list have a place each, which spares SQLAlchemy half of its own work;
# what is asked about one image has hardly more.
_MOST_PLACES = 8


class _Places(tuple[str, ...]):
    """The names of the places that the values of a list will take."""

    __slots__ = ()


class Prepared:
    """A query with values to come.

    Args:
        build: Makes the query of its values, which it only compares columns with; a value that is
            a list goes into `among`.
    """

    def __init__(self, build: Callable[..., Select[Any]]) -> None:
        self._build = build
        # By how many places its lists have.
        self._built: dict[tuple[int, ...], Select[Any]] = {}

    def __call__(self, connection: Connection, **values: Any) -> CursorResult[Any]:
        """Run it with these values."""
        places: dict[str, Any] = {}
        given: dict[str, Any] = {}
        for name, value in values.items():
            if not isinstance(value, list):
                places[name] = None
                given[name] = value
            elif 0 < len(value) <= _MOST_PLACES:
                # The last one takes the places that are left: it is looked for once more.
                count = 1 << (len(value) - 1).bit_length()
                padded = value + value[-1:] * (count - len(value))
                places[name] = names = _Places(f"{name}_{n}" for n in range(count))
                given |= zip(names, padded, strict=True)
            else:
                places[name] = _Places()
                given[name] = value
        sizes = tuple(len(place) for place in places.values() if place is not None)
        built = self._built.get(sizes)
        if built is None:
            built = self._built[sizes] = self._build(**{k: _place(k, p) for k, p in places.items()})
        return connection.execute(built, given)


def _place(name: str, places: _Places | None) -> Any:
    """What a query is built with in place of a value."""
    if places is None:
        return bindparam(name)
    return places or bindparam(name, expanding=True)


def among(column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Whether a column has one of the values of a list, in a query that is to be `Prepared`."""
    if isinstance(values, _Places):
        return column.in_([bindparam(name, type_=column.type) for name in values])
    return column.in_(values)
