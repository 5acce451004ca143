"""NuGet: semantic versions with a fourth number, and prereleases without regard to case."""

from __future__ import annotations

import re

from supplychain.gate.orders.semantic import prerelease

_VERSION = re.compile(
    r"v?([0-9]+(?:\.[0-9]+){0,3})"
    r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?"
)


def order(version: str) -> tuple[object, ...] | None:
    """A key by NuGet's precedence; numbers that are left out count as zero."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return None
    numbers = [int(n) for n in match[1].split(".")]
    return (*numbers, *[0] * (4 - len(numbers)), prerelease((match[2] or "").lower()))
