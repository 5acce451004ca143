"""CycloneDX documents that are too long to be read whole, checked as they pass.

They are held to the very rules of `encoding.read_json`, by the same decoder: what is checked here
piece by piece would be accepted there, were there room for it. In memory is one piece at a time:
a member of the document, or of a list that is a member of it (a component, a dependency).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from supplychain.errors import InputError, LimitError
from supplychain.signing.encoding import DECODER

PIECE_LIMIT = 16 * 1024 * 1024
# Of the document itself; CycloneDX has a dozen, and any may carry some of its own.
MOST_MEMBERS = 1000
_SPACE = " \t\n\r"
_SPACES = re.compile(r"[ \t\n\r]*")
# With these a value ends whatever follows; any other, a number say, only before one of those.
_CLOSED = '"}]'
_AFTER = frozenset(",]}:" + _SPACE)


def require_cyclonedx(chunks: Iterator[bytes], what: str) -> None:
    """Read a document to its end and demand that it is CycloneDX.

    Args:
        chunks: The document.
        what: What it is, for the error.

    Raises:
        LimitError: A piece of it is larger than any needs to be.
        InputError: It is no strict JSON, or no CycloneDX document.
    """
    try:
        kind = _Reading(chunks).document()
    except LimitError:
        raise
    except ValueError as error:
        raise InputError(f"{what} is not strict JSON", because=str(error)) from error
    except RecursionError:
        raise InputError(f"{what} is not usable JSON", because="it is nested too deeply") from None
    if kind != "CycloneDX":
        raise InputError(
            f"{what} is not a CycloneDX document", because='its bomFormat is not "CycloneDX"'
        )


class _Reading:
    """One pass over a document, with a window of text that moves along."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._decode = codecs.getincrementaldecoder("utf-8")("strict").decode
        self._text, self._at, self._ended = "", 0, False

    def document(self) -> object:
        """What the document says to be; the rest of it is read and not kept."""
        self._expect("{")
        names: set[object] = set()
        kind: object = None
        closing = self._next() == "}"
        while not closing:
            if self._next() != '"':
                raise ValueError("expecting a member's name")
            name = self._value()
            if name in names:
                raise ValueError("an object names the same member twice")
            names.add(name)
            if len(names) > MOST_MEMBERS:
                raise LimitError(f"the document has more than {MOST_MEMBERS:,} members")
            self._expect(":")
            if self._next() == "[":
                self._list()
            elif name == "bomFormat":
                kind = self._value()
            else:
                self._value()
            closing = self._goes_on("}")
        self._expect("}")
        if self._next():
            raise ValueError("there is more after its end")
        return kind

    def _list(self) -> None:
        self._expect("[")
        closing = self._next() == "]"
        while not closing:
            self._next()
            self._value()
            closing = self._goes_on("]")
        self._expect("]")

    def _goes_on(self, end: str) -> bool:
        """Whether this was the last; takes the comma where it was not."""
        if self._next() == end:
            return True
        self._expect(",")
        if self._next() == end:
            raise ValueError("there is a comma before an end")
        return False

    def _value(self) -> object:
        """The value that begins here, however much of the document it takes."""
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except ValueError:
                if not self._more():
                    raise
                continue
            is_whole = self._text[end - 1] in _CLOSED or self._text[end : end + 1] in _AFTER
            length = end - self._at
            if is_whole or not self._more():
                # Not `end`: the window may have moved, though nothing more came into it.
                self._at += length
                return value

    def _next(self) -> str:
        """The next character that is no white space; "" at the end."""
        while True:
            match = _SPACES.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _expect(self, character: str) -> None:
        if self._next() != character:
            raise ValueError(f"expecting {character!r}")
        self._at += 1

    def _more(self) -> bool:
        """Make the window larger; at least twice, so that a long piece is not tried too often."""
        if self._ended:
            return False
        rest = self._text[self._at :]
        if len(rest) > PIECE_LIMIT:
            raise LimitError(
                "the document has a piece that is broken, or too large",
                because=f"there is no whole value within {PIECE_LIMIT:,} characters of "
                f"{self._text[self._at : self._at + 40]!r}",
            )
        parts, wanted = [rest], len(rest) + 1
        while wanted > 0 and not self._ended:
            chunk = next(self._chunks, None)
            self._ended = chunk is None
            parts.append(self._decode(chunk or b"", final=self._ended))
            wanted -= len(parts[-1])
        self._text, self._at = "".join(parts), 0
        return len(self._text) > len(rest)
