"""What holds the record is for its owner alone, however open whoever makes it usually is."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from supplychain.records.folder import FolderStore
from supplychain.records.migrating import upgrade
from supplychain.records.private import make_file


@pytest.fixture(params=[0o000, 0o022], ids=["000", "022"])
def usual(request: pytest.FixtureRequest) -> Iterator[int]:
    """A umask that keeps little or nothing from others."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_to_others(folder: Path) -> list[Path]:
    """What others reach of a folder that they may enter: all that no closed folder holds."""
    found = []
    for path in folder.iterdir():
        if mode(path) & 0o077:
            found.append(path)
            if path.is_dir():
                found += open_to_others(path)
    return found


@pytest.mark.parametrize("is_there", [False, True], ids=["new", "there"])
def test_a_record_is_its_owners_alone(tmp_path: Path, usual: int, is_there: bool) -> None:
    """A folder that is there stays as whoever made it wanted it; what is made in it is closed."""
    data = tmp_path / "above" / "data"
    if is_there:
        data.mkdir(parents=True)
        data.chmod(0o755)
    file = data / "supplychain.db"
    upgrade(f"sqlite:///{file}")
    FolderStore(data / "content").put(b"a document")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE further (id INTEGER)")
        beside = {one.name: mode(one) for one in data.glob("supplychain.db*")}
    assert beside == dict.fromkeys((f"{file.name}{end}" for end in ("", "-shm", "-wal")), 0o600)
    assert mode(data) == (0o755 if is_there else 0o700)
    assert mode(data.parent) == (0o777 & ~usual if is_there else 0o700)
    assert not open_to_others(data)


def test_a_folder_of_a_group_stays_the_groups(tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    folder.chmod(0o2770)
    before = os.umask(0o002)
    try:
        FolderStore(folder / "content").put(b"a document")
        make_file(folder / "file")
    finally:
        os.umask(before)
    assert mode(folder / "file") == 0o660
    assert {mode(one) for one in (folder / "content").rglob("*") if one.is_dir()} == {0o2770}


def test_a_server_and_its_worker_write_nothing_for_others(tmp_path: Path, usual: int) -> None:
    data = tmp_path / "above" / "data"
    code = (
        "import os, sys; from supplychain.cli import main; "
        "sys.argv = ['supplychain', 'serve', '--embedded', '--worker', '--port', '0', '--data-dir',"
        " sys.argv[1]]; main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(data)], stderr=subprocess.PIPE, text=True, umask=usual
    ) as process:
        try:
            assert process.stderr is not None
            while "serve" not in (line := process.stderr.readline()):
                assert line, "it ended"
        finally:
            process.terminate()
    assert (data / "supplychain-work.db").exists()
    assert (data / "server.token").exists()
    assert (mode(data.parent), mode(data)) == (0o700, 0o700)
    assert not open_to_others(data)
