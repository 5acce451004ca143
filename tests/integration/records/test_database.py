"""What connections to databases are made to be like."""

from __future__ import annotations

import psycopg
from sqlalchemy import event

from supplychain.records.asking import asking
from supplychain.records.content import ContentStore
from supplychain.records.database import open_engine
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
