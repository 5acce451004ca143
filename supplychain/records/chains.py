"""Every chain of the database at once: whether each row stands where it was put."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from supplychain.model.digest import Digest
from supplychain.records.chain import verify_chain
from supplychain.records.chain_tables import decision_links
from supplychain.records.content import ContentStore
from supplychain.records.schema import projects


@dataclass(frozen=True, slots=True)
class ChainState:
    """What came of looking at one chain.

    Attributes:
        kind: What it holds together: `decisions`.
        owner: Whose it is: a project's number and name.
        count: How many links it has.
        head: Its newest link; None where it has none.
        breaks: What is not as it was recorded, for people.
    """

    kind: str
    owner: str
    count: int
    head: Digest | None
    breaks: tuple[str, ...] = ()


def chain_heads(connection: Connection) -> dict[str, str]:
    """The newest link of every chain that has one, by kind and the number of its owner."""
    column, other = decision_links.c, decision_links.alias()
    last = select(func.max(other.c.sequence)).where(other.c.project_id == column.project_id)
    newest = select(column.project_id, column.digest).where(
        column.sequence == last.scalar_subquery()
    )
    return {f"decisions {row.project_id}": str(row.digest) for row in connection.execute(newest)}


def verify_chains(connection: Connection, content: ContentStore) -> tuple[ChainState, ...]:
    """Look at every link of every chain, and at the documents of what it is about.

    Raises:
        StoreError: The database or the content store failed.
    """
    rows = connection.execute(select(projects.c.id, projects.c.name).order_by(projects.c.id)).all()
    return tuple(_decisions(connection, content, row.id, row.name) for row in rows)


def _decisions(
    connection: Connection, content: ContentStore, project: int, name: str
) -> ChainState:
    found = verify_chain(connection, project, content)
    breaks = tuple(
        f"number {one.sequence}: {one.what}" if one.sequence else one.what for one in found.breaks
    )
    head = found.head.digest if found.head else None
    return ChainState("decisions", f"{project} {name}", found.count, head, breaks)
