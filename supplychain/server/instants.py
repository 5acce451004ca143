"""Instants that callers name: only such as have a time zone."""

from __future__ import annotations

from datetime import UTC, datetime

from supplychain.errors import InputError


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
