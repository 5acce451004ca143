"""What the engine's database refuses: what may pass is waited for, what may not is thrown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dbos._utils import retriable_postgres_exception
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from supplychain.records.patience import PATIENT


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A database with room for little, as the engine opens its own."""
    made = create_engine(f"sqlite:///{tmp_path / 'work.db'}", plugins=[PATIENT])
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE kept (bytes BLOB)"))
    yield made
    made.dispose()


def _refused(engine: Engine, statement: str) -> DBAPIError:
    with engine.connect() as connection:
        connection.execute(text("PRAGMA max_page_count = 3"))
        with pytest.raises(DBAPIError) as refused:
            connection.execute(text(statement))
    return refused.value


def test_a_full_disk_is_waited_for(engine: Engine) -> None:
    full = _refused(engine, "INSERT INTO kept VALUES (randomblob(100000))")
    assert "full" in str(full)
    assert retriable_postgres_exception(full)


def test_a_fault_of_ours_is_not(engine: Engine) -> None:
    assert not retriable_postgres_exception(_refused(engine, "SELECT nothing FROM nowhere"))


def test_whoever_found_it_full_goes_on_once_it_is_not(engine: Engine) -> None:
    _refused(engine, "INSERT INTO kept VALUES (randomblob(100000))")
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO kept VALUES (randomblob(100000))"))
