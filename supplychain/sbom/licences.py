"""What a package says about its licence, as SPDX where that is certain, else word for word."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from supplychain.gate.licences import (
    categories,
    known_exceptions,
    known_licences,
    licences_in,
    parse_expression,
)
from supplychain.gate.spdx import NAME_LENGTH, identifier, stated


def choices(texts: tuple[str, ...]) -> list[dict[str, Any]]:
    """CycloneDX `licenseChoice` for what a scanner read, sorted, each once.

    A single SPDX expression is written as such. Beside other licences it becomes a name: before
    CycloneDX 1.7 an expression must stand alone, and joining them by AND or OR would say more
    than is known.
    """
    read = sorted({_read(text) for text in texts if text.strip()})
    if len(read) == 1 and read[0][0] == "expression":
        return [{"expression": read[0][1]}]
    return [_licence(*one) for one in read]


def _licence(kind: str, value: str) -> dict[str, Any]:
    if kind == "id":
        return {"license": {"id": value}}
    if len(value) <= NAME_LENGTH and "\n" not in value:
        return {"license": {"name": value}}
    name = value.partition("\n")[0][:NAME_LENGTH].rstrip()
    return {"license": {"name": name, "text": {"content": value}}}


@lru_cache(maxsize=4096)
def _read(text: str) -> tuple[str, str]:
    """What a text is: ("id" | "expression" | "name", the text as it is to be written)."""
    text = stated(text)
    found = identifier(text, known_licences())
    if found:
        return "id", found
    expression = _expression(text)
    return ("expression", expression) if expression else ("name", text)


def _expression(text: str) -> str | None:
    """A valid SPDX expression in its canonical form; None where the text is not one."""
    read = parse_expression(text)
    if read is None:
        return None
    exceptions = {"", *known_exceptions().values()}
    stated_in = licences_in(read)
    valid = all(one.id in categories() and one.exception in exceptions for one in stated_in)
    return str(read) if valid else None
