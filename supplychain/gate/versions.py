"""Which version to name to somebody who should upgrade, where versions can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from supplychain.gate.orders import order_key

# Dotted numbers have the same order in every ecosystem; Go writes a "v" in front.
_NUMBERS = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,9})")


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
    keys = {v: order_key("deb", v) for fix in branches for v in fix}
    if any(len(fix) > 1 for fix in branches) or None in keys.values():
        return None
    return max(keys, key=lambda v: keys[v])


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
