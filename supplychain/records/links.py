"""From packages and findings to the images that have them: queries that go by index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, Table, func, select

from supplychain.gate.packages import PackagePattern
from supplychain.model.evidence import EvidenceKind
from supplychain.records.reading import latest_evidence
from supplychain.records.schema import (
    assessed_findings,
    assessments,
    components,
    evidence,
    images,
    inventoried_components,
    inventories,
    scans,
)

T = TypeVar("T")
# SQLite takes 32,766 values in one statement, PostgreSQL 65,535.
_AT_ONCE = 10_000
# Distributions whose packages have small letters alone.
_SMALL = frozenset({"apk", "deb"})


def pieces(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in as many pieces as statements take."""
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


@dataclass(frozen=True, slots=True)
class Links:
    """How lists, their members and images hang together.

    Attributes:
        links: Which list has which members.
        member: The column of `links` with the member.
        lists: The lists, each of one image.
        list: The column with the list, in `links` and in `scans`.
    """

    links: Table
    member: str
    lists: Table
    list: str

    def having(self, project: int, members: Sequence[int]) -> Select[Any]:
        """The images, and the lists of theirs, that have any of these members."""
        link = self.links.c
        return (
            select(self.lists.c.image_id, self.lists.c.id, link[self.member])
            .join(self.links, link[self.list] == self.lists.c.id)
            .join(images, images.c.id == self.lists.c.image_id)
            .where(link[self.member].in_(members), images.c.project_id == project)
        )

    def current(self, numbers: Sequence[int], at: datetime) -> Select[Any]:
        """The lists of the latest scans of images."""
        ranked = (
            latest_evidence(at)
            .where(evidence.c.kind == EvidenceKind.SCAN, evidence.c.image_id.in_(numbers))
            .subquery()
        )
        return (
            select(scans.c[self.list])
            .join(ranked, ranked.c.id == scans.c.evidence_id)
            .where(ranked.c.place == 1)
        )


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
