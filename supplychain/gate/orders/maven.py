"""Maven: "Version Order Specification" of the POM reference."""

from __future__ import annotations

import re
from functools import cmp_to_key
from itertools import zip_longest
from typing import NamedTuple

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+-]*")
_TOKEN = re.compile(r"([.-]?)([0-9]+|[^0-9.-]+|(?=[.-]|\Z))")
_WORDS = {
    "alpha": 0, "beta": 1, "milestone": 2, "rc": 3, "cr": 3, "snapshot": 4,
    "": 5, "final": 5, "ga": 5, "release": 5, "sp": 6,
}  # fmt: skip
_SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}
_RELEASE = 5


class _Token(NamedTuple):
    """A number or a word, and what stood before it.

    Attributes:
        hyphen: Whether that was a hyphen, or a change between digits and letters.
        number: The number; None of a word.
        word: The rank of a word that Maven knows, and the word where it knows none.
    """

    hyphen: bool
    number: int | None
    word: tuple[int, str] = (_RELEASE, "")

    @property
    def null(self) -> bool:
        """Whether it says nothing: zero, or a word for the release itself."""
        return not self.number and self.word == (_RELEASE, "")


def order(version: str) -> object | None:
    """A key in which known words sort around the release, and any other after it."""
    if not _VERSION.fullmatch(version):
        return None
    return _KEY(_trimmed(_tokens(version.lower())))


def _tokens(text: str) -> list[_Token]:
    found = [(m[1], m[2]) for m in _TOKEN.finditer(text) if m[0]]
    tokens = []
    for place, (separator, word) in enumerate(found):
        if not word or word.isdigit():
            tokens.append(_Token(bool(place) and separator != ".", int(word or 0)))
            continue
        following = found[place + 1] if place + 1 < len(found) else ("", "")
        short = not following[0] and following[1].isdigit()
        known = _SHORT.get(word, word) if short else word
        rank = _WORDS.get(known)
        # A dot before a word is no other than a hyphen.
        tokens.append(_Token(True, None, (7, known) if rank is None else (rank, "")))
    return tokens


def _trimmed(tokens: list[_Token]) -> list[_Token]:
    """Without what says nothing at the end and before each hyphen."""
    kept: list[_Token] = []
    for token in tokens:
        if token.hyphen:
            _drop_nulls(kept)
        kept.append(token)
    _drop_nulls(kept)
    return kept


def _drop_nulls(tokens: list[_Token]) -> None:
    while len(tokens) > 1 and tokens[-1].null:
        tokens.pop()


def _compare(one: list[_Token], other: list[_Token]) -> int:
    for left, right in zip_longest(one, other):
        a, b = _rank(left or _padding(right)), _rank(right or _padding(left))
        if a != b:
            return 1 if a > b else -1
    return 0


def _padding(token: _Token) -> _Token:
    """What is taken for a token that the shorter version lacks."""
    return _Token(True, None) if token.hyphen else _Token(False, 0)


def _rank(token: _Token) -> tuple[int, int, str]:
    """Any word, then a number after a hyphen, then one after a dot."""
    if token.number is None:
        return (0, *token.word)
    return (1 if token.hyphen else 2, token.number, "")


_KEY = cmp_to_key(_compare)
