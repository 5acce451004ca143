"""Where Trivy keeps what it learned about layers.

Trivy locks its cache for a whole scan, so each scan that runs at the same time needs one of its
own: a pool of numbered folders, of which a scan takes the first that nobody holds. What is in them
was learned from layers that somebody verified; projects that do not trust one another must not
share a pool, nor must two binaries, so the caller gives each its own folder.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from supplychain.errors import StoreError, ToolError
from supplychain.frozen import dataclass

_MOST_WORKERS = 64


@dataclass(frozen=True, slots=True)
class CachePool:
    """Cache folders for the scans of one trust domain with one binary.

    Attributes:
        folder: Where they are; may be deleted whenever no scan runs.
    """

    folder: Path

    @contextmanager
    def cache(self, database: Path, java: Path | None = None) -> Iterator[Path]:
        """A cache folder of one's own, with these databases in it.

        Args:
            database: Folder of the vulnerability database generation.
            java: Folder of the Java database; None where there is none.

        Raises:
            ToolError: More scans run at once than there are caches.
            StoreError: The folder cannot be written.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            number, lock = self._take()
        except OSError as error:
            raise StoreError(
                f"the scanner's cache in {self.folder} cannot be written",
                because=error.strerror,
                hint="choose another folder: SUPPLYCHAIN_CACHE_DIR=/some/folder",
            ) from error
        try:
            cache = self.folder / str(number)
            cache.mkdir(mode=0o700, exist_ok=True)
            _link(cache / "db", database.resolve())
            _link(cache / "java-db", java.resolve() if java else None)
            yield cache
        finally:
            os.close(lock)

    def _take(self) -> tuple[int, int]:
        for number in range(_MOST_WORKERS):
            lock = os.open(self.folder / f"{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
            else:
                return number, lock
        raise ToolError(
            f"{_MOST_WORKERS} scans run already",
            hint="wait for one of them to end",
            retryable=True,
        )


def _link(link: Path, target: Path | None) -> None:
    if target is None:
        link.unlink(missing_ok=True)
        return
    if link.is_symlink() and link.readlink() == target:
        return
    fresh = link.with_name(f"{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target, target_is_directory=True)
    fresh.replace(link)
