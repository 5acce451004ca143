"""JSON that is plain: one meaning, not too deep, and nothing in it that is no text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from supplychain.errors import InputError, LimitError
from supplychain.signing.encoding import read_json

WHOLE = 1 << 20
DEEPEST = 32
# One member, a short text without an escape: nothing in it could be read in two ways.
_SHORT = re.compile(rb'\{ ?"([a-z_]{1,40})": ?"([ !#-\[\]-~]{0,2000})" ?\}')


def read_strict(body: bytes, most: int = WHOLE) -> object:
    """What a body says; refused is what two readers could read in two ways, or no database takes.

    Args:
        body: The body.
        most: The most bytes that it may have.

    Raises:
        InputError: It names a member twice, holds NUL or half a character, or is no JSON.
        LimitError: It is nested too deeply.
    """
    if len(body) <= most and (short := _SHORT.fullmatch(body)) is not None:
        return {short[1].decode(): short[2].decode()}
    value = read_json(body, "the body", limit=most).value
    depth, level = 0, [value]
    while level:
        depth += 1
        if depth > DEEPEST:
            raise LimitError("the body is nested too deeply", because=f"at most {DEEPEST} levels")
        level = [inner for outer in level for inner in _inside(outer)]
    # Only an escape can write either.
    if b"\\u" in body:
        for text in _texts(value):
            if "\0" in text or not _is_whole(text):
                raise InputError("the body holds a character that is none", because="NUL, or half")
    return value


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return [inner for inner in value.values() if isinstance(inner, dict | list)]
    if isinstance(value, list):
        return [inner for inner in value if isinstance(inner, dict | list)]
    return []


def _texts(value: object) -> Iterator[str]:
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            left += one


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
