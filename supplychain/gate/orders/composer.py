"""Composer (PHP): four numbers and a stability, as composer/semver normalises them."""

from __future__ import annotations

import re

_VERSION = re.compile(
    r"v?([0-9]+(?:\.[0-9]+){0,3})"
    r"(?:[._-]?(stable|beta|b|rc|alpha|a|patch|pl|p)((?:[.-]?[0-9]+)*)|[.-]?(dev))?"
    r"(?:\+\S+)?",
    re.IGNORECASE,
)
_STABILITIES = {
    "dev": 0, "alpha": 1, "a": 1, "beta": 2, "b": 2, "rc": 3, "stable": 4, "": 4,
    "patch": 5, "pl": 5, "p": 5,
}  # fmt: skip


def order(version: str) -> tuple[object, ...] | None:
    """A key that sorts dev, alpha, beta, RC, release and patch so; branches have none."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return None
    numbers = [int(n) for n in match[1].split(".")]
    stability = _STABILITIES[(match[2] or match[4] or "").lower()]
    further = tuple(int(n) for n in re.findall("[0-9]+", match[3] or ""))
    return (*numbers, *[0] * (4 - len(numbers)), stability, further)
