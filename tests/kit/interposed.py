"""A library that real processes load before the C library, where a C compiler can make one."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.kit.debian import cache_folder, locked

_SOURCE = Path(__file__).with_suffix(".c")


@cache
def _made(compiler: str) -> Path:
    folder = cache_folder() / "interposed"
    library = folder / f"{hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:16]}.so"
    with locked(folder):
        if not library.exists():
            partial = library.with_suffix(".partial")
            options = ["-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-ldl"]
            subprocess.run([compiler, *options, "-o", partial, _SOURCE], check=True)
            partial.rename(library)
    return library


def interposed() -> Path:
    """The library, for `LD_PRELOAD`; skips the calling test where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler is here that would make a library to load first")
    return _made(compiler)


def write_number(file: Path, number: float) -> None:
    """Tell whoever has it loaded, from now on, and never half of it."""
    new = file.with_suffix(".new")
    new.write_text(f"{number:.0f}\n")
    new.replace(file)
