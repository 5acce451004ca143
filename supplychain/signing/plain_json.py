"""A short cut through JSON that can be read in one way only, as nearly all of it can.

`encoding.read_json` has every object checked in Python, which is what takes its time. Here a parser
in machine code reads at once, and what it read is written again. Where that gives the same bytes,
they hold no member twice and nothing else that this parser and the strict one take differently:
whatever it had dropped, rounded or tolerated would not have come back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field

import orjson

from supplychain.frozen import dataclass

_INDENTED = orjson.OPT_INDENT_2
_NULL_AT_END = len(b"null}")
# Go's encoder, and with it cosign's, escapes what HTML would take for its own.
_ESCAPED_BY_GO = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"))


@dataclass(frozen=True, slots=True)
class Plain:
    """An object that was read.

    Attributes:
        value: What it says.
        last: The name of its last member.
        raw: The bytes of that, from its colon to the brace that ends the object.
    """

    value: dict[str, object]
    last: str
    raw: bytes = field(repr=False)


def read_plain(data: bytes) -> Plain | None:
    """The object that a document surely is; None where `encoding.read_json` has to say.

    It is compact, but for the last member, which may be indented: a document spliced in is. None is
    no refusal: it is also the answer for documents that are only written in another way.
    """
    try:
        value = orjson.loads(data)
        if not isinstance(value, dict) or not value:
            return None
        last, inner = next(reversed(value.items()))
        start = orjson.dumps({**value, last: None})[:-_NULL_AT_END]
        if not (data.startswith(start) and data.endswith(b"}")):
            return None
        raw = data[len(start) : -1]
        written = any(raw == spelled(inner) for spelled in _spellings(raw))
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None
    return Plain(value, last, raw) if written else None


def _spellings(raw: bytes) -> Iterator[Callable[[object], bytes]]:
    if b"\n" not in raw:
        yield orjson.dumps
        if b"\\u00" in raw:
            yield _as_go_does
    elif raw.endswith(b"\n"):
        yield lambda inner: orjson.dumps(inner, option=_INDENTED | orjson.OPT_APPEND_NEWLINE)
    else:
        yield lambda inner: orjson.dumps(inner, option=_INDENTED)


def _as_go_does(inner: object) -> bytes:
    text = orjson.dumps(inner)
    for character, escape in _ESCAPED_BY_GO:
        text = text.replace(character, escape)
    return text
