"""The `rules` of a policy: a list of one-key mappings, in which a rule may come more than once."""

from __future__ import annotations

from supplychain.errors import PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.entry import RuleEntry, Terms
from supplychain.gate.fields import read_as
from supplychain.gate.nodes import Mapping, Node, ProblemError, Scalar, Sequence
from supplychain.gate.options import (
    Json,
    canonical_options,
    nearest,
    object_schema,
    options_of,
    options_schema,
)
from supplychain.gate.reading import Reading
from supplychain.gate.rules import RULES


@dataclass(frozen=True, slots=True)
class _RuleItem:
    """One rule, with what stands beside it."""

    @property
    def schema(self) -> dict[str, Json]:
        """See `Kind.schema`; `policy_schema` has what it refers to."""
        return {"$ref": "#/$defs/rule"}

    def read(self, node: Node, reading: Reading, /) -> RuleEntry | None:
        """See `Kind.read`; None where `reading` has the problems."""
        name, options, beside = _entry(node)
        rule = read_as(RULES[name], options, f"rule {name}", reading)
        terms = read_as(Terms, beside, f"beside rule {name}", reading)
        if rule is None or terms is None:
            return None
        if not rule.waivable and (terms.warn or terms.warn_until):
            raise ProblemError(
                node.position,
                f"rule {name} cannot only warn: nothing stands above it",
                "leave warn and warn_until out, or leave the rule out",
            )
        return RuleEntry(rule, terms, reading.place(node.position))

    def write(self, value: RuleEntry, /) -> Json:
        """See `Kind.write`."""
        return {value.rule.name: canonical_options(value.rule), **canonical_options(value.terms)}


RULE_ITEM = _RuleItem()


@dataclass(frozen=True, slots=True)
class _RuleList:
    """The rules of a document, in order."""

    @property
    def schema(self) -> dict[str, Json]:
        """See `Kind.schema`."""
        return {"type": "array", "minItems": 1, "items": RULE_ITEM.schema}

    def read(self, node: Node, reading: Reading, /) -> tuple[RuleEntry, ...]:
        """See `Kind.read`; the problems of single rules go to `reading`."""
        if not isinstance(node, Sequence):
            raise ProblemError(node.position, f"expected a list of rules, found {node}")
        if not node.items:
            raise ProblemError(
                node.position,
                "there is no rule, and a policy without rules would allow everything",
                f"one of {', '.join(RULES)}",
            )
        entries = []
        for item in node.items:
            try:
                entry = RULE_ITEM.read(item, reading)
            except ProblemError as problem:
                reading.problems.append(problem)
                continue
            if entry is not None:
                entries.append(entry)
        return tuple(entries)

    def write(self, value: tuple[RuleEntry, ...], /) -> Json:
        """See `Kind.write`."""
        return [RULE_ITEM.write(entry) for entry in value]


RULE_LIST = _RuleList()


def _entry(item: Node) -> tuple[str, Node, Node]:
    """The name of a rule, the node with its options, and one with what stands beside it."""
    if isinstance(item, Scalar) and item.text in RULES:
        raise ProblemError(item.position, f"rule {item.text} has no options", _bare(item.text))
    if not isinstance(item, Mapping) or not item.entries:
        raise ProblemError(
            item.position, f"expected a rule, found {item}", f"one of {', '.join(RULES)}"
        )
    terms = options_of(Terms)
    named = [e for e in item.entries if not isinstance(e[0], Scalar) or e[0].text not in terms]
    if not named:
        raise ProblemError(item.position, "there is no rule", f"one of {', '.join(RULES)}")
    key, options = named[0]
    if not isinstance(key, Scalar) or key.text not in RULES:
        word = key.text if isinstance(key, Scalar) else ""
        raise ProblemError(key.position, f"{key} is not a rule", nearest(word, RULES))
    if len(named) > 1:
        second = named[1][0]
        nested = isinstance(options, Scalar) and options.empty
        raise ProblemError(
            second.position,
            f"{second} stands beside rule {key.text}, and each item of the list is one rule",
            f"indent it below {key.text}" if nested else "begin a new item with -",
        )
    if isinstance(options, Scalar) and options.empty:
        raise ProblemError(key.position, f"rule {key.text} has no options", _bare(key.text))
    beside = tuple(e for e in item.entries if e not in named)
    return key.text, options, Mapping(item.position, beside)


def _bare(name: str) -> str:
    required = [n for n, o in options_of(RULES[name]).items() if o.required]
    if required:
        return f"it needs {', '.join(required)}"
    refusal = _refusal(name)
    if refusal is None:
        return f"write {name}: {{}} to take it as it is"
    return refusal.hint or str(refusal)


def _refusal(name: str) -> PolicyError | None:
    """Why a rule that needs no option in particular cannot do without any; None where it can."""
    try:
        RULES[name]()
    except PolicyError as error:
        return error
    return None


def rule_schema() -> dict[str, Json]:
    """The JSON Schema of one rule with what stands beside it."""
    return {"anyOf": [_schema(name) for name in RULES]}


def _schema(name: str) -> dict[str, Json]:
    options = object_schema(RULES[name])
    if not options["required"] and _refusal(name):
        options["minProperties"] = 1
    return {
        "type": "object",
        "properties": {name: options, **options_schema(Terms)},
        "required": [name],
        "additionalProperties": False,
    }
