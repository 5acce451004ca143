"""A record on each engine, and a look at its rows behind its back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

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
