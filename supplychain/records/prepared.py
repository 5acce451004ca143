"""Queries that are built once: to build one anew takes longer than SQLite takes to answer it.

To run one that is built takes SQLAlchemy several times as long as the database, for it makes ready
for whatever might be asked of the result. So the text of a query goes straight to the driver, with
values as SQLAlchemy's own types write and read them, and rows are plain tuples with names.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from typing import Any

import orjson
from sqlalchemy import Boolean, ColumnElement, Connection, Dialect, Select, bindparam
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from supplychain.frozen import dataclass
from supplychain.model.spans import traced

# Up to so many values of a list have a place each, so that databases see how few they are, and
# what is asked about one image has hardly more. Longer lists go into one place.
MOST_PLACES = 32
_COUNTED = re.compile(r"_\d+$")
_Process = Callable[[Any], Any]


class _Places(tuple[str, ...]):
    """The names of the places that the values of a list will take; () where that is one place."""

    __slots__ = ()


class _Together(str):
    """The name of the one place that all values of a list will take."""

    __slots__ = ()


class _Listed(TypeEngine[Any]):
    """A list in one place: an array on PostgreSQL, JSON on SQLite.

    Args:
        of: The type of what it lists.
    """

    __visit_name__ = "null"

    def __init__(self, of: TypeEngine[Any]) -> None:
        self.of = of

    def bind_processor(self, dialect: Dialect) -> _Process:
        """What makes of a list what the driver takes."""
        one = self.of.dialect_impl(dialect).bind_processor(dialect)
        is_array = dialect.name == "postgresql"

        def write(values: Collection[Any]) -> Any:
            written = list(values) if one is None else [one(value) for value in values]
            return written if is_array else orjson.dumps(written).decode()

        return write


class _Among(FunctionElement[bool]):
    """Whether a column has one of the values of a list that has one place."""

    name = "among"
    type = Boolean()
    inherit_cache = False

    def self_group(self, against: Any = None) -> Any:  # noqa: ARG002  # SQLAlchemy names it
        """Itself: SQLAlchemy would compare it with 1 on SQLite, which then uses no index."""
        return self


@compiles(_Among)
def _among_json(element: _Among, compiler: SQLCompiler, **how: Any) -> str:
    column, values = (compiler.process(one, **how) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608  # of places


@compiles(_Among, "postgresql")
def _among_array(element: _Among, compiler: SQLCompiler, **how: Any) -> str:
    column, values = (compiler.process(one, **how) for one in element.clauses)
    return f"{column} = ANY({values})"


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
        self._written: dict[tuple[str, tuple[int, ...]], _Written] = {}

    def __call__(self, connection: Connection, **values: Any) -> list[Any]:
        """Run it with these values, in a transaction; its rows, by the names of their columns."""
        places: dict[str, Any] = {}
        given: dict[str, Any] = {}
        for name, value in values.items():
            if not isinstance(value, list):
                places[name] = None
                given[name] = value
            elif 0 < len(value) <= MOST_PLACES:
                # The last one takes the places that are left: it is looked for once more.
                count = 1 << (len(value) - 1).bit_length()
                padded = value + value[-1:] * (count - len(value))
                places[name] = names = _Places(f"{name}_{n}" for n in range(count))
                given |= zip(names, padded, strict=True)
            else:
                places[name] = _Places()
                given[name] = value
        sizes = tuple(len(place) for place in places.values() if place is not None)
        if traced():  # whoever traces listens to SQLAlchemy
            return list(connection.execute(self._query(sizes, places), given))
        which = connection.dialect.name, sizes
        written = self._written.get(which)
        if written is None:
            query = self._query(sizes, places)
            written = self._written[which] = _write(query, connection.dialect)
        return written.run(connection, given)

    def first(self, connection: Connection, **values: Any) -> Any:
        """The first of its rows; None where there is none."""
        rows = self(connection, **values)
        return rows[0] if rows else None

    def _query(self, sizes: tuple[int, ...], places: dict[str, Any]) -> Select[Any]:
        built = self._built.get(sizes)
        if built is None:
            built = self._built[sizes] = self._build(**{k: _place(k, p) for k, p in places.items()})
        return built


@dataclass(frozen=True, slots=True)
class _Written:
    """A query as a driver takes it.

    Attributes:
        text: Its text.
        order: In which order the driver wants values; None where it wants them by name.
        constants: Values that are the query's own, as the driver takes them.
        writers: What makes of a value what the driver takes, by its name; not of every value.
        readers: What makes of what the driver gives a value, by its place; not of every column.
        row: Makes a row.
    """

    text: str
    order: tuple[str, ...] | None
    constants: dict[str, Any]
    writers: dict[str, _Process]
    readers: tuple[tuple[int, _Process], ...]
    row: Callable[[Iterable[Any]], Any]

    def run(self, connection: Connection, given: dict[str, Any]) -> list[Any]:
        """Its rows."""
        values = self.constants | given
        for name, write in self.writers.items():
            values[name] = write(values[name])
        sent = values if self.order is None else [values[name] for name in self.order]
        rows = run(connection, self.text, sent)
        if not self.readers:
            return list(map(self.row, rows))
        # Column by column: a call of ours for each row takes as long as all that is read.
        columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
        for place, read in self.readers if rows else ():
            columns[place] = map(read, columns[place])
        return list(map(self.row, zip(*columns, strict=True)))


def run(connection: Connection, text: str, values: Any) -> list[Any]:
    """Run a query as the driver takes it; its rows, as the driver gives them."""
    if traced():  # whoever traces listens to SQLAlchemy
        return list(connection.exec_driver_sql(text, values))
    try:
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(text, values)
            rows = list(cursor.fetchall())
    except connection.dialect.loaded_dbapi.Error as error:
        raise _failed(connection, text, error) from error
    return rows


def _failed(connection: Connection, text: str, error: Exception) -> DBAPIError:
    """What SQLAlchemy would raise; a connection that is lost is not used again."""
    dialect = connection.dialect
    lost = dialect.is_disconnect(error, connection.connection, None)  # type: ignore[arg-type]
    if lost:
        connection.invalidate(error)
    return DBAPIError(text, None, error, connection_invalidated=lost)


def _write(query: Select[Any], dialect: Dialect) -> _Written:
    made = query.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    types = {name: _type_of(name, made.binds) for name in made.params}
    writers: dict[str, _Process] = {
        name: write
        for name, kind in types.items()
        if (write := kind.dialect_impl(dialect).bind_processor(dialect)) is not None
    }
    columns = query.selected_columns.values()
    read = [c.type.dialect_impl(dialect).result_processor(dialect, None) for c in columns]
    return _Written(
        text=str(made),
        order=None if made.positiontup is None else tuple(made.positiontup),
        constants={name: value for name, value in made.params.items() if value is not None},
        writers=writers,
        readers=tuple((n, one) for n, one in enumerate(read) if one is not None),
        row=_row_of(tuple(c.key or "" for c in columns)),
    )


def _row_of(names: tuple[str, ...]) -> Callable[[Iterable[Any]], Any]:
    """What makes a tuple with these names of values."""
    kind: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # of names that come
    make: Callable[[Iterable[Any]], Any] = kind._make
    return make


def _type_of(name: str, binds: dict[str, Any]) -> TypeEngine[Any]:
    """The type of a value; those of a list that is the query's own are named after it."""
    bound = binds.get(name)
    if bound is None:
        bound = binds[_COUNTED.sub("", name)]
    kind: TypeEngine[Any] = bound.type
    return kind


def _place(name: str, places: _Places | None) -> Any:
    """What a query is built with in place of a value."""
    if places is None:
        return bindparam(name, None)
    return places or _Together(name)


def among(column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Whether a column has one of the values of a list, in a query that is to be `Prepared`."""
    if isinstance(values, _Places):
        return column.in_([bindparam(name, None, type_=column.type) for name in values])
    if isinstance(values, _Together):
        return _Among(column, bindparam(str(values), None, type_=_Listed(column.type)))
    return column.in_(values)
