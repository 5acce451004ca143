"""Which version to name to somebody who should upgrade, where versions can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

# Dotted numbers have the same order in every ecosystem; Go writes a "v" in front.
_NUMBERS = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,9})")
_DEBIAN = re.compile(r"(?:(\d{1,9}):)?([0-9A-Za-z.+~-]{1,128})")
_DEBIAN_PARTS = re.compile(r"(\D*)(\d*)")


def lowest_repair(purl: str, installed: str, fixes: Iterable[str]) -> str | None:
    """The lowest of the fixed versions that repairs everything; None where nobody can tell.

    Args:
        purl: The package, whose type says how versions compare.
        installed: The version that is there.
        fixes: What each advisory says: one version, or one per maintained branch with commas
            between them (`1.11.27, 2.2.9, 3.0.1`).
    """
    branches = [[version.strip() for version in fix.split(",")] for fix in fixes]
    versions = {version for fix in branches for version in fix}
    if len(versions) == 1:
        return versions.pop()
    if purl.startswith("pkg:deb/"):
        return _lowest_debian(branches)
    return _lowest_numbered(installed, branches)


def _lowest_debian(branches: Sequence[Sequence[str]]) -> str | None:
    """The highest fix: a release of Debian or Ubuntu has one branch of each package."""
    keys = {v: debian_order(v) for fix in branches for v in fix}
    if any(len(fix) > 1 for fix in branches) or None in keys.values():
        return None
    return max(keys, key=lambda v: keys[v] or ())


def debian_order(version: str) -> tuple[object, ...] | None:
    """A key by which Debian versions sort (deb-version(7), "Sorting algorithm"); None for no such.

    A tilde sorts before the end of a part, letters before everything else.
    """
    match = _DEBIAN.fullmatch(version)
    if match is None:
        return None
    upstream, _, revision = match[2].rpartition("-")
    parts = (upstream, revision) if upstream else (revision, "")
    return (int(match[1] or 0), *(_debian_part(part) for part in parts))


def _debian_part(text: str) -> tuple[tuple[tuple[int, ...], int], ...]:
    return tuple(
        ((*(_debian_rank(c) for c in letters), 0), int(digits or 0))
        for letters, digits in _DEBIAN_PARTS.findall(text)
    )


def _debian_rank(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256


def _lowest_numbered(installed: str, branches: Sequence[Sequence[str]]) -> str | None:
    here = _numbers(installed)
    fixes = [[_numbers(version) for version in fix] for fix in branches]
    if here is None or any(version is None for fix in fixes for version in fix):
        return None
    texts = {_numbers(version): version for fix in branches for version in fix}
    known = [[version for version in fix if version] for fix in fixes]
    good = [
        version
        for version in sorted(v for fix in known for v in fix)
        if version > here and all(_repairs(version, fix) for fix in known)
    ]
    return texts[good[0]] if good else None


def _numbers(version: str) -> tuple[int, ...] | None:
    match = _NUMBERS.fullmatch(version)
    return tuple(int(n) for n in match[1].split(".")) if match else None


def _repairs(version: tuple[int, ...], fix: Sequence[tuple[int, ...]]) -> bool:
    """Whether a version is past the fix of its own branch, or past the fix of every branch."""
    own = any(version >= f and version[:-1] == f[:-1] for f in fix)
    return own or version >= max(fix)
