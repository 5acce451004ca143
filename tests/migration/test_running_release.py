"""A release goes on working while its successor migrates, where that only adds; else it stops."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from supplychain.errors import SchemaVersionError, StoreError
from supplychain.gate.decision_document import to_document
from supplychain.model.runs import Bounds, Duty
from supplychain.records.content import ContentStore
from supplychain.records.database import open_engine, writing
from supplychain.records.ledger import DecisionRecord
from supplychain.records.migrating import alembic_config, migrate, migrations_folder, upgrade
from supplychain.records.record import Record
from supplychain.records.run_queue import RunQueue
from supplychain.records.schema import SCHEMA_VERSION
from supplychain.records.version import SchemaState, schema_status
from tests.kit.runs import make_decision, manifest_run
from tests.kit.scans import AT, SUBJECT
from tests.kit.typist import Typist

SCRIPTS = ScriptDirectory.from_config(alembic_config())
NEXT = f"{int(SCHEMA_VERSION) + 1:04}"
ADDS = """
    op.create_table("novelties", sa.Column("id", sa.Integer(), primary_key=True))
    op.add_column("decisions", sa.Column("novelty", sa.Text(), nullable=True))
    op.add_column("images", sa.Column("worth", sa.Text(), nullable=False, server_default="none"))
    op.create_index("ix_decisions_novelty", "decisions", ["novelty"])
"""
SUCCESSOR = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
{promise}

def upgrade():
    {steps}
"""


def successor(folder: Path, *, promise: str = "", steps: str = ADDS) -> Config:
    """The migrations of the release after this one."""
    own = folder / "migrations"
    shutil.copytree(migrations_folder(), own, ignore=shutil.ignore_patterns("__pycache__"))
    config = Config()
    config.set_main_option("script_location", str(own))
    add_revision(config, NEXT, before=SCHEMA_VERSION, promise=promise, steps=steps.strip())
    return config


def add_revision(
    config: Config, revision: str, *, before: str, steps: str, promise: str = ""
) -> None:
    said = SUCCESSOR.format(revision=revision, before=before, promise=promise, steps=steps)
    versions = Path(str(config.get_main_option("script_location"))) / "versions"
    (versions / f"{revision}_successor.py").write_text(said)


def run(config: Config, url: str, revision: str = "head") -> None:
    engine = open_engine(url)
    try:
        with writing(engine) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        engine.dispose()


def test_this_release_works_beside_a_successor_that_only_adds(
    database: str, content: ContentStore, tmp_path: Path
) -> None:
    with Record.open(database, content) as before:
        before.save_run(manifest_run(), at=AT)
        run(successor(tmp_path, promise=f'compatible_since = "{SCHEMA_VERSION}"'), database)

        # The one that runs already, and one that starts only now.
        with Record.open(database, content) as begun:
            for number, record in enumerate((before, begun)):
                decision = make_decision(environment=f"env{number}")
                record.ledger.append(DecisionRecord(to_document(decision), decision))
                record.save_run(manifest_run(), at=AT)
                assert record.dossier(SUBJECT.digest, at=AT) is not None
                assert record.ledger.verify().breaks == ()
    found = schema_status(database)
    assert (found.state, found.current, found.usable) == (SchemaState.COMPATIBLE, NEXT, True)


def test_an_upgrade_by_this_release_leaves_a_compatible_schema_alone(
    database: str, tmp_path: Path
) -> None:
    run(successor(tmp_path, promise=f'compatible_since = "{SCHEMA_VERSION}"'), database)

    assert upgrade(database).current == NEXT


@pytest.mark.parametrize("promise", ["", f'compatible_since = "{NEXT}"'])
def test_a_successor_that_promises_nothing_stops_this_release(
    database: str, content: ContentStore, tmp_path: Path, promise: str
) -> None:
    run(successor(tmp_path, promise=promise), database)

    with pytest.raises(SchemaVersionError, match="made by a newer supplychain"):
        Record.open(database, content)
    with pytest.raises(SchemaVersionError, match="made by a newer supplychain"):
        upgrade(database)


