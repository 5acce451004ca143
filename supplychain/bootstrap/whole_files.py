"""A new file that is there whole and synced, or not at all.

What is written lies beside it under a hidden name, and is locked for as long as its writer lives.
So one that was killed leaves something that can be told from what another one still writes, and the
next one into that folder removes it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from supplychain.errors import ConflictError, InputError, StoreError

_UNFINISHED = ".supplychain-unfinished"


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file that is there, whole and synced, when all went well; else there is none.

    Args:
        path: Where.

    Raises:
        ConflictError: There is such a file.
        InputError: There is no such folder.
        StoreError: It cannot be written.
    """
    if path.exists():
        raise _taken(path)
    folder = path.absolute().parent
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", hint=f"mkdir -p {folder}")
    try:
        for abandoned in folder.glob(f".*{_UNFINISHED}"):
            _sweep(abandoned)
        partial, descriptor = _made(path)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(descriptor)
                _give_name(partial, path)
            _sync(folder)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written",
            because=error.strerror,
            hint="free some space there, or name another place: nothing was left behind",
        ) from error


def _made(path: Path) -> tuple[Path, int]:
    """A hidden file that is locked, and nobody else's name ever."""
    while True:
        partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}{_UNFINISHED}")
        # Whoever may read a backup may read all that is on record.
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with suppress(OSError):  # where nothing can be locked, nothing is swept either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return partial, descriptor
        os.close(descriptor)  # somebody swept it before it was locked


def _sweep(partial: Path) -> None:
    """Remove what nobody writes any more."""
    with suppress(OSError):
        descriptor = os.open(partial, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.unlink()
        finally:
            os.close(descriptor)


def _give_name(partial: Path, path: Path) -> None:
    """Name a file, unless somebody has made one of that name meanwhile: another backup, perhaps."""
    try:
        path.hardlink_to(partial)
    except FileExistsError:
        raise _taken(path) from None
    except OSError:
        # Where a file can have one name only, the last moment to look is this.
        if path.exists():
            raise _taken(path) from None
        partial.replace(path)


def _taken(path: Path) -> ConflictError:
    return ConflictError(f"there is a file {path} already", hint="name another one, or a folder")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
