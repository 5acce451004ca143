"""The chain of decisions: who takes one out, changes one or puts them in another order is seen.

Each link is a digest over a decision's row and the link before it. Whoever can write the database
can write the whole chain anew, or cut off its end: the newest link, noted where that person cannot
write, shows either.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select

from supplychain.frozen import dataclass
from supplychain.model.decision import Decision
from supplychain.model.digest import Digest
from supplychain.records.columns import instant_text
from supplychain.records.decision_tables import decision_links
from supplychain.records.schema import projects

# What of a decision's row a link is made from, in this order, with its own three behind.
COLUMNS = (
    "digest",
    "subject_digest",
    "subject_name",
    "environment",
    "verdict",
    "policy_digest",
    "decided_at",
    "holds_until",
)


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the chain.

    Attributes:
        sequence: Its number, from 1.
        digest: The link's own digest, which covers everything up to here.
    """

    sequence: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class Break:
    """Something that is not as it was recorded.

    Attributes:
        sequence: At which place of the chain; 0 where it has none.
        what: What is wrong, for people.
    """

    sequence: int
    what: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of looking at the whole chain.

    Attributes:
        count: How many decisions it holds.
        head: Its newest link; None where there is no decision.
        breaks: Everything that is not as it was recorded, in order.
    """

    count: int
    head: Link | None
    breaks: tuple[Break, ...]


def lock_chain(connection: Connection, project: int) -> Link | None:
    """Wait for whoever else appends to the project's chain; its newest link.

    SQLite has one writer at a time anyway. On PostgreSQL whoever records evidence of the same
    project is not in the way.
    """
    connection.execute(
        select(projects.c.id).where(projects.c.id == project).with_for_update(key_share=True)
    )
    newest = (
        select(decision_links.c.sequence, decision_links.c.digest)
        .where(decision_links.c.project_id == project)
        .order_by(decision_links.c.sequence.desc())
        .limit(1)
    )
    row = connection.execute(newest).first()
    return Link(row.sequence, row.digest) if row else None


def link_after(before: Link | None, values: dict[str, Any]) -> Link:
    """The link of a decision's row behind another one.

    Args:
        before: The newest link; None where there is none.
        values: The row, with `essence` and `inputs`.
    """
    return linked(before, [_text(values[name]) for name in (*COLUMNS, "essence", "inputs")])


def said_by(decision: Decision) -> dict[str, Any]:
    """What a decision's row says of it, beside the digest of its document."""
    return {
        "subject_digest": decision.subject.digest,
        "subject_name": decision.subject.name,
        "environment": decision.environment,
        "verdict": decision.verdict,
        "policy_digest": decision.policy,
        "decided_at": decision.decided_at,
        "holds_until": decision.holds_until,
    }


def linked(before: Link | None, said: Iterable[str | None]) -> Link:
    """The link of what a row says behind another link."""
    sequence = before.sequence + 1 if before else 1
    whole = [sequence, _text(before.digest if before else None), *said]
    return Link(sequence, Digest.of(json.dumps(whole, separators=(",", ":")).encode()))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return instant_text(value) if hasattr(value, "astimezone") else str(value)
