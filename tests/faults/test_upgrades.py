"""Upgrades of one database at once: of which all, or all but one, come to their end."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, inspect

from supplychain.records.database import open_engine
from supplychain.records.migrating import upgrade
from supplychain.records.schema import SCHEMA_VERSION
from supplychain.records.version import SchemaState, schema_status
from tests.kit.crew import until
from tests.kit.felled import serve
from tests.kit.forked import Forked

_NEVER = 1_000_000


def _ends_migration(statement: str) -> bool:
    return statement.startswith(("INSERT INTO alembic_version", "UPDATE alembic_version"))


def upgrade_until(told: str) -> None:
    """Be `supplychain db upgrade`, killed at the end of one migration once another waits."""
    at, passed, waits = json.loads(told)
    count = 0

    def one(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal count
        count += _ends_migration(statement)
        if count == at:
            Path(passed).touch()
            until(Path(waits).exists)
            time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "after_cursor_execute", one)
    serve("db upgrade")


def _schema(url: str) -> dict[str, list[str]]:
    """The columns of every table."""
    engine = open_engine(url)
    try:
        found = inspect(engine)
        names = found.get_table_names()
        return {name: sorted(one["name"] for one in found.get_columns(name)) for name in names}
    finally:
        engine.dispose()


@pytest.mark.fault("two upgrades of one database at once", on="postgresql")
def test_two_upgrades_at_once_are_one(empty_database: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(lambda _: upgrade(empty_database).state, range(4)))
    assert set(states) == {SchemaState.CURRENT}
    assert schema_status(empty_database).state is SchemaState.CURRENT


@pytest.mark.fault("of two upgrades of one database at once, one is killed in the middle")
@pytest.mark.parametrize("at", [1, int(SCHEMA_VERSION) // 2, int(SCHEMA_VERSION)])
def test_an_upgrade_comes_to_its_end_though_another_is_killed(
    empty_database: str, tmp_path: Path, at: int
) -> None:
    clean = f"sqlite:///{tmp_path / 'clean.db'}"
    upgrade(clean)
    environ = os.environ | {
        "TESTS_FELLED_AT": "0",
        "TESTS_FELLED_ARMED": str(tmp_path / "never"),
        "SUPPLYCHAIN_DATABASE": empty_database,
        "SUPPLYCHAIN_DATA_DIR": str(tmp_path / "data"),
    }
    passed, waits, log = tmp_path / "passed", tmp_path / "waits", tmp_path / "log"
    told = [json.dumps([one, str(passed), str(waits)]) for one in (at, _NEVER)]
    first = Forked(upgrade_until, told[0], environ, tmp_path, log)
    until(passed.exists)
    other = Forked(upgrade_until, told[1], environ, tmp_path, log)
    waits.touch()

    assert first.wait(60) == -signal.SIGKILL
    assert other.wait(60) == 0, log.read_text()
    assert schema_status(empty_database).state is SchemaState.CURRENT
    assert _schema(empty_database) == _schema(clean)
