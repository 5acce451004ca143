"""What may go: scans and SBOMs that later ones replaced, or of images that nobody uses any more.

Everything else stays for good. Decisions, their links, deployments, approvals, waivers, claims and
feeds are append-only, signatures and attestations are proofs, and what a decision was made from is
in a document of its own: a decision can be replayed, and its chain verified, whatever went.

Never removed is evidence of what runs, evidence that the last decision about an image names, and
what a waiver that still counts is about or was used for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, delete, exists, select, text

from supplychain.errors import SchemaVersionError
from supplychain.frozen import dataclass
from supplychain.model.access import Acting
from supplychain.model.evidence import EvidenceKind
from supplychain.records.audit import Notes
from supplychain.records.content import ContentStore
from supplychain.records.database import reading, writing
from supplychain.records.named import digest_columns
from supplychain.records.reading import latest_evidence
from supplychain.records.schema import (
    assessed_findings,
    assessments,
    decisions,
    deployments,
    evidence,
    inventoried_components,
    inventories,
    organisations,
    projects,
    sbom_qualities,
    sboms,
    scans,
    work,
)
from supplychain.records.spared import Spared, changed_since, spared_by, used_since
from supplychain.records.version import SchemaState, require_current, status

# Pieces of evidence that go in one transaction, and numbers in one question.
_AT_ONCE = 500
# A document that was put again within this time is about to be named by a row.
_GRACE = timedelta(hours=24)
_KINDS = (EvidenceKind.SCAN, EvidenceKind.SBOM)


_SOMEBODY = Acting()
_OWNED = select(
    projects.c.id, projects.c.name, projects.c.organisation_id, organisations.c.name.label("owner")
).join(organisations, organisations.c.id == projects.c.organisation_id)


@dataclass(frozen=True, slots=True)
class Rules:
    """How long what stays.

    Attributes:
        superseded: Scans and SBOMs that a later one of their image replaced, from when they were
            made.
        unused: Scans and SBOMs of images about which nothing was recorded, decided or reported
            for so long; None keeps the latest of every image for good.
    """

    superseded: timedelta
    unused: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Removal:
    """What goes, or went.

    Attributes:
        scans: How many scans.
        sboms: How many SBOMs.
        spared: How many pieces of evidence are old enough and stay, for something rests on them.
        work: How many notes of work that ended.
        documents: How many documents; of what is only planned, at most so many.
    """

    scans: int
    sboms: int
    spared: int
    work: int
    documents: int


def plan(engine: Engine, content: ContentStore, rules: Rules, *, at: datetime) -> Removal:
    """What would go; changes nothing.

    Raises:
        SchemaVersionError: The database has another schema.
        StoreError: Something cannot be read.
    """
    require_current(engine)
    total = Removal(0, 0, 0, 0, 0)
    with reading(engine) as connection:
        for project in connection.scalars(select(projects.c.id)).all():
            spared = spared_by(connection, content, project, at)
            old = _old(connection, project, rules, at)
            total = _plus(total, *_divided(old, spared), work=0, documents=None)
        ended = len(connection.execute(_ended(rules, at)).all())
    return _plus(total, [], [], work=ended, documents=0)


def apply(
    engine: Engine, content: ContentStore, rules: Rules, *, at: datetime, acting: Acting = _SOMEBODY
) -> Removal:
    """Remove it, some at a time; what is killed in between is simply done again.

    Args:
        engine: The database.
        content: The content store.
        rules: What goes when.
        at: Now (aware, UTC).
        acting: Who does it, for the audit log.

    Raises:
        SchemaVersionError: The database has another schema, be it one that others may work on.
        StoreError: Something cannot be read or written.
    """
    require_current(engine)
    _require_own_schema(engine)
    total = Removal(0, 0, 0, 0, 0)
    with reading(engine) as connection:
        every = [_notes_of(row, acting) for row in connection.execute(_OWNED)]
    for project, notes in every:
        with reading(engine) as connection:
            spared = spared_by(connection, content, project, at)
            going, staying = _divided(_old(connection, project, rules, at), spared)
        total = _plus(total, [], staying, work=0, documents=0)
        for some in _some(going):
            gone = _remove(engine, project, spared, some, notes=notes, at=at)
            documents = _discard(engine, content, gone, at)
            total = _plus(total, gone, [], work=0, documents=documents)
    with writing(engine) as connection:
        ended = connection.execute(delete(work).where(work.c.id.in_(_ended(rules, at)))).rowcount
    return _plus(total, [], [], work=ended, documents=0)


def _require_own_schema(engine: Engine) -> None:
    """Refuse a newer schema, though it only adds: what it added may name what would go.

    Raises:
        SchemaVersionError: It is one.
    """
    found = status(engine)
    if found.state is SchemaState.COMPATIBLE:
        raise SchemaVersionError(
            "nothing is removed: the record has a newer schema",
            because=f"it is {found.current}, this supplychain knows {found.head}, and does not "
            "know what else names what it would remove",
            hint="do it with the newer supplychain",
        )


def _notes_of(row: Any, acting: Acting) -> tuple[int, Notes]:
    return row.id, Notes(row.organisation_id, row.owner, row.name, acting)


def _old(connection: Connection, project: int, rules: Rules, at: datetime) -> list[Row[Any]]:
    """Scans and SBOMs that are old enough to go, whatever rests on them."""
    ranked = latest_evidence(at).subquery()
    column = evidence.c
    chosen = (
        select(column.id, column.image_id, column.kind, column.digest, ranked.c.place)
        .join(ranked, ranked.c.id == column.id)
        .where(column.project_id == project, column.kind.in_(_KINDS))
    )
    before = at - rules.superseded
    replaced = chosen.where(ranked.c.place > 1, column.produced_at < before)
    found: list[Any] = [*connection.execute(replaced.where(column.recorded_at < before))]
    if rules.unused is not None:
        used = _used(connection, project, at - rules.unused)
        rest = chosen.where(column.recorded_at < at - rules.unused)
        # What the first rule has taken already is not taken twice.
        rest = rest.where((ranked.c.place == 1) | (column.produced_at >= before))
        found += [row for row in connection.execute(rest) if row.image_id not in used]
    return found


def _used(connection: Connection, project: int, since: datetime) -> frozenset[int]:
    said = used_since(
        connection, project, decisions.c.decided_at >= since, deployments.c.recorded_at >= since
    )
    recent = select(evidence.c.image_id).where(
        evidence.c.project_id == project, evidence.c.recorded_at >= since
    )
    return said | set(connection.scalars(recent.distinct()))


def _divided(old: Iterable[Row[Any]], spared: Spared) -> tuple[list[Row[Any]], list[Row[Any]]]:
    going: list[Row[Any]] = []
    staying: list[Row[Any]] = []
    for row in old:
        stays = row.image_id in spared.images or row.digest in spared.evidence
        (staying if stays else going).append(row)
    return going, staying


def _remove(
    engine: Engine,
    project: int,
    spared: Spared,
    rows: Sequence[Row[Any]],
    *,
    notes: Notes,
    at: datetime,
) -> list[Row[Any]]:
    """Remove evidence, unless something was said about its image since it was chosen."""
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            # Nobody decides or deploys between the last look and the end of this.
            connection.execute(text("SET LOCAL lock_timeout = '3s'"))
            connection.execute(
                text(
                    "LOCK TABLE decisions, deployments, waiver_events, unsigned_claims"
                    " IN SHARE MODE"
                )
            )
        touched = changed_since(connection, project, spared.marks)
        if touched is None:
            return []  # of waivers nobody knows at a glance what they are about: next time
        # Who removes the same at the same time has it removed by then, and notes it.
        chosen = select(evidence.c.id).where(evidence.c.id.in_([row.id for row in rows]))
        left = set(connection.scalars(chosen.with_for_update()))
        gone = [row for row in rows if row.id in left and row.image_id not in touched]
        numbers = [row.id for row in gone]
        for table in (sbom_qualities, sboms, scans):
            connection.execute(delete(table).where(table.c.evidence_id.in_(numbers)))
        connection.execute(delete(evidence).where(evidence.c.id.in_(numbers)))
        _remove_lists(connection, {row.image_id for row in gone})
        if gone:
            counted = [row.kind for row in gone]
            after = {str(kind): counted.count(kind) for kind in _KINDS}
            notes.note(connection, "evidence.removed", notes.project, at=at, after=after)
    return gone


def _remove_lists(connection: Connection, of: set[int]) -> None:
    """Remove inventories and assessments of images that no scan names any longer."""
    for table, entries, key in (
        (inventories, inventoried_components, "inventory_id"),
        (assessments, assessed_findings, "assessment_id"),
    ):
        named = exists().where(scans.c[key] == table.c.id)
        chosen = select(table.c.id).where(table.c.image_id.in_(of), ~named)
        # Whoever is about to name one holds it, and it stays; whoever did so since is seen then.
        free = connection.scalars(chosen.with_for_update(skip_locked=True)).all()
        numbers = connection.scalars(chosen.where(table.c.id.in_(free))).all()
        connection.execute(delete(entries).where(entries.c[key].in_(numbers)))
        connection.execute(delete(table).where(table.c.id.in_(numbers)))


def _discard(engine: Engine, content: ContentStore, gone: Iterable[Row[Any]], at: datetime) -> int:
    """Discard the documents that no row has any longer; how many."""
    digests = {row.digest for row in gone}
    with reading(engine) as connection:
        for column in digest_columns():
            digests -= set(connection.scalars(select(column).where(column.in_(digests))))
    return sum(content.discard(digest, unused_since=at - _GRACE) for digest in sorted(digests))


def _ended(rules: Rules, at: datetime) -> Select[Any]:
    return select(work.c.id).where(work.c.expires_at < at - rules.superseded)


def _some(rows: list[Row[Any]]) -> Iterator[list[Row[Any]]]:
    return (rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE))


def _plus(
    total: Removal,
    going: Sequence[Row[Any]],
    staying: Sequence[Row[Any]],
    *,
    work: int,
    documents: int | None,
) -> Removal:
    counted = [row.kind for row in going]
    found = len({row.digest for row in going}) if documents is None else documents
    return Removal(
        total.scans + counted.count(EvidenceKind.SCAN),
        total.sboms + counted.count(EvidenceKind.SBOM),
        total.spared + len(staying),
        total.work + work,
        total.documents + found,
    )
