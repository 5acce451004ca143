"""Python packages: PEP 440, "Summary of permitted suffixes and relative ordering"."""

from __future__ import annotations

import re

_VERSION = re.compile(
    r"""v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)
    (?P<pre>[-_.]?(?P<phase>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_number>[0-9]*))?
    (?P<post>-(?P<implicit>[0-9]+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_number>[0-9]*))?
    (?P<dev>[-_.]?dev[-_.]?(?P<dev_number>[0-9]*))?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?""",
    re.IGNORECASE | re.VERBOSE,
)
_LOCAL = re.compile("[-_.]")


def order(version: str) -> tuple[object, ...] | None:
    """A key that sorts development releases, prereleases, releases, post and local ones so."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return None
    release = [int(n) for n in match["release"].split(".")]
    while release and not release[-1]:
        release.pop()
    dev = (0, int(match["dev_number"] or 0)) if match["dev"] else (1,)
    post = (1, int(match["implicit"] or match["post_number"] or 0)) if match["post"] else (0,)
    return int(match["epoch"] or 0), tuple(release), _phase(match), post, dev, _local(match)


def _phase(match: re.Match[str]) -> tuple[int | str, ...]:
    """1.0.dev1 comes before 1.0a1, and 1.0a1.dev1 and 1.0.post1.dev1 belong to theirs."""
    if match["pre"]:
        letter = {"a": "a", "b": "b"}.get(match["phase"][0].lower(), "rc")
        return 1, letter, int(match["pre_number"] or 0)
    return (0,) if match["dev"] and not match["post"] else (2,)


def _local(match: re.Match[str]) -> tuple[tuple[int, int, str], ...]:
    parts = _LOCAL.split(match["local"].lower()) if match["local"] else []
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts)
