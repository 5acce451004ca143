"""Mappings with known keys: unknown, missing and repeated ones are problems."""

from __future__ import annotations

import collections.abc
from collections.abc import Callable
from typing import TypeVar

from supplychain.errors import PolicyError
from supplychain.gate.nodes import Mapping, Node, ProblemError, Scalar
from supplychain.gate.options import nearest, options_of
from supplychain.gate.reading import Reading

T = TypeVar("T")


def read_as(owner: Callable[..., T], node: Node, what: str, reading: Reading) -> T | None:
    """A dataclass with options, read from a mapping; None where `reading` has the problems.

    Args:
        owner: The dataclass.
        node: The mapping.
        what: What it is, for messages.
        reading: Takes every problem, so that all of them are reported together.
    """
    options = options_of(owner)
    before = len(reading.problems)
    found = fields(node, {n: o.required for n, o in options.items()}, what, reading.problems)
    values = {}
    for name, value in found.items():
        try:
            values[name] = options[name].kind.read(value, reading)
        except ProblemError as problem:
            reading.problems.append(problem)
    if len(reading.problems) > before:
        return None
    try:
        return owner(**values)
    except PolicyError as error:
        reading.problems.append(ProblemError(node.position, str(error), error.hint))
        return None


def fields(
    node: Node,
    known: collections.abc.Mapping[str, bool],
    what: str,
    problems: list[ProblemError],
) -> dict[str, Node]:
    """The values of a mapping by key; what is wrong with the keys is added to `problems`.

    Args:
        node: What should be a mapping.
        known: The keys there may be, and whether each has to be.
        what: What the mapping is, for messages.
        problems: Takes every problem.
    """
    if not isinstance(node, Mapping):
        problems.append(ProblemError(node.position, f"{what} takes a mapping, found {node}"))
        return {}
    found: dict[str, Node] = {}
    for key, value in node.entries:
        if not isinstance(key, Scalar) or key.text not in known:
            problems.append(_unknown(key, known, what))
        elif key.text in found:
            problems.append(ProblemError(key.position, f"{key.text!r} is given twice"))
        else:
            found[key.text] = value
    if len(found) == len(node.entries):
        # A missing key beside an unknown one is most likely that one, misspelt.
        problems += [
            ProblemError(node.position, f"{what} needs {name!r}")
            for name, required in known.items()
            if required and name not in found
        ]
    return found


def _unknown(key: Node, known: collections.abc.Mapping[str, bool], what: str) -> ProblemError:
    if not isinstance(key, Scalar):
        return ProblemError(key.position, f"a key is one word, found {key}")
    return ProblemError(key.position, f"{what} knows no {key}", nearest(key.text, known))
