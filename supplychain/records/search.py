"""What contains what, over everything recorded: packages, vulnerabilities, licences.

The tables of what is true whoever asks say which packages or findings are meant; from those the
links lead by index to the lists that have them, and from these to images. A list counts where it is
that of an image's latest scan at the instant asked about. Beside it counts what others signed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Select, select

from supplychain.gate.packages import PackagePattern
from supplychain.model.digest import Digest
from supplychain.model.subject import Platform
from supplychain.records.database import reading
from supplychain.records.happened import read_deployments
from supplychain.records.held import Held, as_signed, finding_of, meant_by, what_of
from supplychain.records.links import ASSESSED, INVENTORIED, Links, candidates, signed
from supplychain.records.listing import RecordedDecision, latest_decisions
from supplychain.records.prepared import Prepared, among
from supplychain.records.reading import platform_in
from supplychain.records.schema import (
    components,
    findings,
    image_names,
    images,
    index_children,
    vulnerabilities,
)


@dataclass(frozen=True, slots=True)
class FoundPlatform:
    """A platform manifest in which something was found.

    Attributes:
        digest: The manifest.
        platform: What it runs on.
        held: What it has, sorted.
    """

    digest: Digest
    platform: Platform
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class FoundImage:
    """An image in which something was found: an index, or a manifest that no index contains.

    Attributes:
        digest: The digest that people ask for.
        names: Repositories under which it was seen, sorted.
        platforms: The platforms that have it.
        decisions: The latest decisions about it and these platforms, by environment.
        running_in: The environments in which it runs, as far as is reported; sorted.
    """

    digest: Digest
    names: tuple[str, ...]
    platforms: tuple[FoundPlatform, ...]
    decisions: tuple[RecordedDecision, ...]
    running_in: tuple[str, ...]


class Search:
    """Questions over everything that a project has recorded; `Record.search` gives it.

    Every answer is sorted by name and digest.

    Args:
        engine: The record's database.
        project: The project's number.
    """

    def __init__(self, engine: Engine, project: int) -> None:
        self._engine = engine
        self._project = project

    def component(self, pattern: PackagePattern, *, at: datetime) -> tuple[FoundImage, ...]:
        """The images that had a package at an instant, by their scans or by an SBOM of others.

        Raises:
            StoreError: The database cannot be read.
        """
        with reading(self._engine) as connection:
            rows = connection.execute(candidates(pattern)).all()
            meant = {row.id: held for row in rows if (held := meant_by(row, pattern)) is not None}
            said = signed(connection, self._project, sorted(meant), at)
            others = [(row.image, as_signed(meant[row.component_id], row)) for row in said]
            return self._having(connection, INVENTORIED, meant, at, others)

    def vulnerability(self, name: str, *, at: datetime) -> tuple[FoundImage, ...]:
        """The images in which a vulnerability was found, as of an instant.

        Raises:
            StoreError: The database cannot be read.
        """
        chosen = (
            select(findings)
            .join(vulnerabilities, vulnerabilities.c.id == findings.c.vulnerability_id)
            .where(vulnerabilities.c.name.in_(sorted({name, name.upper()})))
        )
        with reading(self._engine) as connection:
            meant = {row.id: finding_of(row) for row in connection.execute(chosen)}
            return self._having(connection, ASSESSED, meant, at)

    def licence(
        self, fits: Callable[[tuple[str, ...]], str | None], *, at: datetime
    ) -> tuple[FoundImage, ...]:
        """The images that had packages under some licences at an instant.

        Args:
            fits: What is to be said of the licence texts of a package; None where they are not
                what is looked for.
            at: The instant (aware, UTC).

        Raises:
            StoreError: The database cannot be read.
        """
        column = components.c.licences
        with reading(self._engine) as connection:
            texts = connection.scalars(select(column).distinct()).all()
            said = {text: told for text in texts if (told := fits(_texts(text))) is not None}
            meant = {
                row.id: Held(row.name, row.version, row.purl, said[row.licences])
                for row in _LICENSED(connection, texts=list(said))
            }
            return self._having(connection, INVENTORIED, meant, at)

    def _having(
        self,
        connection: Connection,
        links: Links,
        meant: Mapping[int, Held],
        at: datetime,
        others: Collection[tuple[int, Held]] = (),
    ) -> tuple[FoundImage, ...]:
        """The images of which the list that counts has any of these members; and what others say.

        Of what others say, that which the list has, too, adds nothing.
        """
        held: dict[tuple[int, int], set[Held]] = defaultdict(set)
        for image, of, member in links.having(connection, self._project, sorted(meant)):
            held[image, of].add(meant[member])
        current = links.current(connection, sorted({image for image, _ in held}), at)
        found = {image: things for (image, of), things in held.items() if of in current}
        seen = {(image, what_of(one)) for image, things in found.items() for one in things}
        for image, one in others:
            if (image, what_of(one)) not in seen:
                found.setdefault(image, set()).add(one)
        ordered = {image: tuple(sorted(things)) for image, things in found.items()}
        return _Images(connection, self._project, at).described(ordered)


@dataclass(frozen=True, slots=True)
class _Top:
    """What people ask for: its digest, and the numbers, digests and platforms of its manifests."""

    digest: Digest
    members: list[tuple[int, Digest, Platform]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Images:
    """What is known about images at an instant."""

    connection: Connection
    project: int
    at: datetime

    def described(self, found: Mapping[int, tuple[Held, ...]]) -> tuple[FoundImage, ...]:
        """The images that people ask for, with those platforms of theirs in which it was found."""
        tops = self._tops(sorted(found))
        names: dict[int, list[str]] = defaultdict(list)
        for row in _NAMES(self.connection, of=list(tops), at=self.at):
            names[row.image_id].append(row.name)
        digests = {top.digest for top in tops.values()}
        digests |= {digest for top in tops.values() for _, digest, _ in top.members}
        decided = latest_decisions(self.connection, self.project, digests, self.at)
        running: dict[Digest, set[str]] = defaultdict(set)
        for deployment in read_deployments(self.connection, self.project, digests, self.at):
            if deployment.until_at is None:
                running[deployment.subject.digest].add(deployment.environment)
        described = []
        for number, top in tops.items():
            platforms = tuple(
                FoundPlatform(digest, platform, found[member])
                for member, digest, platform in top.members
            )
            own = dict.fromkeys((top.digest, *(p.digest for p in platforms)))
            decisions = (decision for digest in own for decision in decided.get(digest, ()))
            described.append(
                FoundImage(
                    digest=top.digest,
                    names=tuple(names[number]),
                    platforms=platforms,
                    decisions=tuple(sorted(decisions, key=lambda d: d.environment)),
                    running_in=tuple(sorted({e for d in own for e in running.get(d, ())})),
                )
            )
        return tuple(sorted(described, key=lambda image: (image.names, str(image.digest))))

    def _tops(self, numbers: Sequence[int]) -> dict[int, _Top]:
        """What people ask for: the indexes of manifests, or where there are none themselves."""
        manifests = {row.id: row for row in _MANIFESTS(self.connection, numbers=list(numbers))}
        tops: dict[int, _Top] = {}
        contained = set()
        for row in _INDEXES(self.connection, children=list(numbers)):
            contained.add(row.child_id)
            top = tops.setdefault(row.index_id, _Top(row.digest))
            top.members.append((row.child_id, manifests[row.child_id].digest, platform_in(row)))
        for top in tops.values():
            top.members.sort(key=lambda member: str(member[2]))
        for number, row in manifests.items():
            if number not in contained:
                tops[number] = _Top(row.digest, [(number, row.digest, platform_in(row))])
        return tops


def _manifests(numbers: Collection[int]) -> Select[Any]:
    column = images.c
    wanted = column.id, column.digest, column.os, column.architecture, column.variant
    return select(*wanted).where(among(column.id, numbers))


def _indexes(children: Collection[int]) -> Select[Any]:
    column = index_children.c
    return (
        select(index_children, images.c.digest)
        .join(images, images.c.id == column.index_id)
        .where(among(column.child_id, children))
    )


def _names(of: Collection[int], at: datetime) -> Select[Any]:
    column = image_names.c
    return (
        select(column.image_id, column.name)
        .where(among(column.image_id, of), column.recorded_at <= at)
        .order_by(column.name)
    )


def _licensed(texts: Collection[str]) -> Select[Any]:
    """The packages with these licence texts; the system itself is a component, and no package."""
    column = components.c
    return select(components).where(
        among(column.licences, texts), column.kind != "operating-system"
    )


_MANIFESTS = Prepared(_manifests)
_INDEXES = Prepared(_indexes)
_NAMES = Prepared(_names)
_LICENSED = Prepared(_licensed)


def _texts(licences: str) -> tuple[str, ...]:
    return tuple(orjson.loads(licences))
