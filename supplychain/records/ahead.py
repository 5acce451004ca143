"""What is dated ahead: it counts once its time has come, and no write tells of that moment."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, literal, select, union_all
from sqlalchemy import func as sql

from supplychain.frozen import dataclass
from supplychain.records.asking import asking
from supplychain.records.columns import Instant
from supplychain.records.kept_tables import UNMARKED, kept_answers
from supplychain.records.schema import decisions, metadata


@dataclass(frozen=True, slots=True)
class Seen:
    """What was to be seen before anything was read for an answer.

    Attributes:
        snapshot: Which transactions had ended.
        changed: Whether anybody wrote since it was looked what is dated ahead.
    """

    snapshot: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is dated behind an instant.

    Attributes:
        snapshot: Which transactions had ended when it was looked.
        behind: The instant.
        first: The first that is behind it; None for nothing.
    """

    snapshot: str
    behind: datetime
    first: datetime | None

    def covers(self, instant: datetime) -> bool:
        """Whether the first is also the first behind another instant."""
        return self.behind <= instant and (self.first is None or instant < self.first)


class Lookout:
    """Looks for what is dated ahead, no more often than it has to; threads may share one.

    Args:
        engine: A PostgreSQL database whose schema is current.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._found: Ahead | None = None
        self._looking = threading.Lock()

    @property
    def since(self) -> str | None:
        """Which transactions had ended when it last looked; None where it never did."""
        return self._found.snapshot if self._found else None

    def ahead_of(self, seen: Seen, instant: datetime) -> Ahead | None:
        """What is dated ahead of an instant; None where somebody is just looking.

        Raises:
            StoreError: The database failed.
        """
        known = self._found
        if known is not None and not seen.changed and known.covers(instant):
            return known
        if not self._looking.acquire(blocking=False):
            return None
        try:
            with asking(self._engine) as connection:
                first = connection.scalar(_first_behind(instant))
                # Nobody is served by those that have ended, unless they are asked about again.
                gone = kept_answers.delete().where(kept_answers.c.holds_until < instant)
                connection.execute(gone)
            # Of the snapshot before: what was written since makes it an old one.
            self._found = found = Ahead(seen.snapshot, instant, first)
        finally:
            self._looking.release()
        return found


def _first_behind(instant: datetime) -> Any:
    """The first instant behind another one in all that verdicts are made from."""
    firsts = [
        select(sql.min(column).label("first")).where(column > literal(instant, Instant()))
        for table in metadata.sorted_tables
        if table.name not in UNMARKED
        for column in table.c
        # How long other decisions hold is nothing that one is made from.
        if isinstance(column.type, Instant) and column is not decisions.c.holds_until
    ]
    every = union_all(*firsts).subquery()
    return select(sql.min(every.c.first))
