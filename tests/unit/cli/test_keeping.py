"""`backup`, `restore` and `verify-store` as they are typed."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from supplychain.bootstrap import whole_files
from supplychain.records.backup import Backup, back_up
from supplychain.records.content import key_of
from tests.kit.typist import IMAGE, Typist


@pytest.fixture
def filled(typist: Typist) -> Typist:
    typist.policy("sbom: {}")
    typist.examined()
    assert typist.type("gate", IMAGE, "-e", "prod").code in {0, 10}
    return typist


def documents(typist: Typist) -> list[Path]:
    return [p for p in (typist.data / "content" / "sha256").rglob("*") if p.is_file()]


@pytest.mark.filterwarnings("error::sqlalchemy.exc.SAWarning")  # an operator would see them
def test_a_backup_is_restored_elsewhere_and_judges_the_same(filled: Typist) -> None:
    made = filled.type("backup", "record.tar", "-o", "json")
    assert made.code == 0
    said = json.loads(made.stdout)
    assert said["documents"] == len(documents(filled))
    assert stat.S_IMODE((filled.folder / "record.tar").stat().st_mode) == 0o600

    back = filled.type(
        "restore", "record.tar", "--manifest", said["manifest"], "--data-dir", "restored"
    )

    assert back.code == 0, back.stderr
    assert said["manifest"] in back.stdout
    checked = filled.type("verify-store", "--data-dir", "restored")
    assert checked.code == 0
    assert checked.stdout.startswith("whole  ")
    listed = filled.type("decisions", "list", "--data-dir", "restored", "-o", "json")
    assert listed.stdout == filled.type("decisions", "list", "-o", "json").stdout


def test_a_folder_gets_a_file_named_by_the_time(filled: Typist) -> None:
    (filled.folder / "backups").mkdir()
    made = filled.type("backup", "backups")
    assert made.code == 0
    (file,) = (filled.folder / "backups").iterdir()
    assert file.name.startswith("supplychain-20")
    assert str(file.relative_to(filled.folder)) in made.stdout


@pytest.mark.parametrize(
    ("target", "told"),
    [("taken.tar", "there is a file"), ("absent/record.tar", "there is no folder")],
)
def test_a_backup_goes_into_a_new_file_only(filled: Typist, target: str, told: str) -> None:
    (filled.folder / "taken.tar").write_text("mine")
    made = filled.type("backup", target)
    assert made.code != 0
    assert told in made.stderr
    assert (filled.folder / "taken.tar").read_text() == "mine"


def test_of_two_backups_into_one_file_one_is_told_so(filled: Typist) -> None:
    """The other one ends while it is at work: what that noted as its digest has to stay true."""

    def meanwhile(*arguments: Any, **options: Any) -> Backup:
        (filled.folder / "record.tar").write_bytes(b"another backup")
        return back_up(*arguments, **options)

    filled.patch.setattr("supplychain.records.backup.back_up", meanwhile)
    filled.type("backup", "record.tar").refused(1, "there is a file record.tar already")
    assert (filled.folder / "record.tar").read_bytes() == b"another backup"
    assert not list(filled.folder.glob(".record*"))


def test_a_backup_that_finds_no_room_leaves_nothing(filled: Typist) -> None:
    """The file size limit is the disk that is full."""
    with filled.record() as record:
        record._content.put(os.urandom(3_000_000))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, before[1]))
    try:
        made = filled.type("backup", "record.tar")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert made.code == 1
    assert "record.tar cannot be written" in made.stderr
    assert not list(filled.folder.glob("*record.tar*"))


_AT_WORK = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from supplychain.bootstrap.keeping import back_up
from supplychain.settings import Settings

def moved(size):
    print("moved", flush=True)
    sys.stdin.readline()

settings = Settings({"data_dir": sys.argv[1]}, {}, Path("/"))
back_up(settings, Path(sys.argv[2]), at=datetime.now(UTC), moved=moved)
"""


