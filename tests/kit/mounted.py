"""Secrets that are mounted as Kubernetes mounts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mounted:
    """A folder in which all files are replaced at once: by another link to a folder beside them.

    Attributes:
        folder: Where they are, under names that stay.
    """

    folder: Path
    _numbers: count[int] = field(default_factory=count)

    def mount(self, files: Mapping[str, bytes | str]) -> None:
        """Replace what is there by this."""
        self.folder.mkdir(exist_ok=True)
        behind = self.folder / f"..{next(self._numbers)}"
        behind.mkdir()
        for name, data in files.items():
            (behind / name).write_bytes(data.encode() if isinstance(data, str) else data)
        link = self.folder / "..data_tmp"
        link.symlink_to(behind.name)
        link.rename(self.folder / "..data")
        for name in files:
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")

    def __truediv__(self, name: str) -> Path:
        return self.folder / name
