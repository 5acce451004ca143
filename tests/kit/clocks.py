"""Clocks that jump: the time of day of one process; how long things take stays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.kit.interposed import interposed, write_number


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of day of whoever is started with `environ`.

    Attributes:
        file: Says by how much it is wrong.
    """

    file: Path

    @classmethod
    def at(cls, file: Path) -> Clock:
        """A clock that is right; skips the calling test where it cannot be had."""
        interposed()
        clock = cls(file)
        clock.jump(0)
        return clock

    @property
    def environ(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(interposed()), "TESTS_CLOCK_FILE": str(self.file)}

    def jump(self, hours: float) -> None:
        """Be wrong by so many hours, from now on."""
        write_number(self.file, hours * 3600)
