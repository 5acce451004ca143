"""Debian and Ubuntu: deb-version(7), "Sorting algorithm"."""

from __future__ import annotations

import re

_VERSION = re.compile(r"(?:([0-9]{1,9}):)?([0-9A-Za-z.+~-]+)")
_PARTS = re.compile(r"([^0-9]*)([0-9]*)")
_END = ((0,), 0)


def order(version: str) -> tuple[object, ...] | None:
    """A key that sorts as dpkg does: a tilde before the end of a part, letters before the rest."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return None
    upstream, _, revision = match[2].rpartition("-")
    parts = (upstream, revision) if upstream else (revision, "")
    return (int(match[1] or 0), *(_part(part) for part in parts))


def _part(text: str) -> tuple[tuple[tuple[int, ...], int], ...]:
    read = [
        ((*map(_rank, letters), 0), int(digits or 0)) for letters, digits in _PARTS.findall(text)
    ]
    # An absent revision equals revision 0.
    while read and read[-1] == _END:
        read.pop()
    return (*read, _END)


def _rank(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256
