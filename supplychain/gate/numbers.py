"""Numbers as policies write them: scores and shares."""

from __future__ import annotations

import re

from supplychain.errors import InputError
from supplychain.gate.options import Json, Word

_WRITTEN = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,6})?")


def number(what: str, most: int) -> Word:
    """A kind: a number above 0 and up to a limit, with up to six decimals.

    Args:
        what: What it is, with its article, for messages.
        most: The limit.
    """

    def parse(text: str) -> float:
        if not _WRITTEN.fullmatch(text) or not 0 < float(text) <= most:
            hint = f"a number above 0 and up to {most}, as in {most * 0.7:g}"
            raise InputError(f"{text[:40]!r} is not {what}", hint=hint)
        return float(text)

    return Word(what, parse, {"type": "number", "exclusiveMinimum": 0, "maximum": most}, _written)


def _written(value: float) -> Json:
    return int(value) if value.is_integer() else value


CVSS_SCORE = number("a CVSS score", 10)
SHARE = number("a share", 1)
