"""Databases that fail: our own error, why, what to do, and nothing half-recorded."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import make_url

from supplychain.errors import ConfigurationError, StoreError
from supplychain.records.content import ContentStore
from supplychain.records.database import open_engine, reading, writing
from supplychain.records.folder import FolderStore
from supplychain.records.ledger import DecisionRecord
from supplychain.records.migrating import upgrade
from supplychain.records.record import Record
from tests.kit.limits import file_size_limit, reachable_folder, unprivileged
from tests.kit.records import row_counts
from tests.kit.runs import make_decision, manifest_run, scan_record
from tests.kit.scans import AT, SUBJECT, realistic_components


@pytest.fixture
def own_file(sqlite_template: Path, tmp_path: Path) -> Path:
    file = tmp_path / "record.db"
    shutil.copyfile(sqlite_template, file)
    return file


def test_a_full_disk_leaves_nothing_half_recorded(own_file: Path, content: ContentStore) -> None:
    url = f"sqlite:///{own_file}"
    run = manifest_run(scan=scan_record(components=realistic_components(2_000), findings=()))
    with Record.open(url, content) as record:
        with (
            file_size_limit(own_file.stat().st_size + 100_000),
            pytest.raises(StoreError) as caught,
        ):
            record.save_run(run, at=AT)

        assert str(caught.value).startswith(("the disk is full", "the database's disk failed"))
        assert "free some space" in (caught.value.hint or "")
        assert caught.value.retryable
        assert row_counts(url)["images"] == 0
        record.save_run(run, at=AT)
    assert row_counts(url)["inventoried_components"] == 2_000


def test_a_full_content_store_leaves_no_rows(database: str, tmp_path: Path) -> None:
    with Record.open(database, FolderStore(tmp_path / "content")) as record:
        run = manifest_run(scan=scan_record(report=b" " * 200_000))
        with file_size_limit(100_000), pytest.raises(StoreError, match="content store"):
            record.save_run(run, at=AT)

        assert record.dossier(SUBJECT.digest, at=AT) is None
        assert row_counts(database)["images"] == 0


def test_a_run_that_fails_in_the_middle_leaves_nothing(record: Record, database: str) -> None:
    """The connection is lost at each statement in turn, up to the last."""
    engine = record._engine
    countdown = 0

    class LostError(Exception):
        pass

    @event.listens_for(engine, "before_cursor_execute")
    def lose(*_: object) -> None:
        nonlocal countdown
        countdown -= 1
        if countdown == 0:
            raise LostError

    def survives(statements: int) -> bool:
        nonlocal countdown
        countdown = statements
        try:
            record.save_run(manifest_run(), at=AT)
        except LostError:
            return False
        return True

    needed = next(statements for statements in range(1, 200) if survives(statements))
    event.remove(engine, "before_cursor_execute", lose)
    assert needed > 15
    counts = row_counts(database)
    assert (counts["evidence"], counts["scans"], counts["assessed_findings"]) == (1, 1, 1)


def test_a_read_only_database_says_so(sqlite_template: Path) -> None:
    with reachable_folder() as folder:
        file = folder / "record.db"
        shutil.copyfile(sqlite_template, file)
        file.chmod(0o444)
        folder.chmod(0o555)
        with unprivileged(), pytest.raises(StoreError, match="cannot be") as caught:
            Record.open(f"sqlite:///{file}", FolderStore(folder / "content"))
    assert "right to write there" in (caught.value.hint or "")
    assert not caught.value.retryable


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path, content: ContentStore) -> None:
    (tmp_path / "file").write_text("in the way")
    url = f"sqlite:///{tmp_path / 'file' / 'record.db'}"

    with pytest.raises(StoreError, match="the folder for the database cannot be made") as caught:
        Record.open(url, content, create=True)
    assert caught.value.hint


def test_a_locked_database_says_so_and_may_be_tried_again(own_file: Path) -> None:
    engine = open_engine(f"sqlite:///{own_file}", wait=0.1)
    with closing(sqlite3.connect(own_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="the database is locked") as caught, writing(engine):
            pass
        other.execute("ROLLBACK")
    assert caught.value.retryable
    with writing(engine):
        pass
    engine.dispose()


def test_readers_do_not_wait_for_a_writer(own_file: Path, content: ContentStore) -> None:
    with Record.open(f"sqlite:///{own_file}", content) as record:
        record.save_run(manifest_run(), at=AT)
        with closing(sqlite3.connect(own_file, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            assert record.dossier(SUBJECT.digest, at=AT) is not None
            other.execute("ROLLBACK")


@pytest.mark.parametrize("damage", [b"no database at all, only text" * 200, b"\0" * 4096])
def test_a_file_that_is_no_database_says_so(
    tmp_path: Path, content: ContentStore, damage: bytes
) -> None:
    file = tmp_path / "record.db"
    file.write_bytes(damage)

    with pytest.raises(StoreError, match="the file is not a database") as caught:
        Record.open(f"sqlite:///{file}", content, create=True)
    assert caught.value.hint
    assert file.read_bytes() == damage


def test_a_sqlite_connection_keeps_what_it_acknowledged(own_file: Path) -> None:
    engine = open_engine(f"sqlite:///{own_file}")
    with reading(engine) as connection:
        wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
        for pragma, value in wanted.items():
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
    engine.dispose()


def test_a_server_that_is_down_says_so(tmp_path: Path, content: ContentStore) -> None:
    with pytest.raises(StoreError, match="the database server cannot be reached") as caught:
        Record.open(f"postgresql://user:secret@/name?host={tmp_path}", content)
    assert caught.value.retryable
    assert "secret" not in str(caught.value.diagnostics())


def test_a_database_that_is_not_there_says_so(
    postgresql_server: str, content: ContentStore
) -> None:
    url = make_url(postgresql_server).set(database="absent").render_as_string(hide_password=False)

    with pytest.raises(StoreError) as caught:
        Record.open(url, content)
    assert 'database "absent" does not exist' in (caught.value.because or "")


@pytest.mark.parametrize(
    ("state", "message", "retryable"),
    [
        ("53100", "the database server's disk is full", True),
        ("55P03", "the database is locked", True),
        ("40P01", "the database is busy", True),
        ("57014", "the database took too long", True),
        ("57P01", "the database server is shutting down", True),
        ("25006", "the database takes no writes at present", True),
        ("42501", "the database cannot be written", False),
        ("XX000", "the database refused", False),
    ],
)
def test_what_a_server_refuses_is_told_apart(
    postgresql_database: str, content: ContentStore, state: str, message: str, retryable: bool
) -> None:
    with psycopg.connect(postgresql_database, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{state}'; END $$"
        )
        connection.execute("CREATE TRIGGER refuse BEFORE INSERT ON scans EXECUTE FUNCTION refuse()")
    with Record.open(postgresql_database, content) as record:
        with pytest.raises(StoreError, match=f"^{re.escape(message)}") as caught:
            record.save_run(manifest_run(), at=AT)
        assert caught.value.retryable is retryable
        assert caught.value.because == "refused"
        assert caught.value.hint
        assert record.dossier(SUBJECT.digest, at=AT) is None


def _cut(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_connection_that_is_cut_while_it_waits_is_made_anew(
    postgresql_database: str, content: ContentStore
) -> None:
    with Record.open(postgresql_database, content) as record:
        record.save_run(manifest_run(), at=AT)
        _cut(postgresql_database)
        record.ledger.append(DecisionRecord(b"document", make_decision()))
        assert len(record.ledger.list()) == 1


def test_one_that_is_cut_in_the_middle_is_told(postgresql_database: str) -> None:
    engine = open_engine(postgresql_database)

    def cut_off() -> None:
        with writing(engine) as connection:
            _cut(postgresql_database)
            connection.exec_driver_sql("SELECT 1")

    with pytest.raises(StoreError) as caught:
        cut_off()
    assert caught.value.retryable
    engine.dispose()


@pytest.mark.parametrize(
    "url", ["", "record.db", "sqlite://", "mysql://host/name", "postgresql+asyncpg://host/name"]
)
def test_an_unusable_url_is_refused_with_the_right_form(url: str, content: ContentStore) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Record.open(url, content)
    assert "sqlite:///" in (caught.value.hint or "")
    assert "postgresql://" in (caught.value.hint or "")


def test_a_password_never_shows(content: ContentStore) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Record.open("mysql://user:secret@host:badport/name", content)
    assert "secret" not in str(caught.value.diagnostics())


def test_postgresql_without_its_driver_says_what_to_install(
    content: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supplychain.records.database.find_spec", lambda _: None)

    with pytest.raises(ConfigurationError) as caught:
        Record.open("postgresql://host/name", content)
    assert caught.value.hint == "type `pip install 'supplychain[postgresql]'`"


def test_a_database_that_takes_any_bytes_for_text_is_none_of_ours(
    database_of_bytes: str, content: ContentStore
) -> None:
    for opened in (
        lambda: upgrade(database_of_bytes),
        lambda: Record.open(database_of_bytes, content),
    ):
        with pytest.raises(ConfigurationError, match="as UTF8") as caught:
            opened()
        assert "SQL_ASCII" in (caught.value.because or "")
