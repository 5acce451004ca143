"""Files that are slow: each that one process opens or names under a folder, as on a far disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.kit.interposed import interposed, write_number


@dataclass(frozen=True, slots=True)
class Slow:
    """A folder that is slow for whoever is started with `environ`.

    Attributes:
        folder: The folder.
        file: Says how slow.
    """

    folder: Path
    file: Path

    @classmethod
    def at(cls, folder: Path, file: Path) -> Slow:
        """A folder that is as fast as ever; skips the calling test where it cannot be slow."""
        interposed()
        slow = cls(folder, file)
        slow.by(0)
        return slow

    @property
    def environ(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(interposed()),
            "TESTS_SLOW_UNDER": f"{self.folder}/",
            "TESTS_SLOW_FILE": str(self.file),
        }

    def by(self, seconds: float) -> None:
        """Take so much longer over each file, from now on."""
        write_number(self.file, seconds * 1000)
