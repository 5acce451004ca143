"""When something may be relied upon."""

from __future__ import annotations

from datetime import datetime

from supplychain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, both ends included.

    Attributes:
        start: Since when (aware, UTC).
        end: Until when; None for no end.
    """

    start: datetime
    end: datetime | None = None

    def covers(self, moment: datetime) -> bool:
        """Whether a moment lies in it."""
        return self.start <= moment and (self.end is None or moment <= self.end)

    def __str__(self) -> str:
        """For people."""
        until = "" if self.end is None else f" until {text(self.end)}"
        return f"from {text(self.start)}{until}"


def text(moment: datetime) -> str:
    """An instant for people, in UTC, RFC 3339."""
    return moment.isoformat().replace("+00:00", "Z")
