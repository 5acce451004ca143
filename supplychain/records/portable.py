"""Rows as lines of JSON that either kind of database can take: ours, not one engine's own form."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Boolean, Connection, DateTime, LargeBinary, Table, func, select, text
from sqlalchemy.exc import DataError, IntegrityError

from supplychain.errors import StoreError, VerificationError
from supplychain.model.digest import Digest
from supplychain.records.bulk import copy_rows
from supplychain.records.columns import instant_text

_AT_ONCE = 2000


def lines_of(connection: Connection, table: Table) -> Iterator[bytes]:
    """Every row of a table, one JSON array each, in the order of its columns.

    Raises:
        StoreError: A value has no portable form.
    """
    chosen = select(table).order_by(*table.primary_key.columns)
    streamed = connection.execution_options(yield_per=_AT_ONCE)
    for row in streamed.execute(chosen):
        yield orjson.dumps([_portable(value) for value in row])


def take_lines(
    connection: Connection, table: Table, columns: Sequence[str], lines: Iterable[bytes]
) -> int:
    """Insert rows as `lines_of` gave them; how many.

    Args:
        connection: In a transaction that writes.
        table: The table, as the database itself describes it.
        columns: The names of the values, in their order.
        lines: The rows.

    Raises:
        VerificationError: They are no such rows.
    """
    if unknown := set(columns) - set(table.c.keys()):
        raise VerificationError(
            f"the backup has columns of {table.name} that none of ours has: "
            f"{', '.join(sorted(unknown))}"
        )
    readers = [_reader(table.c[name].type) for name in columns]
    rows = [_row(line, readers, table.name) for line in lines]
    if rows:
        _insert(connection, table, columns, rows)
    return len(rows)


def number_onward(connection: Connection, tables: Iterable[Table]) -> None:
    """Let PostgreSQL number new rows behind those that brought numbers of their own."""
    if connection.dialect.name != "postgresql":
        return
    onward = text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :last)")
    for table in tables:
        last = connection.scalar(select(func.max(table.c.id))) if "id" in table.c else None
        if last is not None:
            connection.execute(onward, {"name": _quoted(table.name), "last": last})


def _portable(value: object) -> object:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, Digest):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return b64encode(value).decode()
    raise StoreError(
        f"a value of the kind {type(value).__name__} has no portable form", retryable=False
    )


def _reader(kind: object) -> Callable[[Any], Any]:
    """What makes of a value in JSON one that a column of this kind takes."""
    if isinstance(kind, LargeBinary):
        return lambda value: b64decode(value, validate=True)
    if isinstance(kind, DateTime):
        return datetime.fromisoformat
    if isinstance(kind, Boolean):
        return bool
    return lambda value: value


def _row(line: bytes, readers: Sequence[Callable[[Any], Any]], table: str) -> tuple[Any, ...]:
    try:
        values = orjson.loads(line)
        pairs = zip(readers, values, strict=True)
        return tuple(None if value is None else read(value) for read, value in pairs)
    except (ValueError, TypeError) as error:
        raise VerificationError(
            f"the backup has a row of {table} that cannot be read", because=str(error)
        ) from error


def _insert(
    connection: Connection, table: Table, columns: Sequence[str], rows: list[tuple[Any, ...]]
) -> None:
    name, listed = _quoted(table.name), ", ".join(map(_quoted, columns))
    try:
        if connection.dialect.name == "postgresql":
            copy_rows(connection, f"{name} ({listed})", rows)
        else:
            marks = ", ".join("?" * len(columns))
            statement = f"INSERT INTO {name} ({listed}) VALUES ({marks})"  # noqa: S608
            connection.exec_driver_sql(statement, rows)
    except (IntegrityError, DataError) as error:
        raise VerificationError(
            f"the backup has rows of {table.name} that do not fit to the rest of it",
            because=str(error.orig).strip().splitlines()[0],
        ) from error


def _quoted(name: str) -> str:
    """A name of the database's own tables and columns; it was looked up there."""
    return '"' + name.replace('"', '""') + '"'
