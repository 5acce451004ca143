"""What is backed up from either kind of database comes out of either kind, all of it or nothing."""

from __future__ import annotations

import io
import shutil
import tarfile
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from alembic import command
from sqlalchemy import inspect, text

from supplychain.access.tokens import SESSION, make_token
from supplychain.errors import (
    ConflictError,
    SchemaVersionError,
    SupplyChainError,
    VerificationError,
)
from supplychain.gate.decision_document import to_document
from supplychain.model.access import Member, Role, Scope, Session
from supplychain.model.decision import Verdict
from supplychain.model.digest import Digest
from supplychain.model.history import Event, Report
from supplychain.model.subject import Subject
from supplychain.model.waiver import WaiverStep
from supplychain.records import archive, backup
from supplychain.records.backup import Backup, back_up
from supplychain.records.content import ContentStore, key_of
from supplychain.records.database import open_engine, reading, writing
from supplychain.records.folder import FolderStore
from supplychain.records.ledger import DecisionRecord
from supplychain.records.migrating import alembic_config
from supplychain.records.named import ELSEWHERE, KEPT, digest_columns
from supplychain.records.portable import lines_of
from supplychain.records.record import Record
from supplychain.records.restore import restore
from supplychain.records.schema import metadata
from supplychain.records.store_check import check_store
from supplychain.records.version import SchemaState, schema_status
from tests.kit.records import row_counts
from tests.kit.runs import attestation_record, index_run, make_decision, manifest_run, sbom_record
from tests.kit.scans import AT, SUBJECT
from tests.kit.waivers import APPROVER, REQUESTER, make_terms

DAY = timedelta(days=1)


def fill(record: Record) -> None:
    """Something in nearly every table."""
    record.save_run(
        manifest_run(sbom=sbom_record(), attestations=(attestation_record(),), tag="1.4"), at=AT
    )
    record.save_run(manifest_run(), at=AT)
    record.save_run(index_run(attestations=True), at=AT)
    for hour, verdict in enumerate((Verdict.DENY, Verdict.ALLOW)):
        decision = make_decision(verdict=verdict, decided_at=AT + timedelta(hours=hour))
        record.ledger.append(DecisionRecord(to_document(decision), decision, inputs=None))
    report = Report(Event.STARTED, SUBJECT, "prod", AT, "cd", "")
    record.history.deployed(report, at=AT)
    asked = record.waivers.request(make_terms(), actor=REQUESTER, at=AT)
    record.waivers.answer(asked.number, WaiverStep.APPROVED, actor=APPROVER, at=AT)


def backed_up(url: str, content: ContentStore, **options: Any) -> tuple[bytes, Backup]:
    engine, file = open_engine(url), io.BytesIO()
    try:
        made = back_up(engine, content, file, at=AT, by="tests", **options)
    finally:
        engine.dispose()
    return file.getvalue(), made


def restored(data: bytes, url: str, content: ContentStore, **options: object) -> Backup:
    engine = open_engine(url)
    try:
        return restore(engine, content, io.BytesIO(data), **options)  # type: ignore[arg-type]
    finally:
        engine.dispose()


def all_rows(url: str) -> dict[str, list[bytes]]:
    engine = open_engine(url)
    with reading(engine) as connection:
        # Who wrote there is nothing that comes back.
        tables = [t for t in metadata.sorted_tables if t.name != "record_changes"]
        found = {t.name: list(lines_of(connection, t)) for t in tables}
    engine.dispose()
    return found


def test_every_row_and_document_comes_back_in_either_kind(
    database: str, empty_database: str, content: ContentStore, tmp_path: Path
) -> None:
    with Record.open(database, content) as record:
        fill(record)
        data, made = backed_up(database, content)

        other = FolderStore(tmp_path / "other")
        assert restored(data, empty_database, other, expected=made.manifest) == made

        assert all_rows(empty_database) == all_rows(database)
        assert set(other.digests()) == set(content.digests())
        with Record.open(empty_database, other) as again:
            assert again.dossier(SUBJECT.digest, at=AT) == record.dossier(SUBJECT.digest, at=AT)
            assert again.ledger.verify() == record.ledger.verify()
            # Numbers go on behind those that were there.
            again.save_run(index_run("registry.test/shop/new"), at=AT + DAY)
            new = make_decision(environment="later", decided_at=AT + DAY)
            again.ledger.append(DecisionRecord(to_document(new), new))
            assert again.ledger.verify().count == 3
    engine = open_engine(empty_database)
    assert check_store(engine, other).whole
    engine.dispose()


