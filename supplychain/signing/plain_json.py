"""A short cut through JSON that can be read in one way only, which nearly all of it can.

`encoding.read_json` has every object checked in Python, which is what takes its time. Here a parser
in machine code reads at once, and what it says is taken only where it cannot differ from that:

- It is as strict (RFC 8259, UTF-8, nothing after the end), but of a member that is named twice it
  keeps the last. What it read is written again: whatever was dropped takes its quotes with it, so
  where both texts have equally many strings, none was.
- It makes a float of an integer that 64 bits do not hold, so that long numbers are left alone.
"""

from __future__ import annotations

import orjson

# Fewer objects are checked sooner than written again.
_FEW = 64
_LONGEST_NUMBER = 18  # digits that 64 bits hold whatever they are
_DIGIT, _BEFORE = b"0", b":"
# What may stand before the first digit of a number in an object.
_STARTS = b":,[- \t\n\r"
_SHAPES = bytes.maketrans(b"0123456789" + _STARTS, _DIGIT * 10 + _BEFORE * len(_STARTS))
_LONG = _BEFORE + _DIGIT * (_LONGEST_NUMBER + 1)


def read_plain(data: bytes) -> dict[str, object] | None:
    """The object that a document surely is; None where `encoding.read_json` has to say.

    None is no refusal: it is also the answer for documents that are only unusual.
    """
    if data.count(b"{") < _FEW:
        return None
    try:
        value = orjson.loads(data)
        if not isinstance(value, dict) or _strings(orjson.dumps(value)) != _strings(data):
            return None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None
    return None if _LONG in data.translate(_SHAPES) else value


def _strings(text: bytes) -> int:
    """How many quotes of valid JSON begin or end a string."""
    if b"\\" not in text:
        return text.count(b'"')
    # Without escaped backslashes, whatever backslash is left escapes what follows it.
    text = text.replace(b"\\\\", b"")
    return text.count(b'"') - text.count(b'\\"')
