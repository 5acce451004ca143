"""The audit log: who did what to the record, from where, in a chain that shows tampering.

Every door that writes notes it in its own transaction, last of all, so that whoever waits for the
end of an organisation's chain holds nothing that others wait for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, bindparam, insert, select, update

from supplychain.errors import ForbiddenError
from supplychain.frozen import dataclass
from supplychain.model.access import Acting, AuditEvent
from supplychain.model.digest import Digest
from supplychain.records.audit_tables import audit_events, audit_heads
from supplychain.records.chain import Link, Verification, linked
from supplychain.records.columns import instant_text
from supplychain.records.database import reading

# What of a row its link is made from, in this order, behind the organisation's name.
COLUMNS = ("at", "who", "from_where", "through", "project", "what", "about", "before", "after")
_NOBODY = "(not said)"
# Built once: whoever appends holds up all others of the organisation.
_MINE = audit_heads.c.organisation_id == bindparam("of")
_HEAD = select(audit_heads.c.sequence, audit_heads.c.digest).where(_MINE).with_for_update()
_APPENDED = insert(audit_events)
_MOVED = (
    update(audit_heads).where(_MINE).values(sequence=bindparam("reached"), digest=bindparam("link"))
)


@dataclass(frozen=True, slots=True)
class Notes:
    """What every door that writes needs to note what it did.

    Attributes:
        organisation: The organisation's number.
        name: Its name.
        project: The project's name; "" for the organisation itself.
        acting: Who acts.
    """

    organisation: int
    name: str
    project: str
    acting: Acting

    def of_all(self) -> Notes:
        """The same, of the organisation itself."""
        return replace(self, project="")

    def require(self, actor: str) -> None:
        """Refuse to act under another name than that of whoever was let in.

        Raises:
            ForbiddenError: It is another one.
        """
        if self.acting.is_known and actor != self.acting.who:
            raise ForbiddenError(f"{self.acting.who} cannot act as {actor}")

    def note(
        self,
        connection: Connection,
        what: str,
        about: object,
        *,
        at: datetime,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
        who: str = "",
    ) -> None:
        """Append to the log; the last that a transaction does.

        Args:
            connection: In a transaction that writes.
            what: What was done: `waiver.approved`.
            about: To what.
            at: The instant (aware, UTC).
            before: What it was.
            after: What it is now.
            who: By whom, where whoever opened the record did not say.
        """
        head = connection.execute(_HEAD, {"of": self.organisation}).one()
        last = Link(head.sequence, head.digest) if head.digest else None
        values = {
            "at": at,
            "who": self.acting.who or who or _NOBODY,
            "from_where": self.acting.from_where or _NOBODY,
            "through": self.acting.through,
            "project": self.project,
            "what": what,
            "about": str(about),
            "before": _text(before),
            "after": _text(after),
        }
        link = link_of(self.name, last, values)
        connection.execute(
            _APPENDED,
            {
                **values,
                "organisation_id": self.organisation,
                "sequence": link.sequence,
                "previous": last.digest if last else None,
                "digest": link.digest,
            },
        )
        connection.execute(
            _MOVED, {"of": self.organisation, "reached": link.sequence, "link": link.digest}
        )


@dataclass(frozen=True, slots=True)
class AuditAsked:
    """Of which events.

    Attributes:
        who: By this person or machine.
        what: What begins so: `waiver`, `waiver.approved`.
        about: To exactly this.
        project: In this project.
        since: Not before this instant.
        until: Not after this one.
        before: Only events with a lower number.
    """

    who: str | None = None
    what: str | None = None
    about: str | None = None
    project: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


class AuditLog:
    """One organisation's audit log; `Record.audit` gives it.

    Args:
        engine: The record's database.
        notes: Whose log.
    """

    def __init__(self, engine: Engine, notes: Notes) -> None:
        self._engine = engine
        self._notes = notes

    def list(self, asked: AuditAsked | None = None, *, limit: int = 100) -> tuple[AuditEvent, ...]:
        """Events, the newest first."""
        chosen = _chosen(self._notes.organisation, asked or AuditAsked())
        newest = chosen.order_by(audit_events.c.sequence.desc()).limit(limit)
        with reading(self._engine) as connection:
            return tuple(_event(row) for row in connection.execute(newest))

    def all(self) -> Iterator[AuditEvent]:
        """Every event in order, all as of one state of the log."""
        chosen = _chosen(self._notes.organisation, AuditAsked())
        with reading(self._engine) as connection:
            streamed = connection.execution_options(stream_results=True)
            for row in streamed.execute(chosen.order_by(audit_events.c.sequence)):
                yield _event(row)

    def verify(self, noted: Sequence[Digest] = ()) -> Verification:
        """Look at every event: what it says, and its place in the chain.

        Args:
            noted: Links that somebody noted elsewhere; each has to be in the chain.
        """
        from supplychain.records.audit_check import verify_log

        with reading(self._engine) as connection:
            return verify_log(connection, self._notes.organisation, self._notes.name, noted)


def link_of(organisation: str, before: Link | None, values: Mapping[str, Any]) -> Link:
    """The link of an event behind another one.

    Args:
        organisation: The organisation's name.
        before: The newest link; None where there is none.
        values: The event's row.
    """
    said = [values[name] for name in COLUMNS]
    said[0] = instant_text(said[0])
    # What is not there is not the same as what is empty.
    return linked(before, [organisation, *said])


def _chosen(organisation: int, asked: AuditAsked) -> Select[Any]:
    column = audit_events.c
    found = select(audit_events).where(column.organisation_id == organisation)
    for name in ("who", "about", "project"):
        if (wanted := getattr(asked, name)) is not None:
            found = found.where(column[name] == wanted)
    if asked.what is not None:
        found = found.where(
            (column.what == asked.what) | column.what.startswith(f"{asked.what}.", autoescape=True)
        )
    if asked.since is not None:
        found = found.where(column.at >= asked.since)
    if asked.until is not None:
        found = found.where(column.at <= asked.until)
    if asked.before is not None:
        found = found.where(column.sequence < asked.before)
    return found


def _event(row: Row[Any]) -> AuditEvent:
    return AuditEvent(
        row.sequence,
        row.at,
        row.who,
        row.from_where,
        row.through,
        row.project,
        row.what,
        row.about,
        _data(row.before),
        _data(row.after),
        str(row.digest),
    )


def _text(data: Mapping[str, object] | None) -> str | None:
    if data is None:
        return None
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _data(text: str | None) -> Mapping[str, object] | None:
    """What a row says; what somebody made unreadable is for `verify` to tell."""
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"unreadable": text}
