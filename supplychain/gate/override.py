"""What a policy takes back of the documents that it includes, and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import field

from supplychain.errors import PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.entry import RuleEntry, Terms
from supplychain.gate.fields import read_as
from supplychain.gate.nodes import Node, Position, ProblemError
from supplychain.gate.options import (
    IDENTIFIER,
    TEXT,
    Json,
    ListOf,
    canonical_options,
    nearest,
    option,
)
from supplychain.gate.reading import Reading
from supplychain.gate.rule_list import RULE_ITEM

_UNPLACED = Position(1, 1)
_WAYS = "one of drop: ID, replace: ID with by: {RULE}, and key: NAME"


@dataclass(frozen=True, slots=True)
class Override:
    """One item of a policy's `override`.

    Attributes:
        because: Why.
        drop: The id of a rule that is left out.
        replace: The id of a rule in whose place another one stands.
        by: That other one.
        key: A key of which this document says something else.
        position: Where it stands.
    """

    because: str = field(metadata=option(TEXT, "why, for whoever reads the policy"))
    drop: str = field(
        default="", metadata=option(IDENTIFIER, "the id of an included rule to leave out")
    )
    replace: str = field(
        default="", metadata=option(IDENTIFIER, "the id of an included rule to replace")
    )
    by: RuleEntry | None = field(
        default=None, metadata=option(RULE_ITEM, "the rule in place of it, which keeps the id")
    )
    key: str = field(
        default="", metadata=option(TEXT, "a key of which this document says something else")
    )
    position: Position = _UNPLACED

    def __post_init__(self) -> None:
        """Refuse what does not say which thing it takes back, or why.

        Raises:
            PolicyError: It says none or several, or replaces by nothing, or gives no reason.
        """
        if sum(map(bool, (self.drop, self.replace, self.key))) != 1:
            raise PolicyError("an override takes back one thing", hint=_WAYS)
        if bool(self.replace) != (self.by is not None):
            raise PolicyError("replace and by go together", hint=_WAYS)
        if not self.because.strip():
            raise PolicyError(
                "nobody says why this is overridden", hint="because: what the reader should know"
            )
        if self.by is not None and self.by.terms.id not in {"", self.replace}:
            raise PolicyError(
                f"what replaces {self.replace} has another id, {self.by.terms.id}",
                hint="leave its id out",
            )

    @property
    def rule(self) -> str:
        """The id of the rule that it takes back; "" where it is about a key."""
        return self.drop or self.replace

    @property
    def successor(self) -> RuleEntry | None:
        """What stands in place of the rule, under its id."""
        if self.by is None:
            return None
        terms: Terms = dataclasses.replace(self.by.terms, id=self.replace)
        return dataclasses.replace(self.by, terms=terms)


@dataclass(frozen=True, slots=True)
class _Overrides(ListOf):
    """A list of overrides, each with its position."""

    def read(self, node: Node, reading: Reading, /) -> tuple[Override, ...]:
        """See `Kind.read`; the problems of single ones go to `reading`."""
        found: tuple[Override | None, ...] = ListOf.read(self, node, reading)
        return tuple(one for one in found if one is not None)


@dataclass(frozen=True, slots=True)
class _OverrideItem:
    @property
    def schema(self) -> dict[str, Json]:
        """See `Kind.schema`; `policy_schema` has what it refers to."""
        return {"$ref": "#/$defs/override"}

    def read(self, node: Node, reading: Reading, /) -> Override | None:
        """See `Kind.read`; None where `reading` has the problems."""
        found = read_as(Override, node, "an override", reading)
        return found and dataclasses.replace(found, position=node.position)

    def write(self, value: Override, /) -> Json:
        """See `Kind.write`; a policy itself is written with what came of its overrides."""
        return canonical_options(value)


OVERRIDES = _Overrides(_OverrideItem())


def overridden_rules(
    included: Sequence[RuleEntry], overrides: Sequence[Override], source: str
) -> tuple[tuple[RuleEntry, ...], tuple[str, ...]]:
    """The rules of included documents after what is taken back, and what that was, for people.

    Raises:
        ProblemError: A rule is named that none of them has, or twice.
    """
    wanted: dict[str, Override] = {}
    for one in overrides:
        if one.rule and one.rule in wanted:
            raise ProblemError(one.position, f"rule {one.rule} is overridden twice")
        if one.rule:
            wanted[one.rule] = one
    known = [entry.terms.id for entry in included if entry.terms.id]
    for name, one in wanted.items():
        if name not in known:
            raise ProblemError(
                one.position,
                f"no included document has a rule with the id {name!r}",
                _near(name, known),
            )
    kept = tuple(_kept(included, wanted))
    return kept, tuple(
        _said(entry, wanted[entry.terms.id], source)
        for entry in included
        if entry.terms.id in wanted
    )


def _near(name: str, known: Sequence[str]) -> str:
    if not known:
        return "give the rule that you mean an id in its document: {id: NAME, RULE: ...}"
    return nearest(name, dict.fromkeys(known))


def _kept(included: Sequence[RuleEntry], wanted: dict[str, Override]) -> Iterator[RuleEntry]:
    placed = set()
    for entry in included:
        one = wanted.get(entry.terms.id)
        if one is None:
            yield entry
        elif one.successor is not None and one.replace not in placed:
            placed.add(one.replace)
            yield one.successor


def _said(entry: RuleEntry, one: Override, source: str) -> str:
    verb = "drops" if one.drop else "replaces"
    return f"{source}:{one.position.line} {verb} rule {one.rule} of {entry.origin}: {one.because}"