@contextmanager
def at_work(typist: Typist, target: Path) -> Iterator[subprocess.Popen[str]]:
    """A backup in a process of its own that is in the middle of it."""
    with subprocess.Popen(
        [sys.executable, "-c", _AT_WORK, typist.data, target],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "moved\n"
            yield process
        finally:
            process.kill()


def test_what_a_killed_backup_left_goes_with_the_next_one(filled: Typist) -> None:
    """It is as large as the record, and hidden."""
    folder = filled.folder / "backups"
    folder.mkdir()
    (folder / ".mine.partial").write_text("somebody else's")
    with at_work(filled, folder / "alive.tar") as alive:
        with at_work(filled, folder / "killed.tar") as killed:
            assert len(list(folder.iterdir())) == 3
            killed.send_signal(signal.SIGKILL)
            assert killed.wait() == -signal.SIGKILL
        (left,) = folder.glob(".killed.tar.*")
        assert left.stat().st_size > 0

        filled.type("backup", "backups").ended(0)

        assert not left.exists()
        # One that is still at work is left alone, and comes to its end.
        assert len(list(folder.glob(".alive.tar.*"))) == 1
        assert alive.communicate("\n" * 100_000)[0] is not None
        assert alive.returncode == 0
    assert len(list(folder.glob("supplychain-*.tar"))) == 1
    assert sorted(p.name for p in folder.glob("[!s]*")) == [".mine.partial", "alive.tar"]
    filled.type("restore", "backups/alive.tar", "--data-dir", "restored").ended(0)


def test_what_is_swept_before_it_is_locked_is_made_anew(
    filled: Typist, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moment between making a file and locking it is another backup's for sweeping."""
    lock = fcntl.flock
    swept: list[Path] = []

    def late(descriptor: int, how: int) -> None:
        if not swept:
            (made,) = filled.folder.glob(".record.tar.*")
            swept.append(made)
            whole_files._sweep(made)
            assert not made.exists()
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    filled.type("backup", "record.tar").ended(0)
    assert swept
    filled.type("restore", "record.tar", "--data-dir", "restored").ended(0)
    assert not list(filled.folder.glob(".record*"))


def test_restoring_into_a_record_that_is_there_is_refused(filled: Typist) -> None:
    filled.type("backup", "record.tar")
    told = filled.type("restore", "record.tar")
    assert told.code == 1
    assert "into an empty database only" in told.stderr
    assert "--data-dir" in told.stderr


def test_what_is_no_backup_is_refused_in_plain_words(filled: Typist) -> None:
    (filled.folder / "other").write_bytes(b"something else")
    told = filled.type("restore", "other", "--data-dir", "restored")
    assert told.code == 1
    assert "error: this is no backup" in told.stderr
    assert filled.type("restore", "absent", "--data-dir", "restored").code == 1


def test_damage_is_told_with_a_report(filled: Typist) -> None:
    first, second, *_ = sorted(documents(filled))
    first.chmod(0o644)
    first.write_bytes(b"other")
    second.unlink()
    with filled.record() as record:
        stray = record._content.put(b"nobody names me")

    told = filled.type("verify-store", "-o", "json")

    assert told.code == 1
    report = json.loads(told.stdout)
    assert not report["whole"]
    assert report["damaged"] == [f"sha256:{first.name}"]
    assert [one["digest"] for one in report["missing"]] == [f"sha256:{second.name}"]
    assert report["orphans"] == [str(stray)]
    assert "damaged in" in told.stderr
    assert "restore it from a backup" in told.stderr
    text = filled.type("verify-store")
    assert f"DAMAGED  sha256:{first.name} has other bytes" in text.stdout
    said = [line.split()[0] for line in text.stderr.splitlines()]
    assert said[:2] == ["rows", "documents"]
    assert (filled.data / "content" / key_of(stray)).exists()


def test_what_a_file_server_leaves_in_the_store_keeps_nobody_from_a_backup(filled: Typist) -> None:
    folder = documents(filled)[0].parent
    (folder / ".nfs0000000000000001").write_bytes(b"")
    (folder / f"{'0' * 64}.partial").write_bytes(b"half of it")
    filled.type("verify-store").ended(0)
    filled.type("backup", "record.tar").ended(0)


def test_a_folder_in_the_place_of_a_document_is_told_as_one_that_is_missing(filled: Typist) -> None:
    first = documents(filled)[0]
    first.unlink()
    first.mkdir()
    told = filled.type("verify-store", "-o", "json")
    assert told.code == 1
    assert [one["digest"] for one in json.loads(told.stdout)["missing"]] == [f"sha256:{first.name}"]


def damage(typist: Typist, *statements: str) -> None:
    """Change rows that nobody may change, as somebody does who has the file."""
    with closing(sqlite3.connect(typist.data / "supplychain.db")) as connection:
        guards = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for (name,) in connection.execute(guards).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            assert connection.execute(statement).rowcount > 0, statement
        connection.commit()


def test_every_row_that_holds_what_none_of_ours_does_is_told(filled: Typist) -> None:
    """One after another, each with its table and key; none keeps another from being seen."""
    damage(
        filled,
        "UPDATE evidence SET digest = 'nonsense', producer_digest = x'00ff' WHERE id = 1",
        "UPDATE evidence SET produced_at = 'yesterday' WHERE id = 2",
        "UPDATE images SET media_type = x'ff', os = CAST(x'ff' AS TEXT)",
        "UPDATE scans SET secrets = '{'",
        "UPDATE sboms SET component_count = 'many'",
        "UPDATE audit_events SET who = x'00', digest = 'none'",
        "UPDATE decision_links SET inputs = x'00'",
        "UPDATE decisions SET verdict = 'perhaps'",
        "DELETE FROM organisations",
    )
    told = filled.type("verify-store", "-o", "json")
    assert told.code == 1
    each = [f"{one['table']}, {one['key']}: {one['what']}" for one in told.json()["rows"]]
    for what in (
        "evidence, id 1: digest holds 'nonsense' where a digest belongs",
        "evidence, id 1: producer_digest holds b'\\x00\\xff' where a digest belongs",
        "evidence, id 2: produced_at holds 'yesterday' where an instant belongs",
        "images, id 1: media_type holds b'\\xff' where text belongs",
        "images, id 1: os holds b'\\xff' where text belongs",
        "scans, evidence_id 1: secrets holds '{' where JSON belongs",
        "sboms, evidence_id 2: component_count holds 'many' where a whole number belongs",
        "audit_events, organisation_id 1, sequence 1: who holds b'\\x00' where text belongs",
        "audit_events, organisation_id 1, sequence 1: digest holds 'none' where a digest belongs",
        "decision_links, project_id 1, sequence 1: inputs holds b'\\x00' where a digest belongs",
        "decisions, id 1: it is not so that verdict IN ('allow', 'deny', 'pending')",
        "projects, id 1: there is no row of organisations with its organisation_id 1",
    ):
        assert what in each
    assert "DAMAGED  evidence, id 1: digest holds" in filled.type("verify-store").stdout


@pytest.mark.parametrize("value", ["'nonsense'", "x'00ff'", "CAST(x'ff' AS TEXT)", "7"])
def test_a_chain_is_verified_on_behind_a_row_that_cannot_be_read(
    filled: Typist, value: str
) -> None:
    filled.examined(report=b"{} ")
    damage(
        filled,
        f"UPDATE audit_events SET digest = {value} WHERE sequence = 1",
        "UPDATE audit_events SET at = 'soon' WHERE sequence = 2",
        f"UPDATE decision_links SET previous = {value}",
    )
    told = filled.type("audit", "verify")
    assert told.code == 1
    assert "number 1: digest holds" in told.stdout
    assert "number 2: at holds 'soon' where an instant belongs" in told.stdout
    assert "2 breaks" in told.stderr
    assert "previous holds" in filled.type("decisions", "verify").stdout


def test_rows_that_are_damaged_make_no_backup(filled: Typist) -> None:
    """What is no text could not be put in again as what it was."""
    damage(filled, "UPDATE images SET media_type = x'ff'")
    told = filled.type("backup", "record.tar")
    told.refused(1, "images, id 1: media_type holds", "verify-store")
    assert not (filled.folder / "record.tar").exists()


def test_an_orphan_alone_is_no_damage(filled: Typist) -> None:
    with filled.record() as record:
        record._content.put(b"nobody names me")
    told = filled.type("verify-store")
    assert told.code == 0
    assert "1 documents that no row names" in told.stdout


def test_a_policy_that_was_given_and_could_not_be_used_is_no_orphan(typist: Typist) -> None:
    """The decision names none; only what it was made from does, and replaying it needs it."""
    typist.examined()
    policy = typist.policy("sbom: {}", environment="staging", name="other")
    asked = typist.type("gate", IMAGE, "-e", "prod", "--policy", policy, "-o", "json")
    assert json.loads(asked.stdout)["policy"] is None
    report = json.loads(typist.type("verify-store", "-o", "json").stdout)
    assert (report["documents"], report["orphans"]) == (len(documents(typist)), [])


def test_a_changed_decision_is_told(filled: Typist) -> None:
    filled.sql("DROP TRIGGER decisions_no_update")
    filled.sql("UPDATE decisions SET environment = 'other'")
    told = filled.type("verify-store", "-o", "json")
    assert told.code == 1
    breaks = [one for chain in json.loads(told.stdout)["chains"] for one in chain["breaks"]]
    assert any("was changed after it was recorded" in one for one in breaks)


def test_retention_shows_first_and_removes_then(typist: Typist) -> None:
    for days in (200, 150, 1):
        typist.examined(ago=timedelta(days=days), report=b"{} %d" % days)
    shown = typist.type("retention", "plan")
    assert shown.stdout.startswith("would remove  2 scans")
    told = typist.type("retention", "apply", "-o", "json")
    assert told.code == 0, told.stderr
    assert json.loads(told.stdout)["scans"] == 2
    assert typist.type("retention", "plan").stdout.startswith("would remove  0 scans")
    assert typist.type("verify-store").code == 0


def test_a_rule_that_does_not_read_is_refused(typist: Typist) -> None:
    told = typist.type("retention", "plan", "--keep-superseded", "soon")
    assert told.code == 2
    assert "keep_superseded" in told.stderr


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
@pytest.mark.parametrize("command", ["verify-store", "backup", "gate"])
def test_a_database_that_is_no_file_is_refused_at_once(
    typist: Typist, make: Callable[[Path], None], command: str
) -> None:
    (typist.data / "supplychain.db").unlink()
    make(typist.data / "supplychain.db")
    more = {"backup": ["record.tar"], "gate": [IMAGE, "-e", "prod"]}.get(command, [])
    typist.type(command, *more).refused(2, "supplychain.db is no file")


def test_pipes_are_read_where_they_are_named_and_nowhere_else(filled: Typist) -> None:
    """`<(...)` is a pipe; what somebody left in the folder of policies is none that is awaited."""
    document = (filled.folder / "policies" / "prod.yaml").read_bytes()
    with fed(filled.folder / "pipe", document) as pipe:
        filled.type("gate", IMAGE, "-e", "prod", "--policy", pipe).ended(0)
    filled.type("backup", "record.tar").ended(0)
    with fed(filled.folder / "pipe", (filled.folder / "record.tar").read_bytes()) as pipe:
        filled.type("restore", pipe, "--data-dir", "restored").ended(0)
    os.mkfifo(filled.folder / "policies" / "dev.yaml")
    told = filled.type("gate", IMAGE, "-e", "dev")
    told.refused(2, "dev.yaml is no file")


def test_a_secret_has_an_end(typist: Typist) -> None:
    typist.patch.setenv("SUPPLYCHAIN_DATABASE_FILE", "/dev/zero")
    typist.patch.delenv("SUPPLYCHAIN_DATABASE", raising=False)
    typist.type("verify-store").refused(2, "is larger than any setting")


@contextmanager
def fed(pipe: Path, data: bytes) -> Iterator[Path]:
    """A named pipe into which somebody writes."""
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    yield pipe
    writer.join()
    pipe.unlink()
