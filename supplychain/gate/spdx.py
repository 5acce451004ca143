"""Licences as packages state them: which SPDX identifiers a text stands for without doubt."""

from __future__ import annotations

import re
from collections.abc import Mapping

# A text longer than this is the licence itself rather than its name.
NAME_LENGTH = 120

# Debian copyright format 1.0, "License short name": families that SPDX parts into -only and
# -or-later; "+" means any later version, and trailing dot-zeroes are of no account.
_GNU = re.compile(r"(A?GPL|LGPL|GFDL)-(\d)(?:\.(\d))?(?:\.0)?(\+|-only|-or-later)?", re.IGNORECASE)
_OPERATOR = re.compile(r"[\s(](and|or|with)[\s(]", re.IGNORECASE)
_WORD = re.compile(r"[^\s()]+")


def stated(text: str) -> str:
    """A text without what scanners write around it."""
    return text.strip().removeprefix("text://").strip()


def identifier(text: str, known: Mapping[str, str]) -> str | None:
    """The SPDX identifier that a short name stands for without doubt; None where there is none.

    Args:
        text: The name.
        known: Every identifier by its lower-case form.
    """
    gnu = _GNU.fullmatch(text)
    if gnu:
        family, major, minor, suffix = gnu.groups()
        suffix = "-or-later" if suffix == "+" else suffix or "-only"
        return known.get(f"{family}-{major}.{minor or 0}{suffix}".lower())
    # "Apache-2" is "Apache-2.0"; Debian calls the MIT licence by the older name Expat.
    lowered = text.lower()
    return known.get("mit" if lowered == "expat" else lowered) or known.get(f"{lowered}.0")


def with_identifiers(text: str, known: Mapping[str, str]) -> str | None:
    """An expression with identifiers for its names where they are certain; None for no expression.

    Whether it is a valid one is for those who parse it.
    """
    if len(text) > NAME_LENGTH * 4 or not _OPERATOR.search(text):
        return None
    return _WORD.sub(lambda word: identifier(word[0], known) or word[0], text)
