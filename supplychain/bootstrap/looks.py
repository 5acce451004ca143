"""Whether a file is still the one that was read."""

from __future__ import annotations

from pathlib import Path

# Which file it is, how large, and when its content and it itself last changed.
Look = tuple[int, int, int, int]


def look_at(path: Path) -> Look | None:
    """How a file looks now; None where it cannot be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
