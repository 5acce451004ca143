"""What callers claim of images without a signature: kept apart, for policies to name or not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, Select, and_, exists, or_, select

from supplychain.gate.packages import PackagePattern
from supplychain.model.component import Component
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.model.unsigned import Told
from supplychain.records.audit import Notes
from supplychain.records.bulk import Filing
from supplychain.records.claimed import reading_document
from supplychain.records.content import ContentStore
from supplychain.records.database import asking, reading, writing
from supplychain.records.evidence import claims_about, members
from supplychain.records.held import Held, meant_by
from supplychain.records.links import candidates
from supplychain.records.prepared import MOST_PLACES, Prepared, among
from supplychain.records.sbom_contents import file_contents, rows_of
from supplychain.records.schema import (
    image_names,
    images,
    sbom_components,
    sbom_contents,
    unsigned_claims,
)

# Of what was handed in before anybody read it.
_OLD = "hand it in again: it was never read"


@dataclass(frozen=True, slots=True)
class UnsignedClaim:
    """A document that somebody handed in, and that nobody signed.

    Attributes:
        subject: The image that it claims to be about.
        kind: What it claims to be: an SBOM or a scan report.
        caller: Who handed it in.
        digest: The document, byte for byte.
        size: How many bytes it has.
        recorded_at: When (aware, UTC).
        unread: Why it cannot count for anything, whatever a policy says; "" where it can.
        components: How many components can be searched for; None where it is no document that is
            broken down.
    """

    subject: Digest
    kind: EvidenceKind
    caller: str
    digest: Digest
    size: int
    recorded_at: datetime
    unread: str = ""
    components: int | None = None


@dataclass(frozen=True, slots=True)
class FoundClaim:
    """A claim that an image has what was looked for.

    Attributes:
        claim: The claim.
        names: Repositories under which the image was seen, sorted.
        held: What it has, sorted.
    """

    claim: UnsignedClaim
    names: tuple[str, ...]
    held: tuple[Held, ...]


class HandedIn:
    """One project's unsigned claims; `Record.handed_in` gives it.

    Args:
        engine: The record's database.
        content: The record's content store.
        project: The project's number.
        notes: Who acts.
    """

    def __init__(self, engine: Engine, content: ContentStore, project: int, notes: Notes) -> None:
        self._engine = engine
        self._content = content
        self._project = project
        self._notes = notes

    def add(
        self,
        claim: UnsignedClaim,
        chunks: Callable[[], Iterator[bytes]],
        told: Told | None = None,
        listed: Sequence[Component] | None = None,
    ) -> UnsignedClaim:
        """Keep a claim; the same one of the same caller once.

        Args:
            claim: The claim.
            chunks: Its document, from the beginning.
            told: What it says; None where it cannot count.
            listed: What the document lists, to be searched for; None where nobody can read it.

        Returns:
            The claim, with how many components can be searched for.

        Raises:
            DigestMismatchError: The document is another one.
            ForbiddenError: It is handed in under another name.
            InputError: It lists what cannot be recorded.
        """
        self._notes.require(claim.caller)
        rows = None if listed is None else rows_of(listed)
        self._content.put_chunks(claim.digest, claim.size, chunks)
        reading = None if told is None else self._content.put(reading_document(told))
        with writing(self._engine) as connection:
            filing = Filing(connection, self._project, claim.recorded_at)
            # Facts before what names them, as runs file them: so nobody waits in a circle.
            if rows is not None:
                file_contents(filing, {claim.digest: rows})
            added = filing.insert(
                unsigned_claims,
                subject_digest=claim.subject,
                kind=claim.kind,
                caller=claim.caller,
                digest=claim.digest,
                size=claim.size,
                reading=reading,
                unread=claim.unread or None,
            )
            if added:
                self._notes.note(
                    connection,
                    "claim.handed-in",
                    claim.subject,
                    at=claim.recorded_at,
                    after={"kind": claim.kind.value, "document": str(claim.digest)},
                    who=claim.caller,
                )
        return claim if rows is None else replace(claim, components=len(rows))

    def about(self, subject: Digest, *, at: datetime) -> tuple[UnsignedClaim, ...]:
        """What is claimed of an image and its platforms, the newest first."""
        same = sbom_contents.c.digest == unsigned_claims.c.digest
        with reading(self._engine) as connection:
            subjects = {subject, *members(connection, self._project, subject, at).values()}
            chosen = claims_about(self._project, subjects, at).outerjoin(sbom_contents, same)
            rows = connection.execute(chosen.add_columns(sbom_contents.c.component_count))
            return tuple(_claim(row) for row in rows)

    def having(self, pattern: PackagePattern, *, at: datetime) -> tuple[FoundClaim, ...]:
        """Which images have a package, as callers claimed by an instant; sorted by name.

        Of each caller the newest SBOM about an image counts.

        Raises:
            StoreError: The database cannot be read.
        """
        claims: dict[int, Row[Any]] = {}
        names: dict[int, set[str]] = defaultdict(set)
        held: dict[int, set[Held]] = defaultdict(set)
        # Components and claims never change: what both are asked need not be of one moment.
        with asking(self._engine) as connection:
            rows = connection.execute(candidates(pattern)).all()
            meant = {row.id: one for row in rows if (one := meant_by(row, pattern)) is not None}
            members = sorted(meant)
            for start in range(0, len(members), MOST_PLACES):  # as `Links.having` does, and why
                some = members[start : start + MOST_PLACES]
                for row in _CLAIMING(connection, project=self._project, members=some, at=at):
                    claims[row.id] = row
                    held[row.id].add(meant[row.component_id])
                    if row.name is not None:
                        names[row.id].add(row.name)
        found = (
            FoundClaim(_claim(row), tuple(sorted(names[number])), tuple(sorted(held[number])))
            for number, row in claims.items()
        )
        return tuple(sorted(found, key=_place))


def _place(found: FoundClaim) -> tuple[object, ...]:
    return found.names, found.claim.subject, found.claim.caller


def _claiming(project: Any, members: Collection[int], at: Any) -> Select[Any]:
    """Claims whose documents have any of these components, with every name of their images."""
    claim, later = unsigned_claims.c, unsigned_claims.alias("later").c
    replaced = exists().where(
        later.project_id == claim.project_id,
        later.subject_digest == claim.subject_digest,
        later.kind == claim.kind,
        later.caller == claim.caller,
        later.recorded_at <= at,
        or_(
            later.recorded_at > claim.recorded_at,
            and_(later.recorded_at == claim.recorded_at, later.id > claim.id),
        ),
    )
    named = and_(image_names.c.image_id == images.c.id, image_names.c.recorded_at <= at)
    of = and_(images.c.project_id == claim.project_id, images.c.digest == claim.subject_digest)
    return (
        select(
            unsigned_claims,
            sbom_contents.c.component_count,
            sbom_components.c.component_id,
            image_names.c.name,
        )
        .select_from(sbom_components)
        .join(sbom_contents, sbom_contents.c.id == sbom_components.c.content_id)
        .join(unsigned_claims, claim.digest == sbom_contents.c.digest)
        .outerjoin(images, of)
        .outerjoin(image_names, named)
        .where(
            among(sbom_components.c.component_id, members),
            claim.project_id == project,
            claim.kind == EvidenceKind.SBOM,
            claim.recorded_at <= at,
            ~replaced,
        )
    )


_CLAIMING = Prepared(_claiming)


def _claim(row: Row[Any]) -> UnsignedClaim:
    return UnsignedClaim(
        row.subject_digest,
        EvidenceKind(row.kind),
        row.caller,
        row.digest,
        row.size,
        row.recorded_at,
        row.unread or ("" if row.reading else _OLD),
        row.component_count,
    )
