"""Values of the model from what a policy's test writes: short, with the rest filled in.

An instant is written as an instant, or by how long it lies back (`2h`) or ahead (`+2h`) of the
instant that is judged for; a digest as a digest, or as any word, which stands for one.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from supplychain.errors import InputError, SupplyChainError
from supplychain.frozen import dataclass
from supplychain.gate import nodes
from supplychain.gate.durations import parse_duration
from supplychain.gate.nodes import Node, ProblemError
from supplychain.gate.options import BOOLEAN, nearest, scalar
from supplychain.gate.reading import Reading
from supplychain.gate.windows import INSTANT
from supplychain.model.component import Component
from supplychain.model.digest import Digest
from supplychain.model.dossier import RecordedFinding
from supplychain.model.finding import Severity
from supplychain.model.subject import Platform, Subject

# Shorter names for what tests write often, by the type that has the field.
_SHORT: dict[type, dict[str, str]] = {
    RecordedFinding: {
        "id": "vulnerability_id",
        "installed": "installed_version",
        "fixed": "fixed_version",
        "first_seen": "first_seen_at",
        "fixable_since": "fixable_at",
    },
    Component: {"type": "kind"},
}
# Types whose one inner value is written at the same level.
_FLAT = {RecordedFinding: "finding"}


@dataclass(frozen=True, slots=True)
class Imagining:
    """What values are made with.

    Attributes:
        at: The instant that is judged for.
        subject: The image that everything is about where nothing else is said.
        reading: Takes the problems.
    """

    at: datetime
    subject: Subject
    reading: Reading

    def moment(self, node: Node) -> datetime:
        """An instant, or one so long ago or ahead.

        Raises:
            ProblemError: It is neither.
        """
        text = scalar(node, "an instant, or how long ago").text
        if text == "now":
            return self.at
        try:
            if text.startswith("+"):
                return self.at + parse_duration(text[1:])
            return self.at - parse_duration(text)
        except InputError:
            pass
        try:
            return INSTANT.read(node, self.reading)  # type: ignore[no-any-return]  # as Kind says
        except ProblemError:
            raise ProblemError(
                node.position, f"{node} is no instant", "2h for so long ago, +2h, now, or RFC 3339"
            ) from None

    def make(self, hint: Any, node: Node) -> Any:
        """A value of a type of the model.

        Raises:
            ProblemError: The node says none.
        """
        origin, inner = typing.get_origin(hint), typing.get_args(hint)
        if origin in {types.UnionType, typing.Union}:
            if isinstance(node, nodes.Scalar) and node.empty:
                return None
            return self.make(next(one for one in inner if one is not type(None)), node)
        if origin is tuple:
            return self._several(inner, node)
        try:
            if dataclasses.is_dataclass(hint) and isinstance(node, nodes.Mapping):
                return self._object(hint, node)
            return self._single(hint, node)
        except SupplyChainError as error:
            raise ProblemError(node.position, str(error), error.hint) from None

    def _several(self, inner: tuple[Any, ...], node: Node) -> tuple[Any, ...]:
        if inner[-1] is not Ellipsis:
            items = node.items if isinstance(node, nodes.Sequence) else ()
            if len(items) != len(inner):
                raise ProblemError(node.position, f"expected {len(inner)} values, found {node}")
            return tuple(self.make(one, item) for one, item in zip(inner, items, strict=True))
        if isinstance(node, nodes.Mapping):
            pair = typing.get_args(inner[0])
            if len(pair) != 2:
                raise ProblemError(node.position, f"expected a list, found {node}")
            made = ((self.make(pair[0], k), self.make(pair[1], v)) for k, v in node.entries)
            return tuple(sorted(made))
        if not isinstance(node, nodes.Sequence):
            raise ProblemError(node.position, f"expected a list, found {node}")
        return tuple(self.make(inner[0], item) for item in node.items)

    def _object(self, owner: Any, node: nodes.Mapping) -> Any:
        hints = hints_of(owner)
        flat = _FLAT.get(owner)
        inner = hints_of(hints[flat]) if flat else {}
        short = _SHORT.get(owner, {})
        known = {name: name for name in (*hints, *inner) if name != flat} | short
        given: dict[str, Any] = {}
        for key, value in node.entries:
            word = key.text if isinstance(key, nodes.Scalar) else ""
            if word not in known:
                what = owner.__name__.lower()
                raise ProblemError(key.position, f"{what} knows no {key}", nearest(word, known))
            if known[word] in given:
                raise ProblemError(key.position, f"{key} is given twice")
            name = known[word]
            given[name] = self.make({**inner, **hints}[name], value)
        if flat:
            own = {name: given.pop(name) for name in list(given) if name in inner}
            given[flat] = self.filled(hints[flat], own)
        return self.filled(owner, given)

    def filled(self, owner: Any, given: Mapping[str, Any]) -> Any:
        """An instance with these values, and with plain ones for what else it has to have."""
        hints = hints_of(owner)
        missing = {
            field.name: self._plain(hints[field.name], field.name)
            for field in dataclasses.fields(owner)
            if field.name not in given
            and field.default is dataclasses.MISSING
            and field.default_factory is dataclasses.MISSING
        }
        return owner(**missing, **given)

    def _plain(self, hint: Any, name: str) -> Any:
        """A value for what a test does not say."""
        origin = typing.get_origin(hint)
        if origin in {types.UnionType, typing.Union}:
            return None
        if origin is tuple:
            return ()
        if hint is Severity:
            return Severity.UNKNOWN
        if isinstance(hint, type) and issubclass(hint, enum.Enum):
            return next(iter(hint))
        plain: dict[Any, Any] = {
            str: "",
            int: 0,
            float: 0.0,
            bool: False,
            datetime: self.at,
            date: self.at.date(),
            Digest: Digest.of(name.encode()),
            Subject: self.subject,
            Platform: Platform("linux", "amd64"),
        }
        return plain[hint] if hint in plain else self.filled(hint, {})

    def _single(self, hint: Any, node: Node) -> Any:
        if hint is datetime:
            return self.moment(node)
        if hint is bool:
            return BOOLEAN.read(node, self.reading)
        text = scalar(node, "a value").text
        if isinstance(hint, type) and issubclass(hint, enum.StrEnum):
            values = [str(one) for one in hint]
            if text not in values:
                raise InputError(f"{text!r} is none of its values", hint=nearest(text, values))
            return hint(text)
        return _READERS[hint](text, self) if hint in _READERS else _unwritten(hint, node)


def _unwritten(hint: Any, node: Node) -> Any:
    name = getattr(hint, "__name__", str(hint)).lower()
    raise ProblemError(node.position, f"expected a mapping for {name}, found {node}")


def _number(make: Callable[[str], Any]) -> Callable[[str, Imagining], Any]:
    def read(text: str, _imagining: Imagining) -> Any:
        try:
            return make(text)
        except ValueError:
            raise InputError(f"{text[:40]!r} is no number") from None

    return read


def _date(text: str, imagining: Imagining) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        days = parse_duration(text.removeprefix("+"))
        ahead = timedelta(days=days.days) * (1 if text.startswith("+") else -1)
        return imagining.at.date() + ahead


def digest_of(text: str) -> Digest:
    """A digest as written, or the one that a word stands for."""
    return Digest.parse(text) if ":" in text else Digest.of(text.encode())


def _subject(text: str, _imagining: Imagining) -> Subject:
    name, _, word = text.partition("@")
    return Subject(name, digest_of(word or name))


_READERS: dict[Any, Callable[[str, Imagining], Any]] = {
    str: lambda text, _: text,
    int: _number(int),
    float: _number(float),
    date: _date,
    Digest: lambda text, _: digest_of(text),
    Severity: lambda text, _: Severity.parse(text),
    Platform: lambda text, _: Platform.parse(text),
    Subject: _subject,
}


@functools.cache
def hints_of(owner: Any) -> dict[str, Any]:
    """The types of a dataclass's fields, by name."""
    return typing.get_type_hints(owner)
