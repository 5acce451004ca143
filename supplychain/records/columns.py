"""Column types: our values in, the same values out, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, ColumnElement, DateTime, Dialect, Text, type_coerce
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

from supplychain.errors import InputError, StoreError
from supplychain.model.digest import Digest


def instant_text(instant: datetime) -> str:
    """An instant as fixed-width RFC 3339 in UTC, so that text sorts as time does.

    Raises:
        InputError: The instant has no time zone.
    """
    if instant.tzinfo is None:
        raise InputError(f"the instant {instant} has no time zone")
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime: `timestamptz` on PostgreSQL, fixed-width text on SQLite."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The engine's own type."""
        native: TypeEngine[Any] = DateTime(timezone=True)
        return dialect.type_descriptor(native if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> object:
        """Refuse naive instants; write text where the engine has no type of its own."""
        if value is None:
            return None
        text = instant_text(value)
        return value if dialect.name == "postgresql" else text

    def process_result_value(self, value: object, _dialect: Dialect) -> datetime | None:
        """Always aware, always UTC, whatever zone the server speaks."""
        if value is None:
            return None
        return value.astimezone(UTC) if isinstance(value, datetime) else _instant(value)


# Of thousands of rows that are read together most were written in one of a few transactions.
@lru_cache(maxsize=4096)
def _instant(text: object) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)  # type: ignore[arg-type]  # or it fails
    except (ValueError, TypeError) as error:
        raise _damaged(text, "an instant") from error


def shown(value: object) -> str:
    """What a cell holds, for people; not more of it than they can read."""
    return repr(value[:80] if isinstance(value, str | bytes) else value)


def _damaged(value: object, what: str) -> StoreError:
    """A row that holds something else is nobody's to repair but ours."""
    return StoreError(
        f"the database holds {shown(value)} where {what} belongs",
        because="a row was damaged, or changed behind this program's back",
        hint="compare it with a backup, or restore that: supplychain restore FILE",
        retryable=False,
    )


class DigestText(TypeDecorator[Digest]):
    """A `Digest` as `algorithm:hex`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Digest | None, _dialect: Dialect) -> str | None:
        """`algorithm:hex`."""
        return None if value is None else str(value)

    def process_result_value(self, value: object, _dialect: Dialect) -> Digest | None:
        """The digest, checked once more."""
        return None if value is None else _digest(value)


@lru_cache(maxsize=8192)
def _digest(text: object) -> Digest:
    try:
        # SQLite keeps in any column whatever it is given: bytes and numbers, too.
        if isinstance(text, str):
            return Digest.parse(text)
    except InputError as error:
        raise _damaged(text, "a digest") from error
    raise _damaged(text, "a digest")


def as_stored(column: Column[Any], name: str = "") -> ColumnElement[Any]:
    """A column as the driver gives it, under its own name or another one."""
    return type_coerce(column, NullType()).label(name or column.name)


def digests_in(values: Iterable[object]) -> Iterator[Digest]:
    """Those of a column's values, as they are stored, that are digests."""
    for value in values:
        try:
            yield _digest(value)
        except StoreError:
            continue
