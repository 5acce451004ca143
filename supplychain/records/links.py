"""From packages and findings to the images that have them: queries that go by index."""

from __future__ import annotations

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

# Distributions whose packages have small letters alone.
_SMALL = frozenset({"apk", "deb"})


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


def candidates(pattern: PackagePattern) -> Select[Any]:
    """The packages that a pattern may mean; which of them it means, it says itself.

    By the index over names alone: at the very place where an ecosystem writes a name in one way
    only, else among the names of its type. What has no package URL is filed by its bare name.
    """
    names = components.alias("names").c
    chosen: list[ColumnElement[bool]] = [names.purl_type == pattern.type]
    namespace, _, name = pattern.path.rpartition("/")
    if "*" in name:
        return select(components).where(components.c.purl_type == pattern.type)
    if pattern.cased or pattern.type in _SMALL:
        if "*" not in namespace:
            chosen.append(names.purl_namespace == namespace)
        chosen.append(names.purl_name == name)
    else:
        # Most names are of another length, which costs less to see.
        chosen += [
            func.length(names.purl_name) == len(name),
            _folded(pattern, names.purl_name) == name,
        ]
    # In one condition the two would make SQLite walk through the whole table.
    bare = (names.purl_type == "", func.lower(names.purl_name) == name.lower())
    meant = select(names.id).where(*chosen).union_all(select(names.id).where(*bare))
    return select(components).where(components.c.id.in_(meant))


def _folded(pattern: PackagePattern, recorded: ColumnElement[str]) -> ColumnElement[str]:
    """A recorded name as the pattern's ecosystem compares it."""
    name: ColumnElement[str] = func.lower(recorded)
    if pattern.type == "pypi":
        return func.replace(func.replace(name, "_", "-"), ".", "-")
    return name
