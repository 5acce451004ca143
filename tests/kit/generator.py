"""A generator of clients, in an environment of its own: it wants other versions than we do."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.debian import cache_folder, locked

_REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements" / "openapi.txt"
_TIMEOUT = 240


def generator() -> Path:
    """The programs of the environment, which is made once; skips the caller where it cannot be."""
    pinned = hashlib.sha256(_REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = cache_folder() / "openapi" / pinned
    with locked(folder.parent):
        if not (folder / "made").exists():
            _make(folder)
    return folder / "bin"


def _make(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=_TIMEOUT)
    python = str(folder / "bin" / "python")
    done = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(_REQUIREMENTS)],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
        pytest.skip(f"the generator of clients cannot be installed: {last}")
    (folder / "made").touch()