def test_rows_of_many_parts_come_back_and_are_told_of_while_they_are_written(
    sqlite_database: str, content: ContentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Record.open(sqlite_database, content) as record:
        fill(record)
    monkeypatch.setattr(backup, "_AT_ONCE", 1000)
    told: list[int] = []
    data, made = backed_up(sqlite_database, content, moved=told.append)
    parts = [name for name, _ in _members(data) if name.startswith("rows/")]
    assert len(parts) > len({name.split("/")[1] for name in parts})
    assert (len(told), sum(told) > made.size) == (len(parts) + made.documents, True)

    target = f"sqlite:///{tmp_path / 'target.db'}"
    assert restored(data, target, FolderStore(tmp_path / "other")) == made
    assert all_rows(target) == all_rows(sqlite_database)


def test_nobody_is_logged_in_again_by_what_comes_back(
    database: str, content: ContentStore, tmp_path: Path
) -> None:
    with Record.open(database, content) as record:
        scope = Scope((Role.VIEWER,), None)
        alice = Member("alice", "https://login.example", "s-1", "", scope, AT, "root")
        record.access.members.add(alice)
        made = make_token(SESSION)
        session = Session(made.identifier, alice, AT, AT + DAY, AT)
        record.access.sessions.start(session, made.digest)
    data, _ = backed_up(database, content)
    target = f"sqlite:///{tmp_path / 'target.db'}"
    restored(data, target, FolderStore(tmp_path / "other"))
    assert row_counts(database)["sessions"] == 1
    counts = row_counts(target)
    assert (counts["sessions"], counts["memberships"]) == (0, 1)


def test_what_is_written_meanwhile_is_in_it_whole_or_not_at_all(
    database: str, content: ContentStore, tmp_path: Path
) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 0
        with Record.open(database, content) as record:
            while not stop.is_set():
                number += 1
                subject = Subject("n", Digest.of(b"image %d" % number))
                record.save_run(manifest_run(subject, sbom=sbom_record(subject=subject)), at=AT)
                said = make_decision(subject=subject, decided_at=AT + timedelta(seconds=number))
                record.ledger.append(DecisionRecord(to_document(said), said))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        backups = [backed_up(database, content)[0] for _ in range(4)]
    finally:
        stop.set()
        thread.join()
    target = f"sqlite:///{tmp_path / 'target.db'}"
    restored(backups[-1], target, FolderStore(tmp_path / "other"))
    counts = row_counts(target)
    assert counts["decisions"] == counts["decision_links"]
    assert counts["images"] in {counts["decisions"], counts["decisions"] + 1}


def _members(data: bytes) -> list[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return [(m.name, tar.extractfile(m).read()) for m in tar]  # type: ignore[union-attr]


def _packed(found: list[tuple[str, bytes]]) -> bytes:
    file = io.BytesIO()
    packer = archive.Packer(file, AT)
    for name, data in found:
        packer.add(name, data)
    packer.close()
    return file.getvalue()


def _changed(name: str, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def apply(data: bytes) -> bytes:
        found = [(n, change(d) if name in n else d) for n, d in _members(data)]
        assert any(name in n for n, _ in found)
        return _packed(found)

    return apply


def _without(name: str) -> Callable[[bytes], bytes]:
    def apply(data: bytes) -> bytes:
        gone = next(n for n, _ in _members(data) if name in n)
        return _packed([(n, d) for n, d in _members(data) if n != gone])

    return apply


def _edited_decision(lines: bytes) -> bytes:
    rows = archive.unpacked_lines(lines)
    return archive.packed_lines(
        b"".join(row.replace(b'"deny"', b'"allow"') + b"\n" for row in rows)
    )


def _forged(data: bytes) -> bytes:
    """A denial made an allow, with the manifest written anew to fit."""
    found: list[tuple[str, bytes]] = []
    for name, was in _members(data):
        now = _edited_decision(was) if "-decisions/" in name else was
        if name == archive.MANIFEST:
            manifest = orjson.loads(was)
            manifest["members"] |= {
                n: str(Digest.of(d)) for n, d in found if n in manifest["members"]
            }
            now = archive.as_json(manifest)
        found.append((name, now))
    return _packed(found)


DAMAGES = pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda data: b"", "only a part|no whole backup"),
        (lambda data: b"not a tar" * 1000, "no backup"),
        (lambda data: data[: len(data) // 2], "only a part|no whole backup"),
        (lambda data: data[: len(data) // 4], "only a part|no whole backup"),
        (_without("manifest.json"), "no whole backup"),
        (_without("backup.json"), "no whole backup"),
        (_without("rows/"), "do not fit|no whole backup"),
        (_without("documents/"), "no whole backup"),
        (_changed("-decisions/", _edited_decision), "no whole backup"),
        (_changed("documents/", lambda data: data + b" "), "is not sha256:"),
        (_changed("-images/", lambda data: b"\x00" + data), "damaged"),
        (_forged, "chain of decisions in the backup is broken"),
        (lambda data: _packed([*_members(data), ("more.json", b"{}")]), "no whole backup"),
        (lambda data: _packed([("../../etc/passwd", b""), *_members(data)]), "no whole backup"),
        (
            lambda data: _packed(
                [*_members(data)[:1], ("/etc/cron.d/x", b""), *_members(data)[1:]]
            ),
            "no whole backup",
        ),
    ],
)


@pytest.fixture(scope="module")
def good(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A backup of something in nearly every table."""
    folder = tmp_path_factory.mktemp("good")
    url, content = f"sqlite:///{folder / 'record.db'}", FolderStore(folder / "content")
    shutil.copyfile(sqlite_template, folder / "record.db")
    with Record.open(url, content) as record:
        fill(record)
    return backed_up(url, content)[0]


@DAMAGES
def test_a_backup_that_is_not_what_was_written_restores_nothing(
    good: bytes, content: ContentStore, tmp_path: Path, damage: Callable[[bytes], bytes], told: str
) -> None:
    _refuses(damage(good), told, f"sqlite:///{tmp_path / 'target.db'}", content)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (_forged, "chain of decisions in the backup is broken"),
        (_without("rows/"), "do not fit|no whole backup"),
        (lambda data: data[: len(data) // 2], "only a part|no whole backup"),
    ],
)
def test_a_backup_that_was_changed_stands_in_the_way_of_no_good_one(
    good: bytes,
    empty_database: str,
    content: ContentStore,
    damage: Callable[[bytes], bytes],
    told: str,
) -> None:
    _refuses(damage(good), told, empty_database, content)

    restored(good, empty_database, content)


def _refuses(data: bytes, told: str, target: str, content: ContentStore) -> None:
    with pytest.raises(SupplyChainError, match=told) as caught:
        restored(data, target, content)
    assert isinstance(caught.value, VerificationError)
    assert schema_status(target).state is SchemaState.EMPTY
    engine = open_engine(target)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_another_backup_than_the_noted_one_is_refused(
    sqlite_database: str, empty_database: str, content: ContentStore
) -> None:
    data, _ = backed_up(sqlite_database, content)
    with pytest.raises(VerificationError, match="another backup than the one that was noted"):
        restored(data, empty_database, content, expected=Digest.of(b"noted"))
    assert schema_status(empty_database).state is SchemaState.EMPTY


def test_only_an_empty_database_is_restored_into(database: str, content: ContentStore) -> None:
    data, _ = backed_up(database, content)
    with pytest.raises(ConflictError, match="into an empty database only"):
        restored(data, database, content)


def test_a_chain_that_was_broken_already_is_taken_over_when_asked(
    sqlite_database: str, empty_database: str, content: ContentStore
) -> None:
    with Record.open(sqlite_database, content) as record:
        fill(record)
    engine = open_engine(sqlite_database)
    with writing(engine) as connection:
        connection.execute(text("DROP TRIGGER decisions_no_update"))
        connection.execute(text("UPDATE decisions SET verdict = 'allow'"))
    engine.dispose()
    data, _ = backed_up(sqlite_database, content)

    with pytest.raises(VerificationError, match="broken") as caught:
        restored(data, empty_database, content)
    assert "--accept-breaks" in (caught.value.hint or "")
    restored(data, empty_database, content, accept_breaks=True)
    with Record.open(empty_database, content) as again:
        assert again.ledger.verify().breaks


def test_a_document_that_is_missing_or_damaged_makes_no_backup(
    sqlite_database: str, content: ContentStore, tmp_path: Path
) -> None:
    with Record.open(sqlite_database, content) as record:
        fill(record)
    path = tmp_path / "content" / key_of(next(iter(content.digests())))
    good = path.read_bytes()
    path.unlink()
    with pytest.raises(VerificationError, match="lacks 1 documents") as caught:
        backed_up(sqlite_database, content)
    assert "verify-store" in (caught.value.hint or "")
    path.write_bytes(good + b" ")
    with pytest.raises(VerificationError, match="holds other bytes"):
        backed_up(sqlite_database, content)


def test_a_backup_of_an_older_schema_comes_out_with_todays(
    empty_database: str, content: ContentStore, tmp_path: Path
) -> None:
    """Made as that version made it: its schema, its tables, its columns."""
    from sqlalchemy import MetaData

    old = f"sqlite:///{tmp_path / 'old.db'}"
    engine, config = open_engine(old), alembic_config()
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0013")
    described = MetaData()
    described.reflect(engine)
    tables = [t for t in described.sorted_tables if t.name != "alembic_version"]
    header = {
        "format": "supplychain-backup/1",
        "schema": "0013",
        "tables": {t.name: [c.name for c in t.c] for t in tables},
    }
    head = archive.as_json(header)
    members = {archive.HEADER: head}
    with reading(engine) as connection:
        for number, table in enumerate(tables):
            lines = b"".join(line + b"\n" for line in lines_of(connection, table))
            if lines:
                name = f"rows/{number:04}-{table.name}/000000.jsonl.zst"
                members[name] = archive.packed_lines(lines)
        counts = {t.name: len(list(lines_of(connection, t))) for t in tables}
    engine.dispose()
    manifest = archive.as_json(
        {
            "format": "supplychain-backup/1",
            "members": {name: str(Digest.of(data)) for name, data in members.items()},
            "rows": counts,
            "heads": {},
            "documents": archive.DocumentCount().as_data(),
        }
    )
    data = _packed([*members.items(), (archive.MANIFEST, manifest)])

    restored(data, empty_database, content)

    assert schema_status(empty_database).state is SchemaState.CURRENT
    with Record.open(empty_database, content) as record:
        record.save_run(manifest_run(), at=AT)


def test_a_backup_of_a_newer_schema_is_refused(
    sqlite_database: str, empty_database: str, content: ContentStore
) -> None:
    def newer(head: bytes) -> bytes:
        return archive.as_json(orjson.loads(head) | {"schema": "9999"})

    data, _ = backed_up(sqlite_database, content)
    with pytest.raises(SchemaVersionError, match="newer supplychain"):
        restored(_changed("backup.json", newer)(data), empty_database, content)


def test_every_column_with_a_digest_is_known_to_name_a_document_or_none() -> None:
    """Who adds a table says of what its digests are: else retention and checks would not know."""
    known = {f"{c.table.name}.{c.name}" for c in KEPT} | ELSEWHERE
    assert {f"{c.table.name}.{c.name}" for c in digest_columns()} == known
