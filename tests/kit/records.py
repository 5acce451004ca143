"""A record on each engine, and a look at its rows behind its back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Select, func, select

from supplychain.records.content import ContentStore
from supplychain.records.database import open_engine, reading
from supplychain.records.folder import FolderStore
from supplychain.records.record import Record
from supplychain.records.schema import metadata


@pytest.fixture
def content(tmp_path: Path) -> ContentStore:
    """An empty content store in a folder."""
    return FolderStore(tmp_path / "content")


@pytest.fixture
def record(database: str, content: ContentStore) -> Iterator[Record]:
    """An empty record on each engine."""
    with Record.open(database, content) as opened:
        yield opened


def row_counts(url: str) -> dict[str, int]:
    """How many rows each table has."""
    engine = open_engine(url)
    try:
        with reading(engine) as connection:
            return {
                name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in metadata.tables.items()
            }
    finally:
        engine.dispose()


def plan_of(connection: Connection, query: Select[Any]) -> str:
    """How the engine would go about a query."""
    written = str(query.compile(connection.engine, compile_kwargs={"literal_binds": True}))
    explain = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    return "\n".join(str(row) for row in connection.exec_driver_sql(f"{explain} {written}"))