def test_who_works_already_stops_where_nothing_was_promised(
    database: str, content: ContentStore, tmp_path: Path
) -> None:
    with Record.open(database, content) as record, closing(RunQueue.open(database)) as queue:
        record.save_run(manifest_run(), at=AT)
        queue.enrol("old", frozenset(Duty), at=AT)
        decision = make_decision()
        config = successor(tmp_path, promise=f'compatible_since = "{SCHEMA_VERSION}"')
        add_revision(config, f"{int(NEXT) + 1:04}", before=NEXT, steps="pass")
        run(config, database, NEXT)
        time.sleep(1)
        assert queue.claim("old", frozenset(Duty), Bounds(9, 9), at=AT) is None
        assert record.dossier(SUBJECT.digest, at=AT) is not None
        run(config, database)
        time.sleep(1)
        for act in (
            lambda: record.dossier(SUBJECT.digest, at=AT),
            lambda: record.ledger.append(DecisionRecord(to_document(decision), decision)),
            lambda: record.save_run(manifest_run(), at=AT),
            lambda: queue.claim("old", frozenset(Duty), Bounds(9, 9), at=AT),
            lambda: queue.beat("old", at=AT),
        ):
            with pytest.raises(SchemaVersionError, match="made by a newer supplychain"):
                act()


def test_this_release_touches_no_older_schema(empty_database: str, content: ContentStore) -> None:
    engine = open_engine(empty_database)
    with writing(engine) as connection:
        migrate(connection, f"{int(SCHEMA_VERSION) - 1:04}")
    engine.dispose()
    for begin in (
        lambda: Record.open(empty_database, content, create=True),
        lambda: RunQueue.open(empty_database),
    ):
        with pytest.raises(SchemaVersionError, match="made by an older supplychain") as refused:
            begin()
        assert "supplychain db upgrade" in str(refused.value.hint)
    assert schema_status(empty_database).state is SchemaState.OLDER


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM schema_compatibility",
        "UPDATE schema_compatibility SET since = ''",
        "UPDATE schema_compatibility SET since = 'any'",
        "UPDATE schema_compatibility SET revision = 'other'",
        "INSERT INTO schema_compatibility SELECT * FROM schema_compatibility",
        "DROP TABLE schema_compatibility",
    ],
)
def test_a_promise_that_cannot_be_read_is_none(
    database: str, content: ContentStore, tmp_path: Path, damage: str
) -> None:
    run(successor(tmp_path, promise=f'compatible_since = "{SCHEMA_VERSION}"'), database)
    engine = open_engine(database)
    with writing(engine) as connection:
        connection.execute(text(damage))
    engine.dispose()

    with pytest.raises(SchemaVersionError, match="made by a newer supplychain"):
        Record.open(database, content)


def test_status_says_that_it_may_go_on(typist: Typist) -> None:
    promise = f'compatible_since = "{SCHEMA_VERSION}"'
    run(successor(typist.folder, promise=promise), f"sqlite:///{typist.data / 'supplychain.db'}")

    told = typist.type("db", "status")

    assert told.code == 0
    assert f"schema {NEXT}, needed {SCHEMA_VERSION}: compatible" in told.stdout


def test_what_may_go_is_decided_by_who_knows_the_whole_schema(typist: Typist) -> None:
    typist.examined(ago=timedelta(days=500))
    typist.examined(ago=timedelta(days=400), report=b"{ }")
    promise = f'compatible_since = "{SCHEMA_VERSION}"'
    run(successor(typist.folder, promise=promise), f"sqlite:///{typist.data / 'supplychain.db'}")

    told = typist.type("retention", "apply")

    assert told.code == 1
    assert "nothing is removed: the record has a newer schema" in told.stderr
    assert NEXT in told.stderr
    assert told.stdout == ""
    assert typist.type("retention", "plan").stdout.startswith("would remove  1 scans")


