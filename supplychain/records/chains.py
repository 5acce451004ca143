"""Every chain of the database at once: whether each row stands where it was put."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.records.audit_check import verify_log
from supplychain.records.audit_tables import audit_heads
from supplychain.records.chain import Verification
from supplychain.records.chain_check import verify_chain
from supplychain.records.content import ContentStore
from supplychain.records.decision_tables import decision_links
from supplychain.records.schema import organisations, projects


@dataclass(frozen=True, slots=True)
class ChainState:
    """What came of looking at one chain.

    Attributes:
        kind: What it holds together: `decisions`, `audit events`.
        owner: Whose it is: the number and name of a project, or of an organisation.
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
    heads = {f"decisions {row.project_id}": str(row.digest) for row in connection.execute(newest)}
    logs = select(audit_heads).where(audit_heads.c.digest.is_not(None))
    found = {f"audit {row.organisation_id}": str(row.digest) for row in connection.execute(logs)}
    return heads | found


def verify_chains(connection: Connection, content: ContentStore) -> tuple[ChainState, ...]:
    """Look at every link of every chain, and at the documents of what it is about.

    Raises:
        StoreError: The database or the content store failed.
    """
    owned = connection.execute(select(projects.c.id, projects.c.name).order_by(projects.c.id))
    decided = [
        _state("decisions", row, verify_chain(connection, row.id, content)) for row in owned.all()
    ]
    chosen = select(organisations).order_by(organisations.c.id)
    done = [
        _state("audit events", row, verify_log(connection, row.id, str(row.name)))
        for row in connection.execute(chosen).all()
    ]
    return (*decided, *done)


def _state(kind: str, owner: Any, found: Verification) -> ChainState:
    breaks = tuple(
        f"number {one.sequence}: {one.what}" if one.sequence else one.what for one in found.breaks
    )
    head = found.head.digest if found.head else None
    return ChainState(kind, f"{owner.id} {owner.name}", found.count, head, breaks)
