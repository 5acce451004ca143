"""How fast this machine is, by a program that is not ours: what is promised in milliseconds was
promised of one machine, and means as much on another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from benchmarks.timing import Times

# What signing and attesting twice with cosign 3.1, three processes, took where limits were set.
_SIGNED_BY_HAND = 3 * 0.23


@dataclass(frozen=True, slots=True)
class Machine:
    """This machine beside the one that limits were set on.

    Attributes:
        slowness: How many times as long cosign takes here; None where that is not known, and
            limits are taken as they stand.
    """

    slowness: float | None = None

    @classmethod
    def by_signing(cls, by_hand: Times | None) -> Self:
        """By what signing and attesting twice with cosign took in the same run."""
        return cls(None if by_hand is None else by_hand.median / _SIGNED_BY_HAND)

    def meets(self, seconds: float, limit: float) -> bool:
        """Whether something was as quick as promised."""
        return seconds < limit * (self.slowness or 1)

    def target(self, limit: float) -> str:
        """A limit in seconds as a table tells it, there and here."""
        said = f"under {_shown(limit)}"
        if self.slowness is None:
            return said
        here = _shown(limit * self.slowness)
        return f"{said}, here {here}: cosign takes {self.slowness:.1f} times as long"


def _shown(seconds: float) -> str:
    """A limit as people set one: `1.6 ms`, `30 ms`, `60 s`."""
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
