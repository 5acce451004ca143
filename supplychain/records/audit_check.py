"""Whether every event of an audit log is still where it was put, and says what it said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Select, select

from supplychain.model.digest import Digest
from supplychain.records.audit import COLUMNS, link_of
from supplychain.records.audit_tables import audit_events, audit_heads
from supplychain.records.cells import any_text, cells
from supplychain.records.chain import Link, Verification
from supplychain.records.columns import as_stored
from supplychain.records.walk import Walk

_EVENT: Mapping[str, Column[Any]] = {
    "sequence": audit_events.c.sequence,
    "previous": audit_events.c.previous,
    "link": audit_events.c.digest,
    **{name: audit_events.c[name] for name in COLUMNS},
}
_HEAD: Mapping[str, Column[Any]] = {name: audit_heads.c[name] for name in ("sequence", "digest")}


def verify_log(
    connection: Connection, organisation: int, name: str, noted: Sequence[Digest] = ()
) -> Verification:
    """Look at every event of an organisation's log.

    Args:
        connection: The database.
        organisation: The organisation's number.
        name: Its name.
        noted: Links that somebody noted elsewhere; each has to be in the chain.
    """
    walk = Walk("log", noted)
    with any_text(connection):
        for event, _, wrong in walk.along(connection, _rows(organisation), _EVENT):
            if not wrong:
                wrong.extend(_of_row(event, walk, name))
        walk.beside(_of_head(connection, organisation, walk))
    return walk.end()


def _rows(organisation: int) -> Select[Any]:
    """Every event, in the log's order."""
    return (
        select(*(as_stored(column, name) for name, column in _EVENT.items()))
        .where(audit_events.c.organisation_id == organisation)
        .order_by(audit_events.c.sequence)
    )


def _of_head(connection: Connection, organisation: int, walk: Walk) -> Iterator[str]:
    mine = select(*map(as_stored, _HEAD.values()))
    row = connection.execute(mine.where(audit_heads.c.organisation_id == organisation)).first()
    head, wrong = cells(_HEAD, row._asdict()) if row else ({}, [])
    yield from (f"the end of the log: {what}" for what in wrong)
    end = (walk.last.sequence, walk.last.digest) if walk.last else (0, None)
    known = not wrong and not walk.lost
    if known and (head.get("sequence"), head.get("digest")) != end:
        yield f"the log ends at number {end[0]}, and did not when it was written"


def _of_row(row: Mapping[str, Any], walk: Walk, organisation: str) -> Iterator[str]:
    if walk.lost:
        pass  # nobody can tell what it was written behind
    elif row["sequence"] != walk.expected:
        yield f"{row['sequence'] - walk.expected} events before it are gone"
    elif row["previous"] != (walk.last.digest if walk.last else None):
        yield "it does not stand behind the event that it was written behind"
    own = Link(row["sequence"] - 1, row["previous"]) if row["previous"] else None
    made = link_of(organisation, own, row)
    if (made.sequence, made.digest) != (row["sequence"], row["link"]):
        yield "it was changed after it was written"
