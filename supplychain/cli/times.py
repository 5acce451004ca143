"""Times and sizes as people read them; data keeps RFC 3339 and bytes."""

from __future__ import annotations

from datetime import datetime, timedelta

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
