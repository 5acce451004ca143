"""What a package says about its licence, as SPDX where that is certain, else word for word."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

# A text longer than this is the licence itself rather than its name.
_NAME_LENGTH = 120

# Debian copyright format 1.0, "License short name": families that SPDX parts into -only and
# -or-later; "+" means any later version, and trailing dot-zeroes are of no account.
_GNU = re.compile(r"(A?GPL|LGPL|GFDL)-(\d)(?:\.(\d))?(?:\.0)?(\+|-only|-or-later)?", re.IGNORECASE)
_OPERATOR = re.compile(r"[\s(](and|or|with)[\s(]", re.IGNORECASE)
_WORD = re.compile(r"[^\s()]+")
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
    if len(value) <= _NAME_LENGTH and "\n" not in value:
        return {"license": {"name": value}}
    name = value.partition("\n")[0][:_NAME_LENGTH].rstrip()
    return {"license": {"name": name, "text": {"content": value}}}


@lru_cache(maxsize=4096)
def _read(text: str) -> tuple[str, str]:
    """What a text is: ("id" | "expression" | "name", the text as it is to be written)."""
    text = text.strip().removeprefix("text://").strip()
    identifier = _identifier(text)
    if identifier:
        return "id", identifier
    expression = _expression(text) if len(text) <= _NAME_LENGTH * 4 else None
    return ("expression", expression) if expression else ("name", text)


def _identifier(text: str) -> str | None:
    """The SPDX identifier that a short name stands for without doubt; None where there is none."""
    known = _identifiers()
    gnu = _GNU.fullmatch(text)
    if gnu:
        family, major, minor, suffix = gnu.groups()
        suffix = "-or-later" if suffix == "+" else suffix or "-only"
        return known.get(f"{family}-{major}.{minor or 0}{suffix}".lower())
    # "Apache-2" is "Apache-2.0"; Debian calls the MIT licence by the older name Expat.
    lowered = text.lower()
    return known.get("mit" if lowered == "expat" else lowered) or known.get(f"{lowered}.0")


def _expression(text: str) -> str | None:
    """A valid SPDX expression in its canonical form; None where the text is not one."""
    if not _OPERATOR.search(text):
        return None
    from license_expression import ExpressionError, ExpressionParseError

    spdx = _WORD.sub(lambda word: _identifier(word[0]) or word[0], text)
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
