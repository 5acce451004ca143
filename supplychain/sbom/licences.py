"""What a package says about its licence, as SPDX where that is certain, else word for word."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

from supplychain.gate.spdx import NAME_LENGTH, identifier, stated, with_identifiers

# SPDX lists exceptions apart from licences; CycloneDX's one list has both.
_EXCEPTION = re.compile(
    r"(?!.*-(with|no-copyleft)-).*exception.*|GPL-CC-1\.0|Linux-syscall-note|LLGPL|SHL-2\.[01]"
)


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
    found = identifier(text, _identifiers())
    if found:
        return "id", found
    expression = _expression(text)
    return ("expression", expression) if expression else ("name", text)


def _expression(text: str) -> str | None:
    """A valid SPDX expression in its canonical form; None where the text is not one."""
    spdx = with_identifiers(text, _identifiers())
    if spdx is None:
        return None
    from license_expression import ExpressionError, ExpressionParseError

    try:
        return str(_spdx_licensing().parse(spdx, validate=True, strict=True))
    except (ExpressionError, ExpressionParseError):
        return None


@cache
def _identifiers() -> dict[str, str]:
    """Every SPDX licence identifier that CycloneDX's schema admits, by its lower-case form."""
    from supplychain.sbom.schema import spdx_identifiers

    return {name.lower(): name for name in spdx_identifiers() if not _EXCEPTION.fullmatch(name)}


@cache
def _spdx_licensing() -> Any:
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()
