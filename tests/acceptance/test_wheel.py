"""The wheel holds everything that the program needs, and works where there is no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from supplychain import __version__
from tests.kit.prose import REPOSITORY


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheel is installed, without what it depends on."""
    folder = tmp_path_factory.mktemp("installed")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, "--target", str(folder), str(wheel)], check=True)
    return folder


def test_the_wheel_holds_the_package_with_its_data_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "supplychain").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    migrations = {
        f"supplychain/_migrations/{path.relative_to(REPOSITORY / 'migrations')}"
        for path in (REPOSITORY / "migrations").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "supplychain/scan/canaries.json" in package
    assert "supplychain/_migrations/versions/0001_first_schema.py" in migrations
    about = f"supplychain-{__version__}.dist-info"
    rest = {f"{about}/{n}" for n in ("METADATA", "RECORD", "WHEEL", "entry_points.txt")}
    assert names == package | migrations | rest | {f"{about}/licenses/LICENSE"}


def test_the_installed_program_tells_its_version(installed: Path, tmp_path: Path) -> None:
    done = typed(installed, tmp_path, "--version")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == f"supplychain {__version__}"


def test_the_installed_program_brings_its_migrations(installed: Path, tmp_path: Path) -> None:
    done = typed(installed, tmp_path, "db", "upgrade")
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith(": current")
    status = typed(installed, tmp_path, "db", "status")
    assert status.returncode == 0, status.stderr
    assert (tmp_path / ".local" / "share" / "supplychain" / "supplychain.db").is_file()


def typed(installed: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed program, away from the checkout; its dependencies are those of here."""
    environ = {"HOME": str(home), "PATH": os.defpath, "PYTHONPATH": str(installed)}
    where = [sys.executable, "-c", "import supplychain; print(supplychain.__file__)"]
    found = subprocess.run(where, cwd=home, env=environ, capture_output=True, text=True, check=True)
    assert Path(found.stdout.strip()).is_relative_to(installed)
    program = [sys.executable, str(installed / "bin" / "supplychain"), *arguments]
    return subprocess.run(
        program, cwd=home, env=environ, capture_output=True, text=True, check=False
    )
