"""Instants that callers name: only such as have a time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from supplychain.errors import InputError

_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _dated(given: object) -> object:
    """What begins with a date: Pydantic would take `2026` for a moment of the year 1970."""
    if isinstance(given, str) and not _DATE.match(given):
        raise PydanticCustomError("instant", "it is no instant, as in 2027-01-31T12:00:00Z")
    return given


Instant = Annotated[datetime, BeforeValidator(_dated)]


def utc(instant: datetime | None, name: str) -> datetime | None:
    """The same in UTC; None for none.

    Args:
        instant: What was given.
        name: The parameter, for the error.

    Raises:
        InputError: It has no time zone, or lies outside of all calendars.
    """
    if instant is None:
        return None
    if instant.tzinfo is None:
        raise InputError(f"{name} has no time zone", hint="as in 2027-01-31T12:00:00Z")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise InputError(f"{name} is no instant of any calendar") from None
