"""Expressions in CEL: compiled with types, and bounded in what they can cost.

CEL has no loops but over lists that are there, so an expression ends. What remains is that it
grows: lists of lists, texts that are doubled. Google's runtime bounds depth and steps; what may
grow is bounded here, before it is compiled.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from supplychain.errors import InputError
from supplychain.gate.evidence_document import KEYS, Plain
from supplychain.gate.options import Word, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cel_expr_python.cel import Expression

LENGTH_LIMIT = 2000
# Each of these can multiply what the one before it made.
_MAPS, _SUMS = 4, 8
_UNDECLARED = re.compile(r"(\d+):(\d+): undeclared reference to '([^']+)'")
_PLACED = re.compile(r"<input>:(\d+):(\d+): (.*)")


@lru_cache(maxsize=256)
def compiled(text: str) -> Expression:
    """An expression that gives true or false, ready to be evaluated.

    Raises:
        InputError: It is none, or may cost too much.
    """
    from cel_expr_python import cel

    _require_bounded(text)
    try:
        made = _environment().compile(text)
    except RuntimeError as error:
        raise _explained(str(error)) from error
    # What is known only when it is evaluated is looked at then.
    if made.return_type() not in (cel.Type.BOOL, cel.Type.DYN):
        kind = made.return_type().name().lower()
        raise InputError(
            f"the expression gives a value of type {kind}, not true or false",
            hint="compare it with something: size(findings) == 0",
        )
    return made


@lru_cache(maxsize=1)
def _environment() -> Any:
    from cel_expr_python import cel

    return cel.NewEnv(variables=dict.fromkeys(KEYS, cel.Type.DYN))


def _require_bounded(text: str) -> None:
    if len(text) > LENGTH_LIMIT:
        raise InputError(
            f"the expression has {len(text)} characters, the limit is {LENGTH_LIMIT}",
            hint="make several rules of it: every rule has to be satisfied",
        )
    maps, sums = len(re.findall(r"\bmap\s*\(", text)), text.count("+")
    if maps > _MAPS or sums > _SUMS:
        raise InputError(
            f"the expression has {maps} map() and {sums} +, and each may multiply the others",
            hint=f"at most {_MAPS} and {_SUMS}; all, exists and filter are not limited",
        )


def _explained(said: str) -> InputError:
    """What the compiler says, with the nearest name where one is not known."""
    unknown = _UNDECLARED.search(said)
    if unknown:
        line, column, name = unknown.groups()
        return InputError(
            f"the expression knows no {name!r} (its line {line}, column {column})",
            hint=nearest(name, KEYS) if name not in KEYS else None,
        )
    placed = _PLACED.search(said)
    if placed:
        line, column, reason = placed.groups()
        where = f" (its line {line}, column {column})" if line != "-1" else ""
        return InputError(f"the expression is not CEL: {reason}{where}", hint=_HINT)
    return InputError(f"the expression is not CEL: {said.splitlines()[0][:200]}", hint=_HINT)


_HINT = 'write it as findings.all(f, f.severity != "critical")'


def holds(expression: Expression, document: Mapping[str, Plain]) -> str:
    """Why an expression is not true of a document: "" where it is, "false", or the error."""
    from cel_expr_python import cel

    try:
        value = expression.eval(data=dict(document))
        if value.type() == cel.Type.BOOL:
            return "" if value.plain_value() is True else "false"
        if value.type() == cel.Type.ERROR:
            return str(value.plain_value()).replace("\n", " ")[:200]
        return f"it gives a value of type {value.type().name().lower()}, not true or false"
    except (RuntimeError, MemoryError, TypeError, ValueError) as error:
        return str(error).replace("\n", " ")[:200] or type(error).__name__


def _expression(text: str) -> str:
    if not text.strip():
        raise InputError("the expression is empty", hint=_HINT)
    stripped = "\n".join(line.rstrip() for line in text.strip().splitlines())
    compiled(stripped)
    return stripped


EXPRESSION = Word(
    "an expression in CEL",
    _expression,
    {"type": "string", "minLength": 1, "maxLength": LENGTH_LIMIT},
)
