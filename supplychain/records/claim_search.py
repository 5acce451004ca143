"""Which images have a package, as callers claim without a signature: page by page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, Subquery, and_, exists, or_, select

from supplychain.gate.packages import PackagePattern
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.records.held import Held, meant_by
from supplychain.records.links import packages
from supplychain.records.prepared import MOST_PLACES, Prepared, among
from supplychain.records.schema import (
    image_names,
    images,
    sbom_components,
    sbom_contents,
    unsigned_claims,
)


class ClaimPlace(NamedTuple):
    """Where a claim stands among all: by its document, and then by itself; the newest first.

    Attributes:
        document: The number of its document.
        claim: Its own.
    """

    document: int
    claim: int


# Before all of them.
_FIRST = ClaimPlace(2**63 - 1, 2**63 - 1)


class FoundClaim(NamedTuple):
    """A claim that an image has what was looked for.

    Attributes:
        place: Where it stands.
        subject: The image that it claims to be about.
        names: Repositories under which the image was seen, sorted.
        caller: Who handed it in.
        document: The document that says so.
        recorded_at: When it was handed in (aware, UTC).
        held: What the image has, sorted.
    """

    place: ClaimPlace
    subject: Digest
    names: tuple[str, ...]
    caller: str
    document: Digest
    recorded_at: datetime
    held: tuple[Held, ...]


def find_claims(
    connection: Connection,
    project: int,
    pattern: PackagePattern,
    *,
    at: datetime,
    limit: int,
    after: ClaimPlace | None = None,
) -> tuple[FoundClaim, ...]:
    """The claims of a project that images have a package, the newest documents first.

    Of each caller the newest SBOM about an image counts.

    Args:
        connection: To the database.
        project: The project's number.
        pattern: Which package.
        at: As of when (aware, UTC).
        limit: At most so many.
        after: Begin behind this place; None to begin with the newest.
    """
    rows = packages(connection, pattern)
    meant = {row.id: one for row in rows if (one := meant_by(row, pattern)) is not None}
    members = sorted(meant)
    behind = after or _FIRST
    found: dict[ClaimPlace, list[Any]] = defaultdict(list)
    # As `Links.having` does, and why. What comes first of all comes first of each part, too.
    for start in range(0, len(members), MOST_PLACES):
        some = members[start : start + MOST_PLACES]
        asked = {"project": project, "members": some, "at": at, "most": limit}
        for row in _PAGE(connection, **asked, document=behind.document, claim=behind.claim):
            found[ClaimPlace(row.content_id, row.id)].append(row)
    first = sorted(found, reverse=True)[:limit]
    return tuple([_claim(place, found[place], meant) for place in first])


def _claim(place: ClaimPlace, rows: Sequence[Any], meant: Mapping[int, Held]) -> FoundClaim:
    """A claim of its rows: one for each thing that it has by each name of its image."""
    row = rows[0]
    held: tuple[Held, ...] = (meant[row.component_id],)
    names: tuple[str, ...] = () if row.name is None else (row.name,)
    if len(rows) > 1:
        held = tuple(sorted({meant[one.component_id] for one in rows}))
        names = tuple(sorted({one.name for one in rows if one.name is not None}))
    return FoundClaim(
        place, row.subject_digest, names, row.caller, row.digest, row.recorded_at, held
    )


def find_page(
    *, project: Any, members: Collection[int], at: Any, most: Any, document: Any, claim: Any
) -> Select[Any]:
    """The query of a page: its claims, each with what it has and with every name of its image.

    The index of `sbom_components` has the documents of a component in their order, so that of one
    component no more is read than the page has.
    """
    listed, said = sbom_components.c, unsigned_claims.c
    columns = said.id, said.subject_digest, said.caller, said.digest, said.recorded_at
    # Not joined: PostgreSQL would read all documents, as if all of them were wanted.
    document_of = (
        select(sbom_contents.c.digest)
        .where(sbom_contents.c.id == listed.content_id)
        .correlate(sbom_components)
        .scalar_subquery()
    )
    claims = (
        select(listed.content_id, *columns)
        .select_from(sbom_components)
        .join(unsigned_claims, said.digest == document_of)
        .where(
            among(listed.component_id, members),
            listed.content_id <= document,
            or_(listed.content_id < document, said.id < claim),
            said.project_id == project,
            said.kind == EvidenceKind.SBOM,
            said.recorded_at <= at,
            ~_replaced(at),
        )
        .order_by(listed.content_id.desc(), said.id.desc())
        .limit(most)
    )
    if len(members) == 1:  # no claim comes twice, and what each has is known
        page = claims.add_columns(listed.component_id).subquery("page")
        return _with_names(select(page, image_names.c.name).select_from(page), page, project, at)
    page = claims.distinct().subquery("page")
    again = sbom_components.alias("again")
    both = page.join(again, again.c.content_id == page.c.content_id)
    found = select(page, again.c.component_id, image_names.c.name).select_from(both)
    return _with_names(found, page, project, at).where(among(again.c.component_id, members))


def _with_names(found: Select[Any], page: Subquery, project: Any, at: Any) -> Select[Any]:
    """With every name of the image that a claim is about; one row without, where it has none."""
    of = and_(images.c.project_id == project, images.c.digest == page.c.subject_digest)
    named = and_(image_names.c.image_id == images.c.id, image_names.c.recorded_at <= at)
    return found.outerjoin(images, of).outerjoin(image_names, named)


def _replaced(at: Any) -> Any:
    """That its caller handed in a newer one about the same image."""
    this, later = unsigned_claims.c, unsigned_claims.alias("later").c
    return exists().where(
        later.project_id == this.project_id,
        later.subject_digest == this.subject_digest,
        later.kind == this.kind,
        later.caller == this.caller,
        later.recorded_at <= at,
        or_(
            later.recorded_at > this.recorded_at,
            and_(later.recorded_at == this.recorded_at, later.id > this.id),
        ),
    )


_PAGE = Prepared(find_page)
