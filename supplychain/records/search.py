"""What contains what, over everything recorded: packages, vulnerabilities, licences.

The tables of what is true whoever asks say which packages or findings are meant; from those the
links lead by index to the lists that have them, and from these to images. A list counts where it is
that of an image's latest scan at the instant asked about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Row, select

from supplychain.gate.packages import Match, PackagePattern
from supplychain.model.digest import Digest
from supplychain.model.finding import Severity
from supplychain.model.subject import Platform
from supplychain.records.database import reading
from supplychain.records.happened import all_deployments
from supplychain.records.links import ASSESSED, INVENTORIED, Links, candidates, pieces
from supplychain.records.listing import RecordedDecision, latest_decisions
from supplychain.records.reading import platform_in
from supplychain.records.schema import (
    components,
    findings,
    image_names,
    images,
    index_children,
    vulnerabilities,
)


@dataclass(frozen=True, slots=True, order=True)
class Held:
    """What was looked for, as a platform has it.

    Attributes:
        package: The package's name.
        version: Its version.
        purl: Its package URL; "" where it has none.
        detail: What is to be said of it: its licences, a finding's severity and fix; "" for
            nothing.
        certain: Whether it is what was asked for; otherwise it may be, and nobody can tell.
    """

    package: str
    version: str
    purl: str
    detail: str = ""
    certain: bool = True


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
        """The images that had a package at an instant.

        Raises:
            StoreError: The database cannot be read.
        """
        with reading(self._engine) as connection:
            rows = connection.execute(candidates(pattern)).all()
            meant = {row.id: held for row in rows if (held := _meant(row, pattern)) is not None}
            return self._having(connection, INVENTORIED, meant, at)

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
            meant = {row.id: _finding(row) for row in connection.execute(chosen)}
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
                for some in pieces(list(said))
                for row in connection.execute(
                    # The system itself is a component, and no package with a licence.
                    select(components).where(
                        column.in_(some), components.c.kind != "operating-system"
                    )
                )
            }
            return self._having(connection, INVENTORIED, meant, at)

    def _having(
        self, connection: Connection, links: Links, meant: Mapping[int, Held], at: datetime
    ) -> tuple[FoundImage, ...]:
        """The images of which the list that counts has any of these members."""
        held: dict[tuple[int, int], set[Held]] = defaultdict(set)
        for some in pieces(sorted(meant)):
            for image, of, member in connection.execute(links.having(self._project, some)):
                held[image, of].add(meant[member])
        current: set[int] = set()
        for numbers in pieces(sorted({image for image, _ in held})):
            current.update(connection.scalars(links.current(numbers, at)))
        found = {
            image: tuple(sorted(things)) for (image, of), things in held.items() if of in current
        }
        return _Images(connection, self._project, at).described(found)


@dataclass(frozen=True, slots=True)
class _Images:
    """What is known about images at an instant."""

    connection: Connection
    project: int
    at: datetime

    def described(self, found: Mapping[int, tuple[Held, ...]]) -> tuple[FoundImage, ...]:
        """The images that people ask for, with those platforms of theirs in which it was found."""
        tops = self._tops(sorted(found))
        rows = self._by_id(images, "id", sorted(tops))
        names: dict[int, list[str]] = defaultdict(list)
        for row in self._by_id(image_names, "image_id", sorted(tops)):
            if row.recorded_at <= self.at:
                names[row.image_id].append(row.name)
        digests = {row.digest for row in rows}
        digests |= {digest for members in tops.values() for _, digest, _ in members}
        decided = self._decisions(sorted(digests))
        running: dict[Digest, set[str]] = defaultdict(set)
        for deployment in (
            all_deployments(self.connection, self.project, self.at) if digests else ()
        ):
            if deployment.until_at is None:
                running[deployment.subject.digest].add(deployment.environment)
        described = []
        for row in rows:
            platforms = tuple(
                FoundPlatform(digest, platform, found[number])
                for number, digest, platform in tops[row.id]
            )
            own = dict.fromkeys((row.digest, *(p.digest for p in platforms)))
            decisions = (decision for digest in own for decision in decided.get(digest, ()))
            described.append(
                FoundImage(
                    digest=row.digest,
                    names=tuple(sorted(names[row.id])),
                    platforms=platforms,
                    decisions=tuple(sorted(decisions, key=lambda d: d.environment)),
                    running_in=tuple(sorted({e for d in own for e in running.get(d, ())})),
                )
            )
        return tuple(sorted(described, key=lambda image: (image.names, image.digest)))

    def _tops(self, numbers: Sequence[int]) -> dict[int, list[tuple[int, Digest, Platform]]]:
        """By what people ask for: the indexes of manifests, or where there are none themselves."""
        manifests = {row.id: row for row in self._by_id(images, "id", numbers)}
        tops: dict[int, list[tuple[int, Digest, Platform]]] = defaultdict(list)
        contained = set()
        for row in self._by_id(index_children, "child_id", numbers):
            contained.add(row.child_id)
            member = (row.child_id, manifests[row.child_id].digest, platform_in(row))
            tops[row.index_id].append(member)
        for number, row in manifests.items():
            if number not in contained:
                tops[number].append((number, row.digest, platform_in(row)))
        return {top: sorted(members, key=lambda m: str(m[2])) for top, members in tops.items()}

    def _by_id(self, table: Any, column: str, numbers: Sequence[int]) -> list[Row[Any]]:
        return [
            row
            for some in pieces(numbers)
            for row in self.connection.execute(select(table).where(table.c[column].in_(some)))
        ]

    def _decisions(self, digests: Sequence[Digest]) -> dict[Digest, list[RecordedDecision]]:
        found: dict[Digest, list[RecordedDecision]] = {}
        for some in pieces(digests):
            found.update(latest_decisions(self.connection, self.project, some, self.at))
        return found


def _meant(row: Row[Any], pattern: PackagePattern) -> Held | None:
    if not row.purl:
        match = Match.UNKNOWN if pattern.resembles(row.name) else Match.OUTSIDE
    else:
        match = pattern.covers(row.purl)
    if match is Match.OUTSIDE:
        return None
    certain = match is Match.INSIDE
    detail = "" if certain else "may be meant: its version or package URL cannot be compared"
    return Held(row.name, row.version, row.purl, detail, certain)


def _finding(row: Row[Any]) -> Held:
    fix = f"fixed in {row.fixed_version}" if row.fixed_version else "no fix known"
    detail = f"{Severity(row.severity)}, {fix}"
    return Held(row.package, row.installed_version, row.purl, detail)


def _texts(licences: str) -> tuple[str, ...]:
    return tuple(orjson.loads(licences))
