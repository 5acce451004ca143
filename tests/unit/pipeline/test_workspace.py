"""Private folders: gone afterwards, swept when abandoned, never taken from who uses them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from supplychain.errors import StoreError
from supplychain.pipeline.workspace import private_folder

_ABANDON = """
import os, sys
from pathlib import Path
from supplychain.pipeline.workspace import private_folder
with private_folder(Path(sys.argv[1])) as folder:
    (folder / "layer").write_bytes(b"x")
    os._exit(9)
"""


def test_a_folder_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    with private_folder(tmp_path / "work") as folder:
        (folder / "inside").mkdir()
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list((tmp_path / "work").iterdir()) == []


def test_a_folder_is_gone_after_an_error(tmp_path: Path) -> None:
    def fail() -> None:
        with private_folder(tmp_path) as folder:
            (folder / "file").touch()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_swept_and_what_is_in_use_stays(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", _ABANDON, str(tmp_path)], check=False)
    assert killed.returncode == 9
    [abandoned] = tmp_path.iterdir()
    with private_folder(tmp_path) as first:
        assert not abandoned.exists()
        with private_folder(tmp_path) as second:
            assert first.exists()
            assert first != second


def test_a_parent_that_cannot_be_made_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="no folder can be made") as caught:
        private_folder(tmp_path / "file" / "work").__enter__()
    assert "SUPPLYCHAIN_CACHE_DIR" in (caught.value.hint or "")
