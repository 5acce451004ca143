"""Real Debian packages for tests, fetched by any user and kept between runs.

Uses the machine's own apt sources and keyrings, with private state, so neither root nor an
up-to-date package list is needed. Where there is no `apt-get`, the test that asks is skipped.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[2]


def cache_folder() -> Path:
    """The folder for what tests fetch once: `SUPPLYCHAIN_TEST_CACHE`, or `.cache/tools`."""
    named = os.environ.get("SUPPLYCHAIN_TEST_CACHE")
    folder = Path(named) if named else _REPOSITORY / ".cache" / "tools"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the one lock of a cache folder, among processes too (pytest-xdist)."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def debian_packages(names: Sequence[str]) -> list[Path]:
    """The `.deb` files of these packages in the machine's release, in the order asked for.

    Skips the calling test where the machine has no apt, or apt cannot fetch them.
    """
    folder = cache_folder() / "debian"
    with locked(folder):
        missing = [name for name in names if _downloaded(folder, name) is None]
        if missing:
            _download(folder, missing)
        found = [_downloaded(folder, name) for name in names]
    absent = [name for name, path in zip(names, found, strict=True) if path is None]
    if absent:
        pytest.skip(f"apt-get fetched no package file for {', '.join(absent)}")
    return [path for path in found if path is not None]


def unpacked(names: Sequence[str]) -> Path:
    """The data of these packages unpacked together into one kept folder, which is not changed."""
    packages = debian_packages(names)
    folder = cache_folder() / "debian" / "unpacked" / key_of(packages)
    with locked(folder.parent):
        if not folder.exists():
            partial = folder.with_name("partial")
            shutil.rmtree(partial, ignore_errors=True)
            for package in packages:
                subprocess.run(["dpkg-deb", "-x", package, partial], check=True)
            partial.rename(folder)
    return folder


def key_of(packages: Sequence[Path]) -> str:
    """A name for exactly these package files, in this order."""
    return hashlib.sha256("+".join(path.name for path in packages).encode()).hexdigest()[:16]


def _downloaded(folder: Path, name: str) -> Path | None:
    return max(folder.glob(f"{name}_*.deb"), key=lambda path: path.stat().st_mtime, default=None)


def _download(folder: Path, names: Sequence[str]) -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip("needs apt-get and dpkg-deb for real Debian packages")
    # The lists may be absent or older than the mirror: then they are fetched, privately.
    if _apt(folder, "download", *names) is None:
        return
    update = _apt(folder, "update")
    failed = _apt(folder, "download", *names)
    if failed is not None:
        pytest.skip(f"apt-get could not download {' '.join(names)}: {failed or update}")


def _apt(folder: Path, *arguments: str) -> str | None:
    """Run apt-get on private state; its last error line, or None where all went well."""
    state = folder / "apt"
    for part in ("lists/partial", "cache/archives/partial"):
        (state / part).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    options = [
        f"Dir::State={state}",
        f"Dir::State::lists={state}/lists",
        f"Dir::State::status={state}/status",
        f"Dir::Cache={state}/cache",
        "APT::Sandbox::User=",
        "Acquire::Languages=none",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
    ]
    command = ["apt-get", "-qq", *(f"-o{option}" for option in options), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    lines = done.stderr.strip().splitlines()
    return None if done.returncode == 0 else (lines[-1] if lines else "apt-get failed")
