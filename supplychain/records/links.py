"""From packages and findings to the images that have them: queries that go by index."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Exists,
    FromClause,
    Select,
    Table,
    exists,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)

from supplychain.gate.packages import PackagePattern
from supplychain.model.evidence import CYCLONEDX_PREDICATE, EvidenceKind
from supplychain.records.prepared import MOST_PLACES, Prepared, among
from supplychain.records.reading import latest_evidence
from supplychain.records.schema import (
    assessed_findings,
    assessments,
    attestations,
    components,
    evidence,
    images,
    index_children,
    inventoried_components,
    inventories,
    sbom_components,
    sbom_contents,
    scans,
)

_SEPARATORS = re.compile("[-_.]")


class Links:
    """How lists, their members and images hang together.

    Args:
        links: Which list has which members.
        member: The column of `links` with the member.
        lists: The lists, each of one image.
        list: The column with the list, in `links` and in `scans`.
    """

    def __init__(self, links: Table, member: str, lists: Table, list: str) -> None:  # noqa: A002
        self._links = links
        self._member = member
        self._lists = lists
        self._list = list
        self._having = Prepared(self.find_having)
        self._current = Prepared(self.find_current)

    def having(
        self, connection: Connection, project: int, members: Sequence[int]
    ) -> Iterator[tuple[int, int, int]]:
        """The images, and the lists of theirs, that have any of these members; which ones."""
        # Of longer lists SQLite does not know how few they are, and walks through all links.
        for start in range(0, len(members), MOST_PLACES):
            some = [*members[start : start + MOST_PLACES]]
            yield from self._having(connection, project=project, members=some)

    def current(
        self, connection: Connection, numbers: Sequence[int], at: datetime
    ) -> frozenset[int]:
        """The lists of the latest scans of images."""
        found = self._current(connection, numbers=[*numbers], at=at)
        return frozenset(number for (number,) in found)

    def find_having(self, project: int, members: Collection[int]) -> Select[Any]:
        """The query of `having`."""
        link, member = self._links.c, self._links.c[self._member]
        return (
            select(self._lists.c.image_id, self._lists.c.id, member)
            .join(self._links, link[self._list] == self._lists.c.id)
            .join(images, images.c.id == self._lists.c.image_id)
            .where(among(member, members), images.c.project_id == project)
        )

    def find_current(self, numbers: Collection[int], at: datetime) -> Select[Any]:
        """The query of `current`."""
        ranked = (
            latest_evidence(at)
            .where(evidence.c.kind == EvidenceKind.SCAN, among(evidence.c.image_id, numbers))
            .subquery()
        )
        return (
            select(scans.c[self._list])
            .join(ranked, ranked.c.id == scans.c.evidence_id)
            .where(ranked.c.place == 1)
        )


def signed(
    connection: Connection, project: int, members: Sequence[int], at: datetime
) -> Iterator[Any]:
    """What signed SBOMs say that images contain: of each signer the newest one about an image.

    Returns:
        Rows of a manifest's number as `image`, which member it has as `component_id`, whose word
        that is as `verified_by`, and of the index that they speak of its number as `index_id`.
    """
    for start in range(0, len(members), MOST_PLACES):
        some = [*members[start : start + MOST_PLACES]]
        yield from _SIGNED(connection, project=project, members=some, at=at)


def find_signed(project: Any, members: Collection[int], at: Any) -> Select[Any]:
    """The query of `signed`."""
    child = index_children.c
    return (
        select(
            func.coalesce(child.child_id, evidence.c.image_id).label("image"),
            sbom_components.c.component_id,
            evidence.c.verified_by,
            child.index_id,
        )
        .select_from(sbom_components)
        .join(sbom_contents, sbom_contents.c.id == sbom_components.c.content_id)
        .join(attestations, attestations.c.predicate_digest == sbom_contents.c.digest)
        .join(evidence, evidence.c.id == attestations.c.evidence_id)
        .join(images, images.c.id == evidence.c.image_id)
        .outerjoin(index_children, child.index_id == evidence.c.image_id)
        .where(
            among(sbom_components.c.component_id, members),
            evidence.c.project_id == project,
            *_is_sbom(evidence, attestations, at),
            or_(images.c.kind == "manifest", child.index_id.is_not(None)),
            ~_replaced(at),
        )
    )


def _replaced(at: Any) -> Exists:
    """That its signer signed a newer one about the same image, which can be searched, too."""
    later, said = evidence.alias("later"), attestations.alias("later_said")
    lists, this = sbom_contents.alias("later_lists"), evidence.c
    return exists().where(
        later.c.image_id == this.image_id,
        later.c.verified_by == this.verified_by,
        tuple_(later.c.produced_at, later.c.id) > tuple_(this.produced_at, this.id),
        said.c.evidence_id == later.c.id,
        lists.c.digest == said.c.predicate_digest,
        *_is_sbom(later, said, at),
    )


def _is_sbom(item: FromClause, said: FromClause, at: Any) -> tuple[ColumnElement[bool], ...]:
    """That a document that can be searched was signed as an SBOM: others may carry it, too."""
    return (
        item.c.kind == EvidenceKind.ATTESTATION,
        said.c.predicate_type.startswith(CYCLONEDX_PREDICATE),
        item.c.recorded_at <= at,
        item.c.produced_at <= at,
    )


_SIGNED = Prepared(find_signed)
INVENTORIED = Links(inventoried_components, "component_id", inventories, "inventory_id")
ASSESSED = Links(assessed_findings, "finding_id", assessments, "assessment_id")


def packages(connection: Connection, pattern: PackagePattern) -> list[Any]:
    """The packages that a pattern may mean, as rows; which of them it means, it says itself.

    By index: by their names without separators in small letters, of whatever type. So what has no
    package URL, and is filed by its bare name, is among them.
    """
    name = pattern.path.rpartition("/")[2]
    if "*" in name:
        return _OF_TYPE(connection, kind=pattern.type)
    return named(connection, name)


def named(connection: Connection, name: str) -> list[Any]:
    """The packages of a name, as rows, whatever its letters and separators; by index."""
    return _SPELT(connection, spelt=_SEPARATORS.sub("", name.lower()))


def find_of_type(kind: str) -> Select[Any]:
    """The query of `packages` for a name that is a pattern."""
    return select(components).where(components.c.purl_type == kind)


def find_spelt(spelt: str) -> Select[Any]:
    """The query of `named`."""
    return select(components).where(_spelt(components.c.purl_name) == spelt)


def _spelt(recorded: ColumnElement[str]) -> ColumnElement[str]:
    """A recorded name without separators in small letters, as `ix_components_spelt` has it."""
    for one in "-_.":
        # A value in the place of a text would hide from SQLite that this is what the index has.
        recorded = func.replace(recorded, literal_column(f"'{one}'"), literal_column("''"))
    return func.lower(recorded)


_OF_TYPE = Prepared(find_of_type)
_SPELT = Prepared(find_spelt)
