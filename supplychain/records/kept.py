"""Answers of the gate, kept as they were given, each while nothing it was made from changes.

Whoever writes what verdicts are made from is marked by the database itself, in the same
transaction (`record_changes`). An answer carries the snapshot that was taken before anything was
read for it. It holds while every marked transaction that can be seen now could be seen in that
snapshot; both are read in one statement. So no answer is given after a change that was
acknowledged, whichever process made it. PostgreSQL alone has such snapshots: elsewhere nothing is
kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine
from sqlalchemy.dialects.postgresql import insert

from supplychain import __version__
from supplychain.errors import StoreError
from supplychain.frozen import dataclass
from supplychain.gate.case import CLOCK_TOLERANCE
from supplychain.model.digest import Digest
from supplychain.records.ahead import Lookout, Seen
from supplychain.records.asking import asking
from supplychain.records.database import writing
from supplychain.records.entry import TOKEN_VERSION
from supplychain.records.kept_tables import kept_answers
from supplychain.records.prepared import run

# While others write all the time, nothing holds for long enough to be worth its keeping.
_QUIET = timedelta(seconds=10)
_LONGEST = timedelta(hours=1)
_MOMENT = timedelta(microseconds=1)
_PLACE = "supplychain_place"
_CHANGED = """EXISTS (
    SELECT FROM record_changes c
    WHERE c.xid >= pg_snapshot_xmin({0}::pg_snapshot)::text::bigint
    AND NOT pg_visible_in_snapshot(c.xid::text::xid8, {0}::pg_snapshot)
)"""
_ANSWERS = f"""
SELECT q.number, f.count, f.allowed, f.bodies
FROM unnest(string_to_array(%(digests)s, ','), string_to_array(%(names)s, ','))
    WITH ORDINALITY AS q (digests, names, number)
CROSS JOIN LATERAL (
    SELECT count(*) AS count, count(*) FILTER (WHERE a.verdict = 'allow') AS allowed,
        string_agg(a.body, ',' ORDER BY i.place) AS bodies, array_agg(DISTINCT a.seen) AS seen
    FROM unnest(string_to_array(q.digests, ' '), string_to_array(q.names, ' '))
        WITH ORDINALITY AS i (digest, name, place)
    JOIN kept_answers a ON a.project_id = %(project)s AND a.environment = %(environment)s
        AND a.subject_digest = i.digest AND a.subject_name = i.name
    WHERE a.policy = %(policy)s AND a.program = %(program)s AND a.place = %(place)s
    AND a.decided_at <= %(at)s AND a.holds_until >= %(at)s
) f
WHERE NOT EXISTS (SELECT FROM unnest(f.seen) AS s (seen) WHERE {_CHANGED.format("s.seen")})
AND NOT EXISTS (
    SELECT FROM unnest(string_to_array(%(tokens)s, ' '), string_to_array(%(versions)s, ' '))
        AS t (identifier, version)
    WHERE t.version IS DISTINCT FROM ({TOKEN_VERSION.format("t.identifier")})
)
"""  # noqa: S608  # of constants
_WHERE = """
SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || oid
FROM pg_database WHERE datname = current_database()
"""
_BEGIN = f"""
SELECT pg_current_snapshot()::text,
    EXISTS (SELECT FROM record_changes WHERE at > clock_timestamp() - %(quiet)s::interval),
    %(since)s::text IS NULL OR {_CHANGED.format("%(since)s")}
"""  # noqa: S608  # of constants


class Asked(NamedTuple):
    """Where something is asked: in which project, for where, by which policy."""

    project: int
    environment: str
    policy: Digest


class Image(NamedTuple):
    """What is asked about: the parts of a `Subject`, as texts without spaces."""

    name: str
    digest: str


class Images(NamedTuple):
    """What is asked about together: names and digests in one order, a space between them."""

    names: str
    digests: str


class Kept(NamedTuple):
    """An answer that holds: `allow` or `deny`, and all of it, as it was told."""

    verdict: str
    body: str


class Found(NamedTuple):
    """Answers that hold, to all that is asked together.

    Attributes:
        number: How many; the others are denials.
        allowed: How many of them allow.
        bodies: All of them as they were told, in order, a comma between them.
    """

    number: int
    allowed: int
    bodies: str


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that was just given.

    Attributes:
        asked: Where it was asked.
        image: What it is about.
        decided_at: The instant judged for.
        holds_until: When time alone changes it; None where it never does.
        answer: What is to be kept.
    """

    asked: Asked
    image: Image
    decided_at: datetime
    holds_until: datetime | None
    answer: Kept


