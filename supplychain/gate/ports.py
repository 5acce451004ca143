"""Ports as images and policies write them: `8080`, `53/udp`, `8000-8999/tcp`."""

from __future__ import annotations

import re

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.gate.options import ListOf, Word

_WRITTEN = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/([a-z]{1,8}))?")
_HIGHEST = 65535
# From here on anybody may listen; below, a process needs a privilege for it.
FIRST_FREE = 1024


@dataclass(frozen=True, slots=True)
class Ports:
    """A port or several in a row, of one protocol.

    Attributes:
        first: The first.
        last: The last.
        protocol: `tcp`, `udp` …
    """

    first: int
    last: int
    protocol: str

    @classmethod
    def parse(cls, text: str) -> Ports:
        """Read `8080`, `53/udp` or `8000-8999/tcp`; where no protocol is named it is TCP.

        Raises:
            InputError: Not written so, beyond 65535, or the last before the first.
        """
        match = _WRITTEN.fullmatch(text)
        first = int(match[1]) if match else 0
        last = int(match[2] or match[1]) if match else 0
        if match is None or not 0 < first <= last <= _HIGHEST:
            raise InputError(
                f"{text[:40]!r} is not a port", hint="write it as 8080, 53/udp or 8000-8999/tcp"
            )
        return cls(first, last, match[3] or "tcp")

    def covers(self, other: Ports) -> bool:
        """Whether all of those are among these."""
        within = self.first <= other.first and other.last <= self.last
        return within and self.protocol == other.protocol

    def __str__(self) -> str:
        """As `parse` reads it, always with the protocol."""
        last = f"-{self.last}" if self.last != self.first else ""
        return f"{self.first}{last}/{self.protocol}"


PORTS = ListOf(
    Word("a port", Ports.parse, {"type": ["string", "integer"], "pattern": f"^{_WRITTEN.pattern}$"})
)
