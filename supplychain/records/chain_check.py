"""Whether every decision is still where it was put, and says what it said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Select, exists, select

from supplychain.errors import SupplyChainError
from supplychain.gate.decision_document import from_document
from supplychain.model.digest import Digest
from supplychain.records.cells import any_text, cells
from supplychain.records.chain import COLUMNS, Link, Verification, link_after, said_by
from supplychain.records.columns import as_stored, shown
from supplychain.records.content import ContentStore
from supplychain.records.decision_tables import decision_links
from supplychain.records.packed import unpacked
from supplychain.records.schema import decisions
from supplychain.records.walk import Walk

_LINK: Mapping[str, Column[Any]] = {
    "sequence": decision_links.c.sequence,
    "previous": decision_links.c.previous,
    "link": decision_links.c.digest,
    "essence": decision_links.c.essence,
    "inputs": decision_links.c.inputs,
}
_DECISION: Mapping[str, Column[Any]] = {name: decisions.c[name] for name in COLUMNS}


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
    walk = Walk("chain", noted)
    with any_text(connection):
        for link, said, wrong in walk.along(connection, _rows(project), _LINK):
            wrong.extend(_of_row(link, said, walk, content, readable=not wrong))
        walk.beside(_beside(connection, project))
    return walk.end()


def _rows(project: int) -> Select[Any]:
    """Every link with its decision, in the chain's order."""
    return (
        select(*(as_stored(column, name) for name, column in {**_LINK, **_DECISION}.items()))
        .outerjoin(decisions, decisions.c.id == decision_links.c.decision_id)
        .where(decision_links.c.project_id == project)
        .order_by(decision_links.c.sequence)
    )


def _beside(connection: Connection, project: int) -> Iterator[str]:
    """Decisions that no link is about."""
    linked = exists().where(decision_links.c.decision_id == decisions.c.id)
    chosen = select(as_stored(decisions.c.digest))
    chosen = chosen.where(decisions.c.project_id == project, ~linked).order_by(decisions.c.id)
    for digest in connection.scalars(chosen):
        told = digest if isinstance(digest, str) else shown(digest)
        yield f"decision {told} was put in beside the chain"


def _of_row(
    link: Mapping[str, Any],
    said: Mapping[str, Any],
    walk: Walk,
    content: ContentStore,
    *,
    readable: bool,
) -> Iterator[str]:
    if readable and not walk.lost:
        if link["sequence"] != walk.expected:
            yield f"expected number {walk.expected}: one or more were taken out before it"
        elif link["previous"] != (walk.last.digest if walk.last else None):
            yield "it names another link before it than the one that is there"
    if said["digest"] is None:
        yield "its decision was taken out"
        return
    decision, wrong = cells(_DECISION, said)
    yield from wrong
    if wrong or not readable:
        return
    own = Link(link["sequence"] - 1, link["previous"]) if link["previous"] else None
    made = link_after(own, {**link, **decision})
    if (made.sequence, made.digest) != (link["sequence"], link["link"]):
        yield f"the row of decision {decision['digest']} was changed after it was recorded"
    yield from _of_documents(decision, link["inputs"], content)


def _of_documents(
    row: Mapping[str, Any], inputs: Digest | None, content: ContentStore
) -> Iterator[str]:
    digest = row["digest"]
    try:
        decision = from_document(content.get(digest))
        wrong = [name for name, value in said_by(decision).items() if row[name] != value]
        if wrong:
            yield f"the row says another {wrong[0]} than its document {digest}"
        if decision.policy is not None:
            content.get(decision.policy)
        if inputs is not None:
            unpacked(content.get(inputs), decision.inputs)
    except SupplyChainError as error:
        yield f"decision {digest}: {error}" + (f" ({error.because})" if error.because else "")
