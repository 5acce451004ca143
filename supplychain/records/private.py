"""Folders and files that hold what is on record: for their owner alone, whatever the umask says.

In a folder that is a group's, by its setgid bit, they are for the group, too, as the umask lets.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path


def make_folders(folder: Path) -> None:
    """Make a folder and those above it that are not there.

    Raises:
        OSError: One cannot be made.
    """
    if folder.is_dir():
        return
    make_folders(folder.parent)
    make_folder(folder)


def make_folder(folder: Path) -> None:
    """Make a folder in one that is there, unless it is there too.

    Raises:
        OSError: It cannot be made.
    """
    folder.mkdir(mode=0o770 if _is_shared(folder.parent) else 0o700, exist_ok=True)


def make_file(path: Path) -> None:
    """Make an empty file in a folder that is there, unless it is there too.

    Raises:
        OSError: It cannot be made.
    """
    mode = 0o660 if _is_shared(path.parent) else 0o600
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode))


def _is_shared(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_ISGID)
