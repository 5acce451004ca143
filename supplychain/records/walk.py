"""Along a chain from its beginning, also over links that cannot be read: what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Select

from supplychain.model.digest import Digest
from supplychain.records.cells import cells
from supplychain.records.chain import Break, Link, Verification

_AT_ONCE = 1000


class Walk:
    """How far along a chain somebody is.

    Args:
        name: What the chain is called, for people.
        noted: Links that somebody noted elsewhere; each has to be in the chain.

    Attributes:
        last: The last link that could be read; None where there is none.
        lost: Whether the one before the next could not be read.
    """

    def __init__(self, name: str, noted: Sequence[Digest]) -> None:
        self.last: Link | None = None
        self.lost = False
        self._name = name
        self._missing = set(noted)
        self._count = 0
        self._breaks: list[Break] = []

    @property
    def expected(self) -> int:
        """The number of the next link, where the one before it could be read."""
        return self.last.sequence + 1 if self.last else 1

    def along(
        self, connection: Connection, rows: Select[Any], columns: Mapping[str, Column[Any]]
    ) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any], list[str]]]:
        """Every link: what of it could be read, its whole row, and what is wrong with it.

        What else is wrong is added to that before the next one is asked for.

        Args:
            connection: The database.
            rows: The links, in the chain's order.
            columns: What each is made from; among them its `sequence` and itself, as `link`.
        """
        for row in connection.execute(rows, execution_options={"yield_per": _AT_ONCE}):
            said = row._asdict()
            read, wrong = cells(columns, said)
            yield read, said, wrong
            sequence, digest = read.get("sequence"), read.get("link")
            self._breaks += [Break(sequence or 0, what) for what in wrong]
            self._count += 1
            self.lost = sequence is None or digest is None
            if sequence is not None and digest is not None:
                self.last = Link(sequence, digest)
                self._missing.discard(digest)

    def beside(self, wrong: Iterable[str]) -> None:
        """Add what is wrong and has no place in the chain."""
        self._breaks += [Break(0, what) for what in wrong]

    def end(self) -> Verification:
        """What came of it, behind the last link."""
        self.beside(
            f"no link {one} is in the {self._name}: it was cut off or written anew"
            for one in sorted(self._missing)
        )
        return Verification(self._count, self.last, tuple(self._breaks))
