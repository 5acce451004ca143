"""What is installed can upgrade a database without the checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from supplychain.records.migrating import migrations_folder


def test_the_wheel_brings_the_migrations(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        check=True,
        cwd=migrations_folder().parent,
        capture_output=True,
    )

    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if name.startswith("supplychain/_migr")}
    files = {
        f"supplychain/_migrations/{path.relative_to(migrations_folder())}"
        for path in migrations_folder().rglob("*.py")
    }
    assert files <= shipped
    assert {path.name for path in migrations_folder().glob("*")} >= {"env.py", "versions"}
