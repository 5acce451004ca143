"""Many rows at once: into a temporary table by the engine's fastest way, on from there by SQL.

JSON and array parameters took five to eight times as long to get rows in, on both engines;
`benchmarks/record.py` shows the whole beside row-wise inserts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Table, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable

from supplychain.frozen import dataclass


def stage(connection: Connection, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
    """Put rows into a temporary table that lives as long as the transaction.

    Args:
        connection: In a transaction that writes.
        table: A table of `supplychain.records.staging`.
        rows: The rows, values in the order of the table's columns.
    """
    if connection.dialect.name == "postgresql":
        # An option of the table would have SQLAlchemy load this dialect for SQLite, too: 30 ms.
        made = CreateTable(table).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"{made} ON COMMIT DROP")
        copy_rows(connection, table.name, rows)
        return
    table.create(connection)
    if rows:
        statement = str(table.insert().compile(dialect=connection.dialect))
        connection.exec_driver_sql(statement, list(rows))


def unstage(connection: Connection, table: Table) -> None:
    """Drop a temporary table where the engine does not do so at the end of the transaction."""
    if connection.dialect.name == "sqlite":
        table.drop(connection)


@dataclass(frozen=True, slots=True)
class Filing:
    """A transaction that files things for one project.

    Attributes:
        connection: In a transaction that writes.
        project: The project's number.
        recorded_at: The instant of recording (aware, UTC).
    """

    connection: Connection
    project: int
    recorded_at: datetime

    def insert(self, table: Table, **row: object) -> bool:
        """Insert a row unless one with its unique values is there; whether it was inserted.

        The project and the instant of recording are added where the table has them. A row of the
        same values that another transaction has not committed yet is waited for.
        """
        own = {"project_id": self.project, "recorded_at": self.recorded_at}
        whole = {name: value for name, value in own.items() if name in table.c} | row
        statement = _insert(self.connection.dialect.name, table)
        options = {"preserve_rowcount": True}
        return self.connection.execute(statement, whole, execution_options=options).rowcount == 1

    def number(
        self, table: Table, named_by: Mapping[str, object], **row: object
    ) -> tuple[int, bool]:
        """As `insert`, and the number of what is there; it stays until this transaction ends.

        Retention may be removing it at this moment: what went before it could be held is inserted
        anew.

        Args:
            table: The table.
            named_by: What is unique of the row.
            row: The rest of it.

        Returns:
            The number, and whether the row was inserted.
        """
        same = (table.c[name] == value for name, value in named_by.items())
        held = select(table.c.id).where(*same).with_for_update(read=True, key_share=True)
        while True:
            is_new = self.insert(table, **named_by, **row)
            number = self.connection.scalar(held)
            if number is not None:
                return number, is_new


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, object]]) -> None:
    """Insert those rows whose unique values are not there; sorted, or two such deadlock."""
    connection.execute(_insert(connection.dialect.name, table), rows)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    """Only the dialect in use is imported: the other one costs every command 20 ms."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table).on_conflict_do_nothing().inline()
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table).on_conflict_do_nothing().inline()


def copy_rows(connection: Connection, into: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Put rows into a table by PostgreSQL's bulk protocol.

    Args:
        connection: In a transaction that writes.
        into: The table's name, and its columns in brackets where not all of them come.
        rows: The rows.
    """
    # Psycopg's, which need not be installed; SQLAlchemy has no word for COPY.
    cursor: Any = connection.connection.cursor()
    statement = f"COPY {into} FROM STDIN"
    try:
        with cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError.instance(
            statement, None, error, connection.dialect.loaded_dbapi.Error
        ) from error