def test_what_promises_to_be_compatible_only_adds(empty_database: str) -> None:
    """The rule of `migrations/env.py`, held against every migration that makes the promise."""
    engine = open_engine(empty_database)
    scripts = sorted(SCRIPTS.walk_revisions(), key=lambda script: script.revision)
    before: dict[str, Any] = {}
    for script in scripts:
        since = getattr(script.module, "compatible_since", script.revision)
        assert since <= script.revision
        with writing(engine) as connection:
            migrate(connection, script.revision)
        after = _shape(engine)
        if since < script.revision:
            assert _taken(before, after) == []
        before = after
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "taken"),
    [
        ("DROP TABLE novel", "table novel"),
        ("ALTER TABLE decisions DROP COLUMN novel", "decisions.novel"),
        ("ALTER TABLE decisions RENAME COLUMN novel TO story", "decisions.novel"),
        ("CREATE UNIQUE INDEX one ON decisions (novel)", "decisions is unique"),
    ],
)
def test_the_rule_sees_what_takes_something_away(
    empty_database: str, statement: str, taken: str
) -> None:
    upgrade(empty_database)
    engine = open_engine(empty_database)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE novel (id INTEGER)"))
        connection.execute(text("ALTER TABLE decisions ADD COLUMN novel TEXT"))
    before = _shape(engine)
    with writing(engine) as connection:
        connection.execute(text(statement))

    assert any(taken in one for one in _taken(before, _shape(engine)))
    engine.dispose()


def test_a_busy_table_is_waited_for_a_little_at_a_time(empty_database: str) -> None:
    if empty_database.startswith("sqlite"):
        pytest.skip("SQLite has one lock for all, and waits for it")
    engine = open_engine(empty_database)
    with writing(engine) as connection:
        migrate(connection, "0011")
    with _held(engine, "projects", seconds=4.5):
        begun = time.monotonic()
        assert upgrade(empty_database).state is SchemaState.CURRENT
        assert time.monotonic() - begun > 3
    engine.dispose()


def test_a_statement_that_takes_too_long_ends_the_upgrade(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if empty_database.startswith("sqlite"):
        pytest.skip("SQLite has no time limit of statements")
    from supplychain.records import migrating

    monkeypatch.setattr(migrating, "_STATEMENT_TIMEOUT", "1ms")
    with pytest.raises(StoreError, match="took too long") as caught:
        upgrade(empty_database)
    assert caught.value.retryable
    assert schema_status(empty_database).state is SchemaState.EMPTY


@contextmanager
def _held(engine: Engine, table: str, *, seconds: float) -> Iterator[None]:
    """Somebody else holds a table for a while."""
    taken = threading.Event()

    def hold() -> None:
        with writing(engine) as connection:
            connection.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
            taken.set()
            time.sleep(seconds)

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(10)
    try:
        yield
    finally:
        thread.join()


def _shape(engine: Engine) -> dict[str, Any]:
    with engine.connect() as connection:
        return {name: _table(connection, name) for name in inspect(connection).get_table_names()}


def _table(connection: Connection, name: str) -> dict[str, Any]:
    inspector = inspect(connection)
    indexes = [index for index in inspector.get_indexes(name) if index["unique"]]
    return {
        "columns": {
            column["name"]: (str(column["type"]), column["nullable"], column["default"])
            for column in inspector.get_columns(name)
        },
        "is unique": {
            str(one["column_names"]) for one in [*inspector.get_unique_constraints(name), *indexes]
        },
        "is checked": {str(one["sqltext"]) for one in inspector.get_check_constraints(name)},
        "refers": {
            str((one["constrained_columns"], one["referred_table"]))
            for one in inspector.get_foreign_keys(name)
        },
    }


def _taken(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What an earlier program would miss, or be refused."""
    found = [f"table {name}" for name in before if name not in after]
    for name, table in before.items():
        if name not in after:
            continue
        now = after[name]
        for column, (kind, nullable, _) in table["columns"].items():
            there = now["columns"].get(column)
            if there is None or there[0] != kind or (nullable and not there[1]):
                found.append(f"{name}.{column}")
        for column, (_, nullable, default) in now["columns"].items():
            if column not in table["columns"] and not nullable and default is None:
                found.append(f"{name}.{column} is demanded")
        for demand in ("is unique", "is checked", "refers"):
            found += [f"{name} {demand} {one}" for one in now[demand] - table[demand]]
    return found
