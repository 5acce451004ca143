"""Semantic Versioning 2.0.0, item 11: npm, Go modules, Cargo, Hex, Swift."""

from __future__ import annotations

import re

_VERSION = re.compile(
    r"v?([0-9]+)(?:\.([0-9]+)(?:\.([0-9]+))?)?"
    r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?"
)


def order(version: str) -> tuple[object, ...] | None:
    """A key by precedence: a prerelease before its release, what was built how of no account.

    Go writes a "v" in front, and its pseudo-versions are prereleases. Numbers that are left out
    count as zero, so that a range may say `>=2`.
    """
    match = _VERSION.fullmatch(version)
    if match is None:
        return None
    numbers = tuple(int(n or 0) for n in match.group(1, 2, 3))
    return (*numbers, prerelease(match[4] or ""))


def prerelease(text: str) -> tuple[object, ...]:
    """What a prerelease sorts by: numbers before words, and no prerelease after any."""
    if not text:
        return (1,)
    return (0, *((0, int(i), "") if i.isdigit() else (1, 0, i) for i in text.split(".")))
