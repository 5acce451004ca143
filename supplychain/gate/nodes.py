"""A YAML document as text with positions: what a policy is read from before it has types."""

from __future__ import annotations

from typing import TypeAlias

from supplychain.frozen import dataclass

# YAML 1.2 core schema, "10.2.1.1. Null".
_NULL = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a document; line and column count from 1, the column in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as it was written, quotes removed.

    Attributes:
        position: Where it starts.
        text: What it says.
        plain: Whether it stood without quotes, so that it may mean a number, a truth or nothing.
    """

    position: Position
    text: str
    plain: bool

    @property
    def empty(self) -> bool:
        """Whether nothing was written, or YAML's word for nothing."""
        return self.plain and self.text in _NULL

    def __str__(self) -> str:
        """For messages: what it says, shortened."""
        if self.empty:
            return "nothing"
        return repr(self.text if len(self.text) <= 60 else f"{self.text[:57]}...")


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    position: Position
    items: tuple[Node, ...]

    def __str__(self) -> str:
        """For messages."""
        return "a list"


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in the order in which they were written, duplicates and all."""

    position: Position
    entries: tuple[tuple[Node, Node], ...]

    def __str__(self) -> str:
        """For messages."""
        return "a mapping"


Node: TypeAlias = Scalar | Sequence | Mapping


class ProblemError(Exception):
    """Something wrong at one place of a document; `load_policy` makes a `PolicyError` of it.

    Args:
        position: Where.
        text: What is wrong, without the place.
        hint: The nearest right form, or None.
    """

    def __init__(self, position: Position, text: str, hint: str | None = None) -> None:
        super().__init__(text)
        self.position = position
        self.hint = hint
