"""Durations as policies write them (`24h`) and as people read them (`3 d 4 h`)."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache

from supplychain.errors import InputError

_WRITTEN = re.compile(r"([0-9]{1,9})([smhd])")
# What `span` writes, and nothing that is longer: no part of a version or an identifier.
_SPAN = re.compile(r"(?<![\w.:-])[0-9]+ (?:d|h|min|s)(?: [0-9]+ (?:h|min|s))?(?![\w-])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
LONGEST = timedelta(days=3650)


def parse_duration(text: str) -> timedelta:
    """Read `90s`, `15m`, `24h` or `7d`.

    Raises:
        InputError: Not written so, zero, or more than ten years.
    """
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise InputError(f"{text[:40]!r} is not a duration", hint="write it as 90s, 15m, 24h or 7d")
    duration = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if not duration:
        raise InputError(f"{text} is no time at all", hint="leave the option out to do without it")
    if duration > LONGEST:
        raise InputError(f"{text} is more than ten years", hint="at most 3650d")
    return duration


def write_duration(duration: timedelta) -> str:
    """A duration in whole seconds or more, in the largest unit that gives a whole number."""
    seconds = int(duration.total_seconds())
    return next(f"{seconds // size}{unit}" for unit, size in _SECONDS.items() if not seconds % size)


def span(duration: timedelta) -> str:
    """For people, in the two largest units and rounded down: `3 d 4 h`, `12 min`, `0 s`."""
    return _span(max(0, int(duration.total_seconds())))


# Of hundreds of findings most are known for as long as another one.
@lru_cache(maxsize=1024)
def _span(seconds: int) -> str:
    parts = []
    for unit, size in _SECONDS.items():
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {'min' if unit == 'm' else unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"


def ageless(text: str) -> str:
    """A sentence without the durations that `span` wrote into it: the same at any time of day."""
    return _SPAN.sub("\N{HORIZONTAL ELLIPSIS}", text)
