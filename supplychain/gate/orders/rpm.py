"""RPM: rpmvercmp of rpm's own source, epoch first, then version, then release."""

from __future__ import annotations

import re

_VERSION = re.compile(r"(?:([0-9]{1,9}):)?([0-9A-Za-z._+~^]+)(?:-([0-9A-Za-z._+~^]+))?")
# Everything else separates, whatever it is and however much of it there is.
_SEGMENT = re.compile(r"~|\^|[0-9]+|[A-Za-z]+")
_TILDE, _END, _CARET, _LETTERS, _NUMBER = range(5)


def order(version: str) -> tuple[object, ...] | None:
    """A key in which a tilde sorts before the end and a caret right after it."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return None
    return int(match[1] or 0), _segments(match[2]), _segments(match[3] or "")


def _segments(text: str) -> tuple[tuple[int, int, str], ...]:
    return (*map(_rank, _SEGMENT.findall(text)), (_END, 0, ""))


def _rank(segment: str) -> tuple[int, int, str]:
    if segment.isdigit():
        return _NUMBER, int(segment), ""
    if segment == "~":
        return _TILDE, 0, ""
    return (_CARET, 0, "") if segment == "^" else (_LETTERS, 0, segment)
