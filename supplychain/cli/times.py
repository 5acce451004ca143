"""Times and sizes as people read them; data keeps RFC 3339 and bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from supplychain.errors import InputError

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def span(duration: timedelta | float) -> str:
    """A duration in its two largest units: `3 d 4 h`; a negative one as if positive."""
    seconds = abs(int(duration.total_seconds() if isinstance(duration, timedelta) else duration))
    parts: list[str] = []
    for size, unit in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
        if len(parts) == 2:
            break
    return " ".join(parts) or "0 s"


def ago(moment: datetime, now: datetime) -> str:
    """A moment relative to now: `3 d 4 h ago`, or `in 2 h` where it is still to come."""
    return f"{span(now - moment)} ago" if moment <= now else f"in {span(moment - now)}"


def size(count: int) -> str:
    """Bytes as people read them, in powers of ten as registries show them."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def moment(text: str, now: datetime) -> datetime:
    """An instant as people write one: RFC 3339, a date, or how long ago (`36h`, `7d`).

    Args:
        text: What was typed.
        now: The moment to which it is relative (aware).

    Raises:
        InputError: It is none of these, has no time zone, or lies outside of all calendars.
    """
    from supplychain.gate.durations import parse_duration

    with_units = text[-1:] in "smhd" and text[:-1].isdecimal()
    if with_units:
        return now - parse_duration(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is not None and found.tzinfo is None and len(text) == len("2026-01-31"):
        found = found.replace(tzinfo=UTC)
    if found is None or found.tzinfo is None:
        raise InputError(
            f"{text[:40]!r} is not a moment",
            hint="write it as 2026-01-31T09:00:00Z, 2026-01-31, or 36h for so long ago",
        )
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise InputError(f"{text[:40]!r} is no moment of any calendar") from None
