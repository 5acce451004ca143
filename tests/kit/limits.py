"""A disk that is full and a user who may not write, for real but only for a moment."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NOBODY = 65534


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """No file of this process, or of one it starts, may grow beyond `limit` bytes (EFBIG).

    Python does not notice that it wrote only the first part of a module's bytecode, and would
    stumble over it ever after: it must not write any, nor must a child (PYTHONDONTWRITEBYTECODE).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        sys.dont_write_bytecode = kept


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root, who may write anywhere, is nobody; anybody else stays who they are."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """A folder that every user can look into, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="open-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        # What was made read-only can be removed again.
        folder.chmod(0o755)
