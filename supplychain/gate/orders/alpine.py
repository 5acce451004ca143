"""Alpine and Wolfi: apk-tools' own comparison (`src/version.c`)."""

from __future__ import annotations

import re

_BEFORE = ("alpha", "beta", "pre", "rc")
_AFTER = ("cvs", "svn", "git", "hg", "p")
_SUFFIX = rf"_(?:{'|'.join(_BEFORE + _AFTER)})[0-9]*"
_VERSION = re.compile(
    rf"([0-9]+)((?:\.[0-9]+)*)([a-z]?)((?:{_SUFFIX})*)(?:~([0-9a-f]+))?(?:-r([0-9]+))?"
)
_SUFFIXES = re.compile(r"_([a-z]+)([0-9]*)")
# Where two versions part, the one that goes on with the later of these is the newer.
_BEFORE_END, _END, _REVISION, _HASH, _NUMBER, _SUFFIXED, _LETTER, _DIGITS = range(8)


def order(version: str) -> tuple[object, ...] | None:
    """A key in which `_rc` sorts before the end, `_p` after it, and the `-r` revision last."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return None
    first, rest, letter, suffixes, commit, revision = match.groups()
    key: list[tuple[object, ...]] = [(_DIGITS, 1, int(first), "")]
    key += [_digits(component) for component in rest.split(".")[1:]]
    if letter:
        key.append((_LETTER, letter))
    for name, number in _SUFFIXES.findall(suffixes):
        rank = (_BEFORE_END, _BEFORE) if name in _BEFORE else (_SUFFIXED, _AFTER)
        key.append((rank[0], rank[1].index(name)))
        if number:
            key.append((_NUMBER, int(number)))
    if commit:
        key.append((_HASH, commit))
    if revision:
        key.append((_REVISION, int(revision)))
    return (*key, (_END,))


def _digits(component: str) -> tuple[object, ...]:
    """With a leading zero it is a fraction, which sorts as text and before what has none."""
    if component.startswith("0"):
        return _DIGITS, 0, 0, component
    return _DIGITS, 1, int(component), ""
