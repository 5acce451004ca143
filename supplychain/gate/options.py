"""The options of policies and rules: how each kind is read, written back and described."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeAlias

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.gate.durations import parse_duration, write_duration
from supplychain.gate.nodes import Node, ProblemError, Scalar, Sequence
from supplychain.gate.reading import Reading
from supplychain.model.digest import Digest
from supplychain.model.finding import Severity
from supplychain.model.subject import Platform

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json]"


class Kind(Protocol):
    """One kind of value."""

    @property
    def schema(self) -> dict[str, Json]:
        """The JSON Schema of what may be written."""
        ...

    def read(self, node: Node, reading: Reading, /) -> Any:
        """The value that a node says.

        Raises:
            ProblemError: It says no such value.
        """
        ...

    def write(self, value: Any, /) -> Json:
        """The value in a policy's canonical form: reading that gives the same value."""
        ...


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a rule or policy.

    Attributes:
        kind: What may be written.
        text: What it means, for people.
        required: Whether it has to be given.
    """

    kind: Kind
    text: str
    required: bool = False


def option(kind: Kind, text: str) -> dict[str, tuple[Kind, str]]:
    """The metadata that makes a dataclass field an option; one without default is required."""
    return {"option": (kind, text)}


def options_of(owner: Any) -> dict[str, Option]:
    """The options of a dataclass by name, in the order in which it declares them."""
    return {
        f.name: Option(kind, text, f.default is dataclasses.MISSING)
        for f in dataclasses.fields(owner)
        if "option" in f.metadata
        for kind, text in [f.metadata["option"]]
    }


def canonical_options(owner: Any) -> dict[str, Json]:
    """What a policy has to say to give this instance: every option that is not at its default."""
    return {
        f.name: f.metadata["option"][0].write(getattr(owner, f.name))
        for f in dataclasses.fields(owner)
        if "option" in f.metadata and getattr(owner, f.name) != f.default
    }


def object_schema(owner: Any, **constants: Json) -> dict[str, Json]:
    """The JSON Schema of a mapping with the options of a dataclass, and with constants."""
    fixed: dict[str, Json] = {name: {"const": value} for name, value in constants.items()}
    required = (name for name, option in options_of(owner).items() if option.required)
    return {
        "type": "object",
        "properties": fixed | options_schema(owner),
        "required": [*constants, *required],
        "additionalProperties": False,
    }


def options_schema(owner: Any) -> dict[str, Json]:
    """The JSON Schema of each option of a dataclass, by its name."""
    options = options_of(owner)
    return {n: {**o.kind.schema, "description": o.text} for n, o in options.items()}


def scalar(node: Node, what: str) -> Scalar:
    """The node as a single value.

    Raises:
        ProblemError: It is a list, a mapping or nothing.
    """
    if not isinstance(node, Scalar) or node.empty:
        raise ProblemError(node.position, f"expected {what}, found {node}")
    return node


def nearest(word: str, known: Iterable[str]) -> str:
    """The hint for a word that is none of those known: the nearest one, or all of them."""
    import difflib

    words = list(known)
    close = difflib.get_close_matches(word.lower(), words, n=1)
    return f"did you mean {close[0]}?" if close else f"one of {', '.join(words)}"


@dataclass(frozen=True, slots=True)
class Word:
    """Values that are written as one word or text.

    Attributes:
        what: What it is, with its article, for messages.
        parse: Reads it; `ValueError` or `InputError` for what is none.
        schema: The JSON Schema of what may be written.
        render: Writes it back so that `parse` gives the same.
    """

    what: str
    parse: Callable[[str], Any]
    schema: dict[str, Json]
    render: Callable[[Any], Json] = str

    def read(self, node: Node, _reading: Reading, /) -> Any:
        """See `Kind.read`."""
        written = scalar(node, self.what)
        try:
            return self.parse(written.text)
        except InputError as error:
            raise ProblemError(node.position, str(error), error.hint) from None

    def write(self, value: Any, /) -> Json:
        """See `Kind.write`."""
        return self.render(value)


@dataclass(frozen=True, slots=True)
class ListOf:
    """One or more values of one kind."""

    kind: Kind

    @property
    def schema(self) -> dict[str, Json]:
        """See `Kind.schema`."""
        return {"type": "array", "minItems": 1, "items": self.kind.schema}

    def read(self, node: Node, reading: Reading, /) -> tuple[Any, ...]:
        """See `Kind.read`."""
        if not isinstance(node, Sequence):
            raise ProblemError(node.position, f"expected a list, found {node}")
        if not node.items:
            raise ProblemError(node.position, "the list is empty", "name at least one")
        return tuple(self.kind.read(item, reading) for item in node.items)

    def write(self, value: tuple[Any, ...], /) -> Json:
        """See `Kind.write`."""
        return [self.kind.write(item) for item in value]


def choice(what: str, values: dict[str, Any]) -> Word:
    """A kind with a handful of words.

    Args:
        what: What it is, with its article, for messages.
        values: What each word means.
    """

    def parse(text: str) -> Any:
        if text not in values:
            raise InputError(f"{text!r} is not {what}", hint=nearest(text, values))
        return values[text]

    names = {value: name for name, value in values.items()}
    return Word(what, parse, {"enum": list(values)}, names.__getitem__)


def _environment(text: str) -> str:
    if not _ENVIRONMENT.fullmatch(text):
        raise InputError(
            f"{text[:70]!r} cannot name an environment",
            hint="letters, digits, dots, dashes and underscores, at most 63",
        )
    return text


def _identifier(text: str) -> str:
    if not _ENVIRONMENT.fullmatch(text):
        raise InputError(
            f"{text[:70]!r} cannot name a rule",
            hint="letters, digits, dots, dashes and underscores, at most 63",
        )
    return text


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise InputError(f"{text[:40]!r} is not a whole number", hint="write digits, as in 20")
    return int(text)


def _count(text: str) -> int:
    if not (number := _number(text)):
        raise InputError("0 demands nothing", hint="leave the option out to do without it")
    return number


def _person(text: str) -> str:
    if not _PERSON.fullmatch(text):
        raise InputError(
            f"{text[:70]!r} cannot name anybody",
            hint="one word or an address: alice, alice@example.com, team/platform",
        )
    return text


_PERSON = re.compile(r"[A-Za-z0-9_.@:/+-]{1,200}")
_ENVIRONMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")

TEXT = Word("text", str, {"type": "string"})
ENVIRONMENT = Word(
    "an environment's name",
    _environment,
    {"type": "string", "pattern": f"^{_ENVIRONMENT.pattern}$"},
)
IDENTIFIER = Word("a name", _identifier, {"type": "string", "pattern": f"^{_ENVIRONMENT.pattern}$"})
NUMBER = Word(
    "a whole number", _number, {"type": "integer", "minimum": 0, "maximum": 10**9 - 1}, int
)
COUNT = Word(
    "a number from 1", _count, {"type": "integer", "minimum": 1, "maximum": 10**9 - 1}, int
)
PERSON = Word("somebody's name", _person, {"type": "string", "pattern": f"^{_PERSON.pattern}$"})
PEOPLE = ListOf(PERSON)
DIGEST = Word(
    "a digest", Digest.parse, {"type": "string", "pattern": "^sha(256|384|512):[0-9a-f]+$"}
)
DURATION = Word(
    "a duration",
    parse_duration,
    {"type": "string", "pattern": "^[0-9]{1,9}[smhd]$"},
    write_duration,
)
# UNKNOWN is no threshold: it stands above CRITICAL, so that "nothing unknown" would let every
# critical finding through.
SEVERITY = choice("a severity", {str(s): s for s in Severity if s is not Severity.UNKNOWN})
BOOLEAN = Word(
    "true or false",
    choice("true or false", {"true": True, "false": False}).parse,
    {"type": "boolean"},
    bool,
)
PLATFORMS = ListOf(
    Word("a platform", Platform.parse, {"type": "string", "pattern": "^[^/]+/[^/]+(/[^/]+)?$"})
)
