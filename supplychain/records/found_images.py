"""Images in which something was found: those that people ask for, with where they may run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Select, select

from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.subject import Platform
from supplychain.records import lookup
from supplychain.records.decided import RecordedDecision, latest_decisions
from supplychain.records.happened import read_deployments
from supplychain.records.held import Held
from supplychain.records.prepared import Prepared, among
from supplychain.records.reading import platform_in
from supplychain.records.schema import image_names, images, index_children


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

    def concerns(self, environment: str) -> bool:
        """Whether anything was decided about it there, or it runs there."""
        return environment in self.running_in or environment in {
            decision.environment for decision in self.decisions
        }


@dataclass(frozen=True, slots=True)
class Part:
    """Which images are wanted of all that are found.

    Attributes:
        limit: At most so many; None for all.
        after: Those behind this one; None to begin with the newest.
        environment: Only those that concern this one; None for whatever there is.
    """

    limit: int | None = None
    after: Digest | None = None
    environment: str | None = None


@dataclass(frozen=True, slots=True)
class Images:
    """The images that people ask for, of what was found, and what is known of them at an instant.

    Attributes:
        connection: To the database.
        project: The project's number.
        at: The instant (aware, UTC).
        candidates: The numbers of the platform manifests that may have what is looked for.
        found: What some of them have, by their numbers; without those that have none of it.
    """

    connection: Connection
    project: int
    at: datetime
    candidates: Collection[int]
    found: Callable[[Collection[int]], Mapping[int, Collection[Held]]]

    def described(self, part: Part) -> tuple[FoundImage, ...]:
        """Those that are wanted, with those platforms of theirs in which it was found."""
        tops = self._tops()
        numbers = sorted(tops, reverse=True)
        if part.after is not None:
            last = lookup.number_of(self.connection, self.project, part.after)
            numbers = [number for number in numbers if number < last]
        images = self._in_turn(tops, numbers, part.limit)
        if part.environment is not None:
            images = (image for image in images if image.concerns(part.environment))
        return tuple(islice(images, part.limit))

    def _tops(self) -> dict[int, dict[int, Platform]]:
        """By their numbers: of indexes the manifests, what each is for; of a manifest none."""
        tops: dict[int, dict[int, Platform]] = defaultdict(dict)
        for row in _INDEXES(self.connection, children=sorted(self.candidates), at=self.at):
            tops[row.index_id][row.child_id] = platform_in(row)
        contained = {child for members in tops.values() for child in members}
        return tops | {number: {} for number in self.candidates if number not in contained}

    def _in_turn(
        self, tops: Mapping[int, Mapping[int, Platform]], numbers: Sequence[int], each: int | None
    ) -> Iterator[FoundImage]:
        """The images of these numbers, so many at a time: who has enough asks no further."""
        step = each or len(numbers) or 1
        for start in range(0, len(numbers), step):
            some = numbers[start : start + step]
            yield from self._several({number: tops[number] for number in some})

    def _several(self, tops: Mapping[int, Mapping[int, Platform]]) -> Iterator[FoundImage]:
        """Those of these that have what is looked for."""
        found = self.found({one for number, members in tops.items() for one in members or [number]})
        having = {n: [m for m in members or [n] if m in found] for n, members in tops.items()}
        having = {number: members for number, members in having.items() if members}
        if not having:
            return
        wanted = having.keys() | found.keys()
        rows = {row.id: row for row in _IMAGES(self.connection, numbers=sorted(wanted))}
        names: dict[int, list[str]] = defaultdict(list)
        for row in _NAMES(self.connection, of=[*having], at=self.at):
            names[row.image_id].append(row.name)
        digests = [row.digest for row in rows.values()]
        decided = latest_decisions(self.connection, self.project, digests, self.at)
        running: dict[Digest, set[str]] = defaultdict(set)
        for deployment in read_deployments(self.connection, self.project, digests, self.at):
            if deployment.until_at is None:
                running[deployment.subject.digest].add(deployment.environment)
        for number, members in having.items():
            own = dict.fromkeys(rows[one].digest for one in (number, *members))
            decisions = (decision for digest in own for decision in decided.get(digest, ()))
            platforms = (
                FoundPlatform(
                    rows[one].digest,
                    tops[number].get(one) or platform_in(rows[one]),
                    tuple(sorted(found[one])),
                )
                for one in members
            )
            yield FoundImage(
                digest=rows[number].digest,
                names=tuple(names[number]),
                platforms=tuple(sorted(platforms, key=lambda one: str(one.platform))),
                decisions=tuple(sorted(decisions, key=lambda d: d.environment)),
                running_in=tuple(sorted({e for d in own for e in running.get(d, ())})),
            )


def _some(numbers: Collection[int]) -> Select[Any]:
    column = images.c
    wanted = column.id, column.digest, column.os, column.architecture, column.variant
    return select(*wanted).where(among(column.id, numbers))


def _indexes(children: Collection[int], at: datetime) -> Select[Any]:
    """The indexes that have these; not what was recorded later, which would move others."""
    column = index_children.c
    return (
        select(index_children)
        .join(images, images.c.id == column.index_id)
        .where(among(column.child_id, children), images.c.recorded_at <= at)
    )


def _names(of: Collection[int], at: datetime) -> Select[Any]:
    column = image_names.c
    return (
        select(column.image_id, column.name)
        .where(among(column.image_id, of), column.recorded_at <= at)
        .order_by(column.name)
    )


_IMAGES = Prepared(_some)
_INDEXES = Prepared(_indexes)
_NAMES = Prepared(_names)
