"""What connections to databases are made to be like."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

import psycopg
import pytest
from sqlalchemy import Engine, event

from supplychain.errors import StoreError
from supplychain.records.asking import asking, asking_often, waiting
from supplychain.records.content import ContentStore
from supplychain.records.database import open_engine, reading
from supplychain.records.record import Record
from tests.kit.runs import manifest_run
from tests.kit.scans import AT, SUBJECT


def _cost(url: str) -> str:
    engine = open_engine(url)
    with asking(engine) as connection:
        found = connection.exec_driver_sql("SHOW random_page_cost").scalar_one()
    engine.dispose()
    return str(found)


def test_postgresql_looks_rows_up_unless_its_operator_says_what_pages_cost(
    postgresql_database: str,
) -> None:
    assert _cost(postgresql_database) == "1.1"
    with psycopg.connect(postgresql_database, autocommit=True) as operator:
        name = operator.info.dbname
        operator.execute(f'ALTER DATABASE "{name}" SET random_page_cost = 3')
    assert _cost(postgresql_database) == "3"


def test_one_question_takes_no_transaction(database: str, content: ContentStore) -> None:
    with Record.open(database, content) as record:
        record.save_run(manifest_run(), at=AT)
        begun: list[object] = []
        event.listen(record._engine, "begin", begun.append)
        record.images.require(SUBJECT.digest)
        assert not begun
        record.images.show(SUBJECT.digest, at=AT)
        assert begun


_BACKEND = "SELECT pg_backend_pid()"
_PLANS = "SHOW plan_cache_mode"


@pytest.fixture
def postgresql(postgresql_database: str) -> Iterator[Engine]:
    engine = open_engine(postgresql_database, connections=2)
    yield engine
    engine.dispose()


def _asked(engine: Engine, what: str = _BACKEND) -> object:
    with asking(engine) as connection:
        return connection.exec_driver_sql(what).scalar_one()


def test_one_question_after_another_goes_over_a_connection_that_stays_ready(
    postgresql: Engine,
) -> None:
    taken: list[object] = []
    event.listen(postgresql, "checkout", lambda *one: taken.append(one))
    assert len({_asked(postgresql) for _ in range(5)}) == 1
    assert len(taken) == 1
    assert waiting(postgresql) == 1


def test_what_a_thread_asks_often_goes_over_one_connection(postgresql: Engine) -> None:
    with asking(postgresql) as other, asking_often(postgresql):
        others = other.exec_driver_sql(_BACKEND).scalar_one()
        assert {_asked(postgresql), _asked(postgresql)} == {_asked(postgresql)}
        assert _asked(postgresql) != others


def test_nobody_else_has_the_settings_of_those_who_ask(postgresql: Engine) -> None:
    with ExitStack() as questions:
        for _ in range(12):  # more than are kept, and as many as the pool gives
            questions.enter_context(asking(postgresql))
        assert waiting(postgresql) == 0
    assert waiting(postgresql) == 8
    assert _asked(postgresql, _PLANS) == "force_generic_plan"
    with reading(postgresql) as one, reading(postgresql) as other:
        plans = [each.exec_driver_sql(_PLANS).scalar_one() for each in (one, other)]
    assert plans == ["auto", "auto"]


def test_what_breaks_one_that_asks_is_asked_over_no_other_that_was_open(
    postgresql: Engine, postgresql_database: str
) -> None:
    with asking(postgresql), asking(postgresql), asking(postgresql):
        pass
    assert waiting(postgresql) == 3

    def cut_off() -> None:
        with asking(postgresql) as one:
            _end_all(postgresql_database)
            one.exec_driver_sql(_BACKEND)

    with pytest.raises(StoreError) as broken:
        cut_off()
    assert broken.value.retryable
    assert waiting(postgresql) == 0
    assert _asked(postgresql)


def test_what_was_ended_while_it_waited_is_asked_nothing(
    postgresql: Engine, postgresql_database: str
) -> None:
    with asking(postgresql), asking(postgresql), reading(postgresql), reading(postgresql):
        pass
    assert waiting(postgresql) == 2
    _end_all(postgresql_database)
    with reading(postgresql) as one:
        assert one.exec_driver_sql("SELECT 1").scalar_one() == 1
    assert _asked(postgresql)
    assert waiting(postgresql) == 1


def _end_all(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as operator:
        operator.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_one_that_breaks_before_it_is_ready_is_told_in_our_words(postgresql: Engine) -> None:
    @event.listens_for(postgresql, "checkout")
    def ended(connection: psycopg.Connection[object], *_: object) -> None:
        with psycopg.connect(connection.info.dsn, autocommit=True) as operator:
            pid = connection.info.backend_pid
            operator.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    for _ in range(12):  # as often as some are kept, and more
        with pytest.raises(StoreError) as broken:
            _asked(postgresql)
        assert broken.value.retryable
    event.remove(postgresql, "checkout", ended)
    assert _asked(postgresql)
    assert waiting(postgresql) == 1


def test_a_database_that_is_closed_is_let_go_of(
    postgresql: Engine, postgresql_database: str
) -> None:
    backend = _asked(postgresql)
    postgresql.dispose()
    with closing(psycopg.connect(postgresql_database, autocommit=True)) as operator:
        operator.execute("SELECT pg_sleep(0.2)")
        alive = operator.execute("SELECT pid FROM pg_stat_activity WHERE pid = %s", (backend,))
        assert alive.fetchone() is None
