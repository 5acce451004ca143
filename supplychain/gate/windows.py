"""When somebody's word counts: since when, until when, or never."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from supplychain.errors import InputError
from supplychain.gate.options import Word


class Window:
    """What a key or an identity of a policy has: the time in which its word counts.

    Attributes:
        not_before: The first instant whose signatures count (aware, UTC); None for any.
        not_after: The last instant whose signatures count (aware, UTC); None for any.
        revoked: Whether nothing that it ever signed counts.
    """

    __slots__ = ()

    not_before: datetime | None
    not_after: datetime | None
    revoked: bool

    def covers(self, moment: datetime) -> bool:
        """Whether what was signed at that moment counts."""
        return (
            not self.revoked
            and (self.not_before is None or moment >= self.not_before)
            and (self.not_after is None or moment <= self.not_after)
        )

    @property
    def window(self) -> str:
        """When its word counts, for people: "" for always."""
        if self.revoked:
            return "revoked"
        since = f"from {rfc3339(self.not_before)}" if self.not_before else ""
        until = f"until {rfc3339(self.not_after)}" if self.not_after else ""
        return " ".join(filter(None, (since, until)))

    @property
    def ends_before_it_begins(self) -> bool:
        """Whether no moment lies in it."""
        return bool(self.not_before and self.not_after and self.not_before > self.not_after)


def rfc3339(moment: datetime) -> str:
    """An instant of UTC as policies write it."""
    return moment.isoformat().replace("+00:00", "Z")


def _instant(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not _RFC3339.fullmatch(text):
        raise InputError(f"{text[:40]!r} is not an instant", hint="write 2026-12-01T00:00:00Z")
    return moment.astimezone(UTC)


# RFC 3339, section 5.6; what Python's own reader takes beside that is nobody's habit.
_RFC3339 = re.compile(
    r"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
INSTANT = Word(
    "an instant", _instant, {"type": "string", "pattern": f"^{_RFC3339.pattern}$"}, rfc3339
)
