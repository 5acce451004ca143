"""Private folders for what is needed only while a command runs."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from supplychain.errors import StoreError


@contextmanager
def private_folder(parent: Path) -> Iterator[Path]:
    """A folder of one's own that is gone afterwards, whatever happened.

    What a killed process left behind is removed by the next one: each folder is locked by the
    process that uses it, and the kernel lets go of the lock when that process dies.

    Args:
        parent: Where it is made; only such folders may be in it.

    Raises:
        StoreError: It cannot be made.
    """
    try:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder, lock = _made(parent)
    except OSError as error:
        raise StoreError(
            f"no folder can be made in {parent}",
            because=error.strerror,
            hint="free some space, or choose another folder: SUPPLYCHAIN_CACHE_DIR=…",
            retryable=False,
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _made(parent: Path) -> tuple[Path, int]:
    # The parent's lock keeps others from sweeping a folder that is made but not locked yet.
    turn = os.open(parent, os.O_RDONLY)
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)
        for abandoned in parent.iterdir():
            _sweep(abandoned)
        folder = Path(tempfile.mkdtemp(dir=parent))
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
    finally:
        os.close(turn)
    return folder, lock


def _sweep(folder: Path) -> None:
    """Remove a folder that nobody uses any more."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
