"""What contains what, over everything recorded: packages, vulnerabilities, licences.

The tables of what is true whoever asks say which packages or findings are meant; from those the
links lead by index to the lists that have them, and from these to images. A list counts where it is
that of an image's latest scan at the instant asked about. Beside it counts what others signed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Select, select

from supplychain.gate.packages import PackagePattern
from supplychain.records.database import reading
from supplychain.records.found_images import FoundImage, Images, Part
from supplychain.records.held import Held, as_signed, finding_of, meant_by, what_of
from supplychain.records.links import ASSESSED, INVENTORIED, Links, packages, signed
from supplychain.records.prepared import Prepared, among
from supplychain.records.schema import components, findings, vulnerabilities

_ALL = Part()


class Search:
    """Questions over everything that a project has recorded; `Record.search` gives it.

    Images come in the order in which they were recorded, the newest first. Who names one in `Part`
    that is not on record gets a `NotFoundError`.

    Args:
        engine: The record's database.
        project: The project's number.
    """

    def __init__(self, engine: Engine, project: int) -> None:
        self._engine = engine
        self._project = project

    def component(
        self, pattern: PackagePattern, *, at: datetime, part: Part = _ALL
    ) -> tuple[FoundImage, ...]:
        """The images that had a package at an instant, by their scans or by an SBOM of others.

        Raises:
            StoreError: The database cannot be read.
        """
        with reading(self._engine) as connection:
            rows = packages(connection, pattern)
            meant = {row.id: held for row in rows if (held := meant_by(row, pattern)) is not None}
            said = signed(connection, self._project, sorted(meant), at)
            others = [(row.image, as_signed(meant[row.component_id], row)) for row in said]
            return self._having(connection, INVENTORIED, meant, at, part, others=others)

    def vulnerability(
        self, name: str, *, at: datetime, part: Part = _ALL
    ) -> tuple[FoundImage, ...]:
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
            return self._having(connection, ASSESSED, meant, at, part)

    def licence(
        self, fits: Callable[[tuple[str, ...]], str | None], *, at: datetime, part: Part = _ALL
    ) -> tuple[FoundImage, ...]:
        """The images that had packages under some licences at an instant.

        Args:
            fits: What is to be said of the licence texts of a package; None where they are not
                what is looked for.
            at: The instant (aware, UTC).
            part: Which of the images.

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
            return self._having(connection, INVENTORIED, meant, at, part)

    def _having(
        self,
        connection: Connection,
        links: Links,
        meant: Mapping[int, Held],
        at: datetime,
        part: Part,
        *,
        others: Collection[tuple[int, Held]] = (),
    ) -> tuple[FoundImage, ...]:
        """The images of which the list that counts has any of these members; and what others say.

        Of what others say, that which the list has, too, adds nothing.
        """
        listed: dict[int, list[tuple[int, Held]]] = defaultdict(list)
        said: dict[int, list[Held]] = defaultdict(list)
        for image, of, member in links.having(connection, self._project, sorted(meant)):
            listed[image].append((of, meant[member]))
        for image, one in others:
            said[image].append(one)

        def found(images: Collection[int]) -> dict[int, set[Held]]:
            current = links.current(connection, sorted(listed.keys() & images), at)
            counted = {}
            for image in images:
                things = {one for of, one in listed.get(image, ()) if of in current}
                known = {what_of(one) for one in things}
                things |= {one for one in said.get(image, ()) if what_of(one) not in known}
                if things:
                    counted[image] = things
            return counted

        candidates = listed.keys() | said.keys()
        return Images(connection, self._project, at, candidates, found).described(part)


def _licensed(texts: Collection[str]) -> Select[Any]:
    """The packages with these licence texts; the system itself is a component, and no package."""
    column = components.c
    return select(components).where(
        among(column.licences, texts), column.kind != "operating-system"
    )


_LICENSED = Prepared(_licensed)


def _texts(licences: str) -> tuple[str, ...]:
    return tuple(orjson.loads(licences))
