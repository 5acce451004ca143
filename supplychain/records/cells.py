"""What a database really holds, cell by cell: told of, where reading it would fail.

SQLite keeps in any column whatever it is given. PostgreSQL knows numbers and instants, and no
digests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Integer, LargeBinary, Text

from supplychain.errors import InputError
from supplychain.model.digest import Digest
from supplychain.records.columns import DigestText, Instant, shown


class UnfitError(ValueError):
    """A cell holds what does not belong there; says what, for people."""


@contextmanager
def any_text(connection: Connection) -> Iterator[None]:
    """Have SQLite give text that is no UTF-8 as bytes, where it would fail."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.text_factory = _text
    try:
        yield
    finally:
        driver.text_factory = str


def cell(column: Column[Any], value: object) -> Any:
    """What a cell holds, as our own kind of value.

    Args:
        column: Whose cell.
        value: What the driver gave of it.

    Raises:
        UnfitError: It is nothing that belongs there.
    """
    if value is None and column.nullable:
        return None
    kind: Any = column.type
    for known, what, read in _KINDS:
        if isinstance(kind, known):
            try:
                return read(value)
            except (InputError, ValueError, TypeError):
                said = "nothing" if value is None else shown(value)
                raise UnfitError(f"{column.name} holds {said} where {what} belongs") from None
    raise TypeError(f"columns of the kind {kind!r} are not known here")


def cells(
    columns: Mapping[str, Column[Any]], row: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """A whole row: what fits, by name, and what is wrong with the rest."""
    found: dict[str, Any] = {}
    wrong: list[str] = []
    for name, column in columns.items():
        try:
            found[name] = cell(column, row[name])
        except UnfitError as error:
            wrong.append(str(error))
    return found, wrong


def _text(raw: bytes) -> str | bytes:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


@lru_cache(maxsize=8192)
def _digest(value: object) -> Digest:
    return Digest.parse(_string(value))


@lru_cache(maxsize=8192)
def _instant(value: object) -> datetime:
    found = value if isinstance(value, datetime) else datetime.fromisoformat(_string(value))
    if found.tzinfo is None:
        raise ValueError(found)
    return found.astimezone(UTC)


def _boolean(value: object) -> bool:
    if value not in (0, 1):
        raise ValueError(value)
    return bool(value)


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(value)
    return value


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError(value)
    return value


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


_KINDS: tuple[tuple[type, str, Any], ...] = (
    (DigestText, "a digest", _digest),
    (Instant, "an instant", _instant),
    (Boolean, "a yes or no", _boolean),
    (Integer, "a whole number", _whole),
    (LargeBinary, "bytes", _bytes),
    (Text, "text", _string),
)
