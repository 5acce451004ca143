"""RubyGems and CocoaPods: Gem::Version, "Sorting"."""

from __future__ import annotations

import re
from functools import cmp_to_key
from itertools import zip_longest
from typing import TypeAlias

_VERSION = re.compile(r"[0-9]+(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?")
# What a lock file writes behind the version of a gem that was built for one platform.
_PLATFORM = re.compile(
    r"-(?:java|jruby|(?:x86|x64|x86_64|i[3-6]86|amd64|arm|arm64|aarch64|universal|ppc64le|s390x)"
    r"-[a-z0-9_.-]+|x86-mswin32.*|mswin.*|mingw.*)"
)
_SEGMENT = re.compile("[0-9]+|[A-Za-z]+")

_Segments: TypeAlias = list[int | str]


def order(version: str) -> object | None:
    """A key in which a word sorts before any number, so that whatever has one is a prerelease."""
    bare = _PLATFORM.sub("", version) if "-" in version else version
    if not _VERSION.fullmatch(bare):
        return None
    found = _SEGMENT.findall(bare.replace("-", ".pre."))
    segments = [int(s) if s.isdigit() else s for s in found]
    first_word = next((i for i, s in enumerate(segments) if isinstance(s, str)), len(segments))
    return _KEY([*_trimmed(segments[:first_word]), *_trimmed(segments[first_word:])])


def _trimmed(segments: _Segments) -> _Segments:
    while segments and segments[-1] == 0:
        segments = segments[:-1]
    return segments


def _compare(one: _Segments, other: _Segments) -> int:
    for left, right in zip_longest(one, other, fillvalue=0):
        if isinstance(left, int) != isinstance(right, int):
            return 1 if isinstance(left, int) else -1
        if left != right:
            return 1 if left > right else -1  # type: ignore[operator]  # both are of one type
    return 0


_KEY = cmp_to_key(_compare)
