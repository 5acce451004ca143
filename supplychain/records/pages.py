"""Where a page of rows begins that are read the newest first."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Table, and_, or_, select

from supplychain.errors import NotFoundError
from supplychain.model.digest import Digest


def comes_after(
    connection: Connection, table: Table, project: int, instant: str, digest: Digest
) -> ColumnElement[bool]:
    """What comes after the row of a digest, the newest first.

    Raises:
        NotFoundError: There is no such row.
    """
    moment, number = table.c[instant], table.c.id
    mine = select(moment, number).where(table.c.project_id == project, table.c.digest == digest)
    row = connection.execute(mine).first()
    if row is None:
        raise NotFoundError(f"{digest} is not on record")
    return or_(moment < row[0], and_(moment == row[0], number < row[1]))
