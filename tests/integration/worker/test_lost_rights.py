"""What the engine keeps is there, and may not be written any more: no fault of any run's."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from supplychain.model.runs import RunState
from tests.kit.crew import Crew, until


@pytest.fixture
def limited(postgresql_database: str) -> Iterator[str]:
    """The URL of a database, as somebody of whom rights can be taken."""
    who = f"worker_{uuid.uuid4().hex[:8]}"
    name = make_url(postgresql_database).database
    with psycopg.connect(postgresql_database, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {who} LOGIN")
        connection.execute(f"GRANT ALL ON DATABASE {name} TO {who}")
        connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {who}")
        connection.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {who}")
    url = make_url(postgresql_database).set(username=who)
    yield url.render_as_string(hide_password=False)
    with psycopg.connect(postgresql_database, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {who} CASCADE")
        connection.execute(f"DROP ROLE {who}")


@contextmanager
def without(url: str, lost: str, given: str) -> Iterator[None]:
    """Something is taken away as long as this lasts."""
    who = make_url(url).username
    root = make_url(url).set(username="postgres").render_as_string(hide_password=False)
    with psycopg.connect(root, autocommit=True) as connection:
        connection.execute(lost.format(who=who))
        try:
            yield
        finally:
            connection.execute(given.format(who=who))


@pytest.mark.parametrize(
    ("lost", "given", "told", "hint"),
    [
        (
            "REVOKE INSERT ON dbos.operation_outputs FROM {who}",
            "GRANT INSERT ON dbos.operation_outputs TO {who}",
            "permission denied for table operation_outputs",
            "GRANT ALL ON ALL TABLES IN SCHEMA dbos",
        ),
        (
            "REVOKE ALL ON SCHEMA dbos FROM {who}",
            "GRANT ALL ON SCHEMA dbos TO {who}",
            "permission denied for schema dbos",
            "GRANT ALL ON SCHEMA dbos",
        ),
        (
            "ALTER TABLE dbos.operation_outputs RENAME TO away",
            "ALTER TABLE dbos.away RENAME TO operation_outputs",
            'relation "dbos.operation_outputs" does not exist',
            "DROP SCHEMA dbos CASCADE",
        ),
    ],
    ids=["a right", "the schema", "a table"],
)
def test_a_run_goes_on_once_its_steps_can_be_noted_again(
    limited: str, tmp_path: Path, lost: str, given: str, told: str, hint: str
) -> None:
    crew, log = Crew(limited, tmp_path), tmp_path / "said"
    with crew.worker(seconds=2.0, concurrency=1, log=log) as one:
        until(lambda: crew.workers() == 1)
        crew.submit(2)
        until(lambda: bool(list(tmp_path.rglob("*.begun"))))  # in the middle of a step
        with without(limited, lost, given):
            until(lambda: "waiting: the database" in log.read_text())
            until(lambda: all(run.state is RunState.QUEUED for run in crew.runs()))
        until(crew.all_over, 120)
        assert one.poll() is None
    assert [(run.state, run.takeovers) for run in crew.runs()] == [(RunState.SUCCEEDED, 0)] * 2
    said = log.read_text()
    assert "Traceback" not in said
    assert "unforeseen" not in said
    assert said.count("waiting: the database") == 1, said
    assert told in said
    assert hint in said
    assert said.count("waiting no longer") == 1, said
    with crew.record() as record:
        for run in crew.runs():
            assert len(record.runs.events(run.id, after=0)) < 30  # waiting is not told of for ever


def test_what_the_log_says_to_do_where_a_table_is_gone_for_good_helps(
    limited: str, tmp_path: Path
) -> None:
    crew, log = Crew(limited, tmp_path), tmp_path / "said"
    with crew.worker(seconds=2.0, concurrency=1, log=log) as one:
        until(lambda: crew.workers() == 1)
        crew.submit(2)
        until(lambda: bool(list(tmp_path.rglob("*.begun"))))
        with psycopg.connect(limited, autocommit=True) as connection:
            connection.execute("DROP TABLE dbos.operation_outputs CASCADE")
        until(lambda: "DROP SCHEMA dbos CASCADE" in log.read_text())
        one.terminate()
        one.wait(60)
    with psycopg.connect(limited, autocommit=True) as connection:
        connection.execute("DROP SCHEMA dbos CASCADE")
    with crew.worker(seconds=0.1):
        until(crew.all_over, 60)
    assert [(run.state, run.takeovers) for run in crew.runs()] == [(RunState.SUCCEEDED, 0)] * 2
