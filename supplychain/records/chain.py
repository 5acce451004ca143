"""The chain of decisions: who takes one out, changes one or puts them in another order is seen.

Each link is a digest over a decision's row and the link before it. Whoever can write the database
can write the whole chain anew, or cut off its end: the newest link, noted where that person cannot
write, shows either.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, exists, select

from supplychain.errors import StoreError, SupplyChainError
from supplychain.frozen import dataclass
from supplychain.gate.decision_document import from_document
from supplychain.model.digest import Digest
from supplychain.records.chain_tables import decision_links
from supplychain.records.columns import instant_text
from supplychain.records.content import ContentStore
from supplychain.records.packed import unpacked
from supplychain.records.schema import decisions, projects

# What of a decision's row a link is made from, in this order, with its own three behind.
_COLUMNS = (
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
    return linked(before, [_text(values[name]) for name in (*_COLUMNS, "essence", "inputs")])


def linked(before: Link | None, said: Iterable[str | None]) -> Link:
    """The link of what a row says behind another link."""
    sequence = before.sequence + 1 if before else 1
    whole = [sequence, _text(before.digest if before else None), *said]
    return Link(sequence, Digest.of(json.dumps(whole, separators=(",", ":")).encode()))


def unreadable(before: Link | None, error: StoreError) -> Break:
    """A row that holds what none of ours does: nobody can tell what stands behind it.

    Args:
        before: The link before it; None where it is the first.
        error: What it holds.
    """
    return Break(before.sequence + 1 if before else 1, f"{error}: nothing behind it was looked at")


def verify_chain(
    connection: Connection, project: int, content: ContentStore, noted: Sequence[Digest] = ()
) -> Verification:
    """Look at every decision of a project: its row, its place, its documents.

    Args:
        connection: The database.
        project: The project's number.
        content: Where the documents are.
        noted: Links that somebody noted elsewhere; each has to be in the chain.
    """
    before: Link | None = None
    missing, breaks, count = set(noted), [], 0
    try:
        for row in connection.execute(_rows(project)):
            count += 1
            breaks += [Break(row.sequence, what) for what in _of_row(row, before, content)]
            before = Link(row.sequence, row.link)
            missing.discard(row.link)
        breaks += [
            Break(0, f"decision {digest} was put in beside the chain")
            for digest in connection.scalars(_beside(project))
        ]
    except StoreError as error:
        return Verification(count, before, (*breaks, unreadable(before, error)))
    breaks += [
        Break(0, f"no link {one} is in the chain: it was cut off or written anew")
        for one in sorted(missing)
    ]
    return Verification(count, before, tuple(breaks))


def _rows(project: int) -> Select[Any]:
    """Every link with its decision, in the chain's order."""
    column = decision_links.c
    return (
        select(
            column.sequence,
            column.previous,
            column.digest.label("link"),
            column.essence,
            column.inputs,
            *(decisions.c[name] for name in _COLUMNS),
        )
        .outerjoin(decisions, decisions.c.id == column.decision_id)
        .where(column.project_id == project)
        .order_by(column.sequence)
    )


def _beside(project: int) -> Select[Any]:
    """Decisions that no link is about."""
    linked = exists().where(decision_links.c.decision_id == decisions.c.id)
    chosen = select(decisions.c.digest).where(decisions.c.project_id == project, ~linked)
    return chosen.order_by(decisions.c.id)


def _of_row(row: Row[Any], before: Link | None, content: ContentStore) -> Iterator[str]:
    expected = before.sequence + 1 if before else 1
    if row.sequence != expected:
        yield f"expected number {expected}: one or more were taken out before it"
    elif row.previous != (before.digest if before else None):
        yield "it names another link before it than the one that is there"
    if row.digest is None:
        yield "its decision was taken out"
        return
    own = Link(row.sequence - 1, row.previous) if row.previous else None
    made = link_after(own, row._asdict())
    if made.sequence != row.sequence or made.digest != row.link:
        yield f"the row of decision {row.digest} was changed after it was recorded"
    yield from _of_documents(row, content)


def _of_documents(row: Row[Any], content: ContentStore) -> Iterator[str]:
    try:
        decision = from_document(content.get(row.digest))
        told = {
            "subject_digest": decision.subject.digest,
            "subject_name": decision.subject.name,
            "environment": decision.environment,
            "verdict": decision.verdict,
            "policy_digest": decision.policy,
            "decided_at": decision.decided_at,
            "holds_until": decision.holds_until,
        }
        wrong = [name for name, value in told.items() if getattr(row, name) != value]
        if wrong:
            yield f"the row says another {wrong[0]} than its document {row.digest}"
        if decision.policy is not None:
            content.get(decision.policy)
        if row.inputs is not None:
            unpacked(content.get(row.inputs), decision.inputs)
    except SupplyChainError as error:
        yield f"decision {row.digest}: {error}" + (f" ({error.because})" if error.because else "")


def _text(value: Any) -> str:
    if value is None:
        return ""
    return instant_text(value) if hasattr(value, "astimezone") else str(value)
