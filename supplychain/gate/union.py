"""What a policy document says together with those that it includes.

What included documents demand is demanded: a document only adds to it, unless it says `override`.
One with `environment` says also what it leaves out, the defaults; one without is a part, and says
nothing of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from supplychain.frozen import dataclass
from supplychain.gate.case import Exclusive
from supplychain.gate.entry import RuleEntry
from supplychain.gate.nodes import Node, Position, ProblemError
from supplychain.gate.nodes import Sequence as Nodes
from supplychain.gate.options import nearest
from supplychain.gate.override import Override, overridden_rules
from supplychain.gate.policy import Policy
from supplychain.gate.reading import Reading

# What is each document's own, and not taken over from one that is included.
_OWN = frozenset({"environment", "description", "rules"})


@dataclass(frozen=True, slots=True)
class Said:
    """What a document says of one key.

    Attributes:
        value: What.
        place: Where, for people.
        written: Whether it is written there rather than the default.
    """

    value: Any
    place: str
    written: bool = True

    def __str__(self) -> str:
        """For people."""
        return self.place if self.written else f"{self.place}, which leaves it at its default"


@dataclass(frozen=True, slots=True)
class Stated:
    """What a document says, those that it includes among it.

    Attributes:
        position: Where it begins.
        keys: What it says of each key but the rules.
        rules: Every rule.
        overridden: What was taken back, for people.
    """

    position: Position
    keys: Mapping[str, Said]
    rules: tuple[RuleEntry, ...]
    overridden: tuple[str, ...]

    @property
    def origins(self) -> tuple[tuple[str, str], ...]:
        """Which document says a key, of those that are written somewhere."""
        return tuple(sorted((key, one.place) for key, one in self.keys.items() if one.written))


@dataclass(frozen=True, slots=True)
class Document:
    """A document whose values were read, before it is put together with the others.

    Attributes:
        reading: What it was read with.
        position: Where it begins.
        nodes: What it has, by key.
        values: What that says.
        included: What the documents say that it includes.
    """

    reading: Reading
    position: Position
    nodes: Mapping[str, Node]
    values: Mapping[str, Any]
    included: tuple[Stated, ...]

    @property
    def overrides(self) -> tuple[Override, ...]:
        """What it takes back."""
        found: tuple[Override, ...] = self.values.get("override", ())
        return found

    @property
    def include_position(self) -> Position:
        """Where it says what it includes."""
        return self.nodes["include"].position if "include" in self.nodes else self.position


def united(document: Document) -> Stated:
    """What a document says together with those that it includes.

    Raises:
        ProblemError: They contradict one another, and the document does not say which it means.
    """
    inherited = [entry for said in document.included for entry in said.rules]
    kept, taken_back = overridden_rules(inherited, document.overrides, document.reading.source)
    rules = list(_once(_placed(kept, document)))
    keys, changed = _keys(document)
    before = [line for said in document.included for line in said.overridden]
    overridden = tuple(dict.fromkeys((*before, *taken_back, *changed)))
    return Stated(document.position, keys, tuple(rules), overridden)


def _placed(kept: Sequence[RuleEntry], document: Document) -> Iterator[tuple[RuleEntry, Position]]:
    """Every rule with the place to complain at."""
    for entry in kept:
        yield entry, document.include_position
    node = document.nodes.get("rules")
    items = node.items if isinstance(node, Nodes) else ()
    for entry, item in zip(document.values.get("rules", ()), items, strict=True):
        yield entry, item.position


def _once(entries: Iterator[tuple[RuleEntry, Position]]) -> Iterator[RuleEntry]:
    """Each entry once; one id never means two."""
    seen: dict[RuleEntry, None] = {}
    ids: dict[str, RuleEntry] = {}
    for entry, position in entries:
        if entry in seen:
            continue
        name = entry.terms.id
        first = ids.setdefault(name, entry) if name else entry
        if first is not entry:
            raise ProblemError(
                position,
                f"rule {name} is also in {first.origin}, where it says something else",
                f"give one of them another id; or say which one is meant: "
                f"override: [{{replace: {name}, by: {{...}}, because: ...}}]",
            )
        _require_possible(entry, seen, position)
        seen[entry] = None
        yield entry


def _require_possible(entry: RuleEntry, others: Iterable[RuleEntry], position: Position) -> None:
    """Refuse two rules that deny and that no image can satisfy both."""
    rule = entry.rule
    if not isinstance(rule, Exclusive) or entry.terms.warn:
        return
    for other in others:
        both = "" if other.terms.warn else rule.contradiction(other.rule)
        if both:
            raise ProblemError(
                position,
                f"rule {rule.name} contradicts that of {other.origin}: {both}",
                "leave it out of one of them, or override the rule that is included",
            )


def _keys(document: Document) -> tuple[dict[str, Said], list[str]]:
    """What is said of each key, and which of that differs from what an included document says."""
    overrides = {one.key: one for one in document.overrides if one.key}
    inherited = _inherited(document)
    for key, one in overrides.items():
        _check(key, one, document, inherited)
    own = {
        key: Said(value, document.reading.place(document.nodes[key].position))
        for key, value in document.values.items()
        if key not in {"rules", "override"}
    }
    keys, changed = dict(own), []
    for key, others in inherited.items():
        keys.setdefault(key, others[0])
        differing = [other for other in others if other.value != keys[key].value]
        if differing and (key not in own or key not in overrides):
            raise _differs(key, keys[key], differing[0], document)
        if differing:
            where = f"{document.reading.source}:{overrides[key].position.line}"
            changed.append(
                f"{where} says {key} otherwise than {differing[0]}: {overrides[key].because}"
            )
    if "environment" in own:
        place = document.reading.source
        for option in dataclasses.fields(Policy):
            if "option" in option.metadata and option.name not in _OWN:
                keys.setdefault(option.name, Said(option.default, place, written=False))
    return keys, changed


def _inherited(document: Document) -> dict[str, list[Said]]:
    found: dict[str, list[Said]] = {}
    for said in document.included:
        for key, one in said.keys.items():
            if key not in _OWN:
                found.setdefault(key, []).append(one)
    return found


def _check(
    key: str, one: Override, document: Document, inherited: Mapping[str, list[Said]]
) -> None:
    if key not in inherited:
        hint = nearest(key, inherited) if inherited else None
        raise ProblemError(one.position, f"no included document says anything of {key!r}", hint)
    if key not in document.values:
        raise ProblemError(
            one.position,
            f"{key} is overridden, and nothing else is said of it",
            f"write {key}: ...",
        )


def _differs(key: str, own: Said, other: Said, document: Document) -> ProblemError:
    node = document.nodes.get(key)
    here = f"write {key} here, and why" if node is None else "say why"
    return ProblemError(
        node.position if node is not None else document.include_position,
        f"{key} is said otherwise by {other} than by {own}",
        f"{here}: override: [{{key: {key}, because: ...}}]",
    )
