"""The `vex` of a policy: whose claims of fact are believed, and which only after a review."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Any

from supplychain.errors import PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.authorities import Authorities, Authority
from supplychain.gate.fields import read_as
from supplychain.gate.nodes import Node
from supplychain.gate.options import (
    TEXT,
    Json,
    ListOf,
    canonical_options,
    object_schema,
    option,
)
from supplychain.gate.reading import Reading


@dataclass(frozen=True, slots=True)
class _Nested:
    """A dataclass with options as the value of a key.

    Attributes:
        owner: The dataclass.
        what: What it is, for messages.
        name: Under which name `policy_schema` has its schema; "" where it stands in place.
    """

    owner: Any
    what: str
    name: str = ""

    @property
    def schema(self) -> dict[str, Json]:
        """See `Kind.schema`."""
        return {"$ref": f"#/$defs/{self.name}"} if self.name else object_schema(self.owner)

    def read(self, node: Node, reading: Reading, /) -> Any:
        """See `Kind.read`; the problems go to `reading`, and then there is no value."""
        return read_as(self.owner, node, self.what, reading)

    def write(self, value: Any, /) -> Json:
        """See `Kind.write`."""
        return canonical_options(value)


_AUTHORITIES = _Nested(Authorities, "whose claims are meant", "authorities")


@dataclass(frozen=True, slots=True)
class Review:
    """Claims that clear a finding only after somebody has accepted them.

    Attributes:
        reviewers: Who may accept.
        authors: Whose claims need it; None for everybody's.
        first_party: Whose claims do not, while all others do; None for nobody's.
    """

    reviewers: tuple[str, ...] = field(metadata=option(ListOf(TEXT), "who may accept a claim"))
    authors: Authorities | None = field(
        default=None, metadata=option(_AUTHORITIES, "whose claims need it; default everybody's")
    )
    first_party: Authorities | None = field(
        default=None, metadata=option(_AUTHORITIES, "whose claims do not, while all others do")
    )

    def __post_init__(self) -> None:
        """Refuse a review of which it is not plain whom it is about.

        Raises:
            PolicyError: It says both whose claims need it and whose do not.
        """
        if self.authors is not None and self.first_party is not None:
            raise PolicyError(
                "authors and first_party contradict one another",
                hint="authors names whose claims need a review, first_party whose do not: give one",
            )


@dataclass(frozen=True, slots=True)
class VexTerms:
    """On what terms claims count.

    Attributes:
        trust: Whose claims are believed.
        review: Which of them only after a review; None for none.
    """

    trust: Authorities = field(metadata=option(_AUTHORITIES, "whose VEX documents are believed"))
    review: Review | None = field(
        default=None,
        metadata=option(
            _Nested(Review, "review"), "which claims count only once somebody has accepted them"
        ),
    )

    def everybody(self) -> Iterator[Authority]:
        """Everybody who is named: what they signed has to be recorded, to be judged."""
        yield from self.trust.everybody()
        for named in (self.review.authors, self.review.first_party) if self.review else ():
            if named is not None:
                yield from named.everybody()


VEX_TERMS = _Nested(VexTerms, "vex")
