"""Disks that are really full: small file systems, each with nothing left."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A file system of this size, where this user may mount one."""
    folder = Path(tempfile.mkdtemp(prefix="disk-"))
    asked = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "none", str(folder)]
    try:
        if shutil.which("mount") is None or _fails(asked):
            pytest.skip("nobody may mount a file system here")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
    finally:
        folder.rmdir()


def _fails(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode != 0


def fill(folder: Path, *, leave: int = 0) -> Path:
    """Take all the room that there is, but for some bytes."""
    filler = folder / "filler"
    with filler.open("wb") as file:
        while (free := os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize - leave) > 0:
            try:
                os.posix_fallocate(file.fileno(), file.tell(), free)
            except OSError as error:
                # Others may have taken some of it meanwhile.
                if error.errno != errno.ENOSPC:
                    raise
            else:
                file.seek(free, os.SEEK_CUR)
    return filler
