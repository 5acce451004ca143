"""Which findings a rule is about: by package and by path."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from supplychain.errors import InputError
from supplychain.gate.options import Word
from supplychain.gate.packages import PackagePattern
from supplychain.gate.patterns import matches
from supplychain.gate.ranges import Match
from supplychain.model.finding import Finding

_LONGEST = 500
_MOST_STARS = 8
_PIECE = re.compile(r"\*\*/|\*+|\?|[^*?]+")
# Packages of an operating system lie in no one file.
_SYSTEM = ("pkg:deb/", "pkg:rpm/", "pkg:apk/", "pkg:alpm/")


def in_packages(finding: Finding, only: Sequence[PackagePattern]) -> bool:
    """Whether a package is one of those named, or may be one; all are where none is named."""
    return not only or any(p.covers(finding.purl) is not Match.OUTSIDE for p in only)


def is_excepted(finding: Finding, excepted: Sequence[PackagePattern]) -> bool:
    """Whether a package is certainly one of those named."""
    return any(p.covers(finding.purl) is Match.INSIDE for p in excepted)


def in_paths(finding: Finding, only: Sequence[str]) -> bool:
    """Whether a finding lies in one of these paths; all do where none is named.

    What has no path lies in none of them only where it is a package of an operating system.
    """
    if not only:
        return True
    if not finding.path:
        return not finding.purl.startswith(_SYSTEM)
    return any(lies_in(finding.path, pattern) for pattern in only)


def lies_in(path: str, pattern: str) -> bool:
    """Whether a path is one that a pattern means."""
    return matches(_expression(pattern), path)


def _parse(text: str) -> str:
    pattern = text.lstrip("/")
    if not pattern or len(pattern) > _LONGEST or pattern.count("*") > _MOST_STARS:
        raise InputError(
            f"{text[:60]!r} is no pattern of paths",
            hint=f"as in usr/share/doc/**, with at most {_MOST_STARS} stars",
        )
    if not pattern.strip("*/?"):
        raise InputError(f"{text!r} means every path", hint="leave it out, or name a folder")
    return pattern


@lru_cache(maxsize=256)
def _expression(pattern: str) -> str:
    import re2

    pieces = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    read = (
        pieces.get(piece) or (".*" if piece.startswith("*") else str(re2.escape(piece)))
        for piece in _PIECE.findall(pattern)
    )
    return f"(?s){''.join(read)}"


PATH_PATTERN = Word("a pattern of paths", _parse, {"type": "string", "minLength": 1})
