"""What a file hashes to, remembered for as long as the file is untouched.

Hashing Trivy's 170 MB or a database of 800 MB takes a second; doing it before every scan would
cost more than the scan. A hash is remembered under the file's real path, device, inode, size,
modification time and change time. The kernel sets the change time whenever content, name count or
rights change, and no call sets it back: who alters the file without another hash being taken must
set the system's clock or write to the disk underneath (root's privilege), or alter this memory
itself, which only the same user can (0700), who could as well alter this program.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path

from supplychain.errors import ConflictError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest

Identity = tuple[int, int, int, int, int]

# A file changed again within one tick of the clock would look untouched: what was changed this
# recently is not remembered yet (as Git does with its index, "racy git").
_SETTLED_NS = 2_000_000_000


def identity(file: BufferedReader) -> Identity:
    """What tells whether an open file is still the one that was looked at."""
    stat = os.fstat(file.fileno())
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def require_unchanged(file: BufferedReader, before: Identity, path: Path) -> None:
    """Refuse to go on with a file that changed since `before`.

    Raises:
        ConflictError: It changed.
    """
    if identity(file) != before:
        raise ConflictError(
            f"{path} changed while it was in use",
            because="what was checked is not what was used",
            hint="run the same command again",
            retryable=True,
        )


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """Remembered facts about files' content.

    Attributes:
        folder: Where they are kept; may be deleted at any time.
    """

    folder: Path

    def digest(self, file: BufferedReader, path: Path) -> Digest:
        """The SHA-256 of an open file, from memory where it is untouched.

        Raises:
            ConflictError: The file changed while it was read.
        """

        def compute() -> str:
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest()

        return Digest("sha256", self.recall(file, path, "sha256", compute))

    def recall(
        self, file: BufferedReader, path: Path, fact: str, compute: Callable[[], str]
    ) -> str:
        """A fact that depends on the file's content alone, computed at most once.

        Raises:
            ConflictError: The file changed while the fact was worked out.
        """
        before = identity(file)
        name = json.dumps([fact, os.path.realpath(path), *before]).encode()
        entry = self.folder / hashlib.sha256(name).hexdigest()
        try:
            return entry.read_text(encoding="utf-8")
        except OSError:
            value = compute()
        require_unchanged(file, before, path)
        if time.time_ns() - before[4] > _SETTLED_NS:
            self._keep(entry, value)
        return value

    def _keep(self, entry: Path, value: str) -> None:
        """Write whole or not at all; a memory that cannot be written is no memory, not a fault."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", dir=self.folder, delete=False, encoding="utf-8"
            ) as temporary:
                temporary.write(value)
            Path(temporary.name).replace(entry)
        except OSError:
            return
