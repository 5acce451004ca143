"""Feeds: editions of EPSS and KEV, and what they say about the findings of an image."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, select

from supplychain.errors import InputError, NotFoundError
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, Need
from supplychain.model.exploitation import (
    Exploitation,
    ExploitChance,
    FeedEdition,
    FeedKind,
    KnownExploit,
)
from supplychain.records.audit import Notes
from supplychain.records.bulk import Filing
from supplychain.records.content import ContentStore
from supplychain.records.database import reading, writing
from supplychain.records.epss import Epss, check_epss, read_epss
from supplychain.records.feed_tables import feed_editions
from supplychain.records.kev import Kev, read_kev
from supplychain.records.question import Question

# How far the clocks of a feed's makers may run ahead of ours.
_AHEAD = timedelta(minutes=1)
# Reading an edition takes far longer than judging an image. What a digest names never changes, so
# a process reads it once; it keeps the one of each kind that was asked for last.
_READ_EPSS: dict[Digest, Epss] = {}
_READ_KEV: dict[Digest, Kev] = {}


class Feeds:
    """The feeds of one project; of each kind the edition with the latest date of its own counts.

    Args:
        engine: A database whose schema is current.
        content: Where the editions are kept, byte for byte.
        project: The project's number.
        notes: Who acts.
    """

    def __init__(self, engine: Engine, content: ContentStore, project: int, notes: Notes) -> None:
        self._engine = engine
        self._content = content
        self._project = project
        self._notes = notes

    def add(self, kind: FeedKind, data: bytes, *, source: str, at: datetime) -> FeedEdition:
        """Record an edition; one that is on record already stays as it is.

        Args:
            kind: Which feed.
            data: The edition, as its makers publish it.
            source: The file or URL that it came from.
            at: The instant of recording (aware, UTC).

        Raises:
            InputError: It is no edition of that feed, not whole, or from the future, where it
                would stand in front of every one to come.
        """
        said, entries = _checked(kind, data)
        if said.published_at > at + _AHEAD:
            raise InputError(
                f"this edition of {kind.upper()} is from the future",
                because=f"it says {said.published_at.isoformat()}",
                hint="check the clock of this machine, and where the edition comes from",
            )
        digest = self._content.put(data)
        with writing(self._engine) as connection:
            is_new = Filing(connection, self._project, at).insert(
                feed_editions,
                kind=kind,
                digest=digest,
                published_at=said.published_at,
                version=said.version,
                entries=entries,
                source=source,
            )
            chosen = _editions(self._project, kind, at).where(feed_editions.c.digest == digest)
            edition = _edition(connection.execute(chosen).one())
            if is_new:
                self._notes.note(
                    connection,
                    "feed.imported",
                    f"{kind} {digest}",
                    at=at,
                    after={"version": said.version, "entries": entries, "source": source},
                )
        return edition

    def editions(self, *, at: datetime, limit: int = 100) -> tuple[FeedEdition, ...]:
        """The editions on record as of an instant, of each kind at most so many, latest first."""
        with reading(self._engine) as connection:
            found = [
                connection.execute(_editions(self._project, kind, at).limit(limit)).all()
                for kind in FeedKind
            ]
        return tuple(_edition(row) for rows in found for row in rows)

    def current(self, kind: FeedKind, *, at: datetime) -> FeedEdition:
        """The edition that counts.

        Raises:
            NotFoundError: None is on record.
        """
        with reading(self._engine) as connection:
            found = _current(connection, self._project, kind, at)
        if found is None:
            raise NotFoundError(
                f"no edition of {kind.upper()} is on record",
                hint=f"supplychain feeds import {kind} FILE",
            )
        return found

    def look_up(
        self, edition: FeedEdition, vulnerability_id: str
    ) -> ExploitChance | KnownExploit | None:
        """What an edition says of a vulnerability; None where it does not know it."""
        if edition.kind is FeedKind.EPSS:
            return _epss(self._content, edition.digest).chance(vulnerability_id)
        return _kev(self._content, edition.digest).entries.get(vulnerability_id)


def with_exploitation(
    connection: Connection,
    content: ContentStore,
    dossiers: Mapping[Digest, Dossier],
    asked: Question,
) -> Mapping[Digest, Dossier]:
    """The dossiers with what feeds said at an instant, where that is needed."""
    if Need.EXPLOITATION not in asked.needs:
        return dossiers
    epss = _current(connection, asked.project, FeedKind.EPSS, asked.at)
    kev = _current(connection, asked.project, FeedKind.KEV, asked.at)
    found = {}
    for digest, dossier in dossiers.items():
        names = sorted(_names(dossier))
        said = Exploitation()
        if epss:
            chances = map(_epss(content, epss.digest).chance, names)
            said = replace(said, epss=epss, chances=tuple(c for c in chances if c is not None))
        if kev:
            entries = _kev(content, kev.digest).entries
            said = replace(said, kev=kev, known=tuple(entries[n] for n in names if n in entries))
        found[digest] = replace(dossier, exploitation=said)
    return found


def _names(dossier: Dossier) -> Collection[str]:
    """What the vulnerabilities of an image are called, their CVEs among that."""
    found = (recorded.finding for p in dossier.platforms for recorded in p.findings)
    return {name for finding in found for name in (finding.vulnerability_id, *finding.aliases)}


def _editions(project: int, kind: FeedKind, at: datetime) -> Select[Any]:
    column = feed_editions.c
    return (
        select(feed_editions)
        .where(column.project_id == project, column.kind == kind, column.recorded_at <= at)
        .order_by(column.published_at.desc(), column.id.desc())
    )


def _current(
    connection: Connection, project: int, kind: FeedKind, at: datetime
) -> FeedEdition | None:
    row = connection.execute(_editions(project, kind, at).limit(1)).first()
    return None if row is None else _edition(row)


def _edition(row: Row[Any]) -> FeedEdition:
    return FeedEdition(
        kind=FeedKind(row.kind),
        digest=row.digest,
        published_at=row.published_at,
        recorded_at=row.recorded_at,
        source=row.source,
        version=row.version,
        entries=row.entries,
    )


def _checked(kind: FeedKind, data: bytes) -> tuple[Epss | Kev, int]:
    if kind is FeedKind.EPSS:
        epss = check_epss(data)
        return epss, len(epss.rows)
    kev = read_kev(data)
    return kev, len(kev.entries)


def _epss(content: ContentStore, digest: Digest) -> Epss:
    if digest not in _READ_EPSS:
        found = read_epss(content.get(digest))
        _READ_EPSS.clear()
        _READ_EPSS[digest] = found
        return found
    return _READ_EPSS[digest]


def _kev(content: ContentStore, digest: Digest) -> Kev:
    if digest not in _READ_KEV:
        found = read_kev(content.get(digest))
        _READ_KEV.clear()
        _READ_KEV[digest] = found
        return found
    return _READ_KEV[digest]