class KeptAnswers:
    """The answers that are kept in a database; threads may share one.

    Args:
        engine: A database whose schema is current.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lookout = Lookout(engine)

    @property
    def can_keep(self) -> bool:
        """Whether this database keeps any."""
        return self._engine.dialect.name == "postgresql"

    def find(
        self,
        asked: Asked,
        questions: Sequence[Images],
        *,
        at: datetime,
        tokens: Mapping[str, str] | None = None,
    ) -> list[Found | None]:
        """The answers that hold to questions, in order; None where the gate has to judge.

        Args:
            asked: Where all of them are asked.
            questions: What each is about; a name has no comma in it.
            at: The instant judged for (aware, UTC).
            tokens: Those with which they are asked, by identifier, and the version in which each
                was read; no answer holds where one of them has another version by now.

        Raises:
            StoreError: The database failed.
        """
        found: list[Found | None] = [None] * len(questions)
        with asking(self._engine) as connection:
            values = {
                "project": asked.project,
                "environment": asked.environment,
                "policy": str(asked.policy),
                # An array takes the driver longer than PostgreSQL takes for all the rest.
                "digests": ",".join([images.digests for images in questions]),
                "names": ",".join([images.names for images in questions]),
                "tokens": " ".join(tokens or ()),
                "versions": " ".join((tokens or {}).values()),
                "program": __version__,
                "place": _place(connection),
                "at": at,
            }
            for place, count, allowed, bodies in run(connection, _ANSWERS, values):
                if count == questions[place - 1].digests.count(" ") + 1:
                    found[place - 1] = Found(count, allowed, bodies)
        return found

    def begin(self) -> Seen | None:
        """Before anything is read for an answer; None where it would not be kept.

        Raises:
            StoreError: The database failed.
        """
        if not self.can_keep:
            return None
        values = {"quiet": _QUIET, "since": self._lookout.since}
        with asking(self._engine) as connection:
            snapshot, busy, changed = connection.exec_driver_sql(_BEGIN, values).one()
        return None if busy else Seen(snapshot, changed)

    def keep(self, seen: Seen, given: Sequence[Given]) -> None:
        """Keep answers that were made from what was read after `begin`; not where that fails.

        What is dated ahead counts once its time has come, and no write tells of that moment: an
        answer ends before.
        """
        with suppress(StoreError):
            rows = [row for one in given if (row := self._row(seen, one)) is not None]
            if not rows:
                return
            rows.sort(
                key=lambda row: (
                    row["environment"],
                    str(row["subject_digest"]),
                    row["subject_name"],
                )
            )
            with writing(self._engine) as connection:
                # A row that is lost is made again.
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
                place = _place(connection)
                added = insert(kept_answers)
                columns = {c.name: c for c in added.excluded if not c.primary_key}
                connection.execute(
                    added.on_conflict_do_update(
                        index_elements=list(kept_answers.primary_key), set_=columns
                    ),
                    [row | {"place": place} for row in rows],
                )

    def _row(self, seen: Seen, given: Given) -> dict[str, Any] | None:
        ahead = self._lookout.ahead_of(seen, given.decided_at)
        if ahead is None:
            return None
        ends = [given.decided_at + _LONGEST]
        if given.holds_until is not None:
            ends.append(given.holds_until)
        if ahead.first is not None:
            # By clocks that may be ahead of the one judged by.
            ends.append(ahead.first - CLOCK_TOLERANCE - _MOMENT)
        until = min(ends)
        if until <= given.decided_at:
            return None
        return {
            "project_id": given.asked.project,
            "environment": given.asked.environment,
            "subject_digest": Digest.parse(given.image.digest),
            "subject_name": given.image.name,
            "policy": given.asked.policy,
            "program": __version__,
            "seen": seen.snapshot,
            "decided_at": given.decided_at,
            "holds_until": until,
            "verdict": given.answer.verdict,
            "body": given.answer.body,
        }


def _place(connection: Connection) -> str:
    """Which database this is, for transactions have numbers of their own in each cluster."""
    known = connection.info.get(_PLACE)
    if known is None:
        known = connection.info[_PLACE] = connection.exec_driver_sql(_WHERE).scalar()
    return str(known)
