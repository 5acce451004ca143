"""Options that are mappings: with the options of a dataclass, or from names to patterns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from supplychain.frozen import dataclass
from supplychain.gate.fields import read_as
from supplychain.gate.nodes import Mapping, Node, ProblemError
from supplychain.gate.options import TEXT, Json, canonical_options, object_schema
from supplychain.gate.patterns import PATTERN
from supplychain.gate.reading import Reading


@dataclass(frozen=True, slots=True)
class MappingOf:
    """A mapping with the options of a dataclass.

    Attributes:
        owner: The dataclass.
        what: What it is, with its article, for messages.
    """

    owner: Callable[..., Any]
    what: str

    @property
    def schema(self) -> dict[str, Json]:
        """See `Kind.schema`."""
        return {**object_schema(self.owner), "minProperties": 1}

    def read(self, node: Node, reading: Reading, /) -> Any:
        """See `Kind.read`; the problems go to `reading`, and then there is no value."""
        return read_as(self.owner, node, self.what, reading)

    def write(self, value: Any, /) -> Json:
        """See `Kind.write`."""
        return canonical_options(value)


@dataclass(frozen=True, slots=True)
class _PatternsByName:
    """A pattern for each of several names, sorted by name."""

    @property
    def schema(self) -> dict[str, Json]:
        """See `Kind.schema`."""
        return {"type": "object", "minProperties": 1, "additionalProperties": PATTERN.schema}

    def read(self, node: Node, reading: Reading, /) -> tuple[tuple[str, str], ...]:
        """See `Kind.read`."""
        if not isinstance(node, Mapping):
            raise ProblemError(node.position, f"expected a mapping, found {node}")
        if not node.entries:
            raise ProblemError(node.position, "nothing is named", 'vendor: "Acme.*"')
        found: dict[str, str] = {}
        for key, value in node.entries:
            name = TEXT.read(key, reading)
            if name in found:
                raise ProblemError(key.position, f"{name!r} is given twice")
            found[name] = PATTERN.read(value, reading)
        return tuple(sorted(found.items()))

    def write(self, value: tuple[tuple[str, str], ...], /) -> Json:
        """See `Kind.write`."""
        return dict(value)


PATTERNS_BY_NAME = _PatternsByName()
