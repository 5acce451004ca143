"""Clocks that jump: the time of day of one process, by libfaketime; how long things take stays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.kit.debian import unpacked


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of day of whoever is started with `environ`.

    Attributes:
        file: Says by how much it is wrong.
        library: What makes it so.
    """

    file: Path
    library: Path

    @classmethod
    def at(cls, file: Path) -> Clock:
        """A clock that is right; skips the calling test where it cannot be had."""
        [library] = unpacked(["libfaketime"]).rglob("libfaketimeMT.so.1")
        clock = cls(file, library)
        clock.jump(0)
        return clock

    @property
    def environ(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(self.library),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def jump(self, hours: float) -> None:
        """Be wrong by so many hours, from now on."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{hours * 3600:+.0f}\n")
        new.replace(self.file)
