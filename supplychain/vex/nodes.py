"""JSON with places: what is wrong is named by where it stands, `$.statements[2].status`.

What two parsers could read in two ways is refused, as everywhere where documents are signed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from supplychain.errors import InputError, LimitError
from supplychain.frozen import dataclass

SIZE_LIMIT = 16 * 1024 * 1024
# No name, ID or purl is longer; explanations for people may be.
NAME_LENGTH = 1024
TEXT_LENGTH = 16 * 1024
# RFC 3339 section 5.6, in the letters that writers use.
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names the same member twice")
    return found


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")


@dataclass(frozen=True, slots=True)
class Node:
    """A value, and where it stands.

    Attributes:
        value: The value.
        place: A JSON path, for messages.
    """

    value: object
    place: str

    def wrong(self, what: str, hint: str | None = None) -> InputError:
        """The error that this is not as it has to be."""
        return InputError(f"{self.place}: {what}", hint=hint)

    def members(self, known: Collection[str] = ()) -> dict[str, Node]:
        """The members of an object.

        Args:
            known: The members that there may be; where none is given, any.

        Raises:
            InputError: It is no object, or has a member that is not known.
        """
        if not isinstance(self.value, dict):
            raise self.wrong(f"expected an object, found {_kind(self.value)}")
        if known:
            for name in self.value:
                if name not in known:
                    raise self.wrong(f"there is no member {name[:80]!r}", _nearest(name, known))
        return {name: Node(value, f"{self.place}.{name}") for name, value in self.value.items()}

    def items(self) -> Iterator[Node]:
        """The items of a list.

        Raises:
            InputError: It is none.
        """
        if not isinstance(self.value, list):
            raise self.wrong(f"expected a list, found {_kind(self.value)}")
        for number, value in enumerate(self.value):
            yield Node(value, f"{self.place}[{number}]")

    def some(self, hint: str) -> list[Node]:
        """The items of a list that is not empty; raises as `items`."""
        found = list(self.items())
        if not found:
            raise self.wrong("the list is empty", hint)
        return found

    def text(self, limit: int = NAME_LENGTH) -> str:
        """Text that is not empty.

        Raises:
            InputError: It is something else, empty, or holds half a surrogate pair.
            LimitError: It is too long.
        """
        if not isinstance(self.value, str):
            raise self.wrong(f"expected text, found {_kind(self.value)}")
        if not self.value.strip():
            raise self.wrong("the text is empty")
        if len(self.value) > limit:
            raise LimitError(f"{self.place}: {len(self.value)} characters, at most {limit}")
        if not self.value.isascii() and any("\ud800" <= c <= "\udfff" for c in self.value):
            raise self.wrong("this is not Unicode text")
        return self.value

    def instant(self) -> datetime:
        """An instant of RFC 3339, in UTC; raises as `text`."""
        written = self.text()
        wrong = self.wrong(
            f"{written[:40]!r} is no instant of RFC 3339", "write it as 2026-11-25T10:00:00Z"
        )
        if not _INSTANT.fullmatch(written):
            raise wrong
        try:
            return datetime.fromisoformat(written.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            raise wrong from None

    def word(self, known: Collection[str]) -> str:
        """One of several words; raises as `text`."""
        written = self.text()
        if written not in known:
            raise self.wrong(f"{written[:80]!r} is not known here", _nearest(written, known))
        return written


def read(data: bytes) -> Node:
    """The root of a document.

    Raises:
        LimitError: It is too large.
        InputError: It is no JSON, or JSON that two parsers may read in two ways.
    """
    if len(data) > SIZE_LIMIT:
        raise LimitError(f"the VEX document has {len(data)} bytes, at most {SIZE_LIMIT} are read")
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_members, parse_constant=_no_constant
        )
    except ValueError as error:
        raise InputError("the VEX document is not strict JSON", because=str(error)) from error
    except RecursionError:
        raise InputError("the VEX document is nested too deeply") from None
    return Node(value, "$")


def required(found: dict[str, Node], name: str, node: Node) -> Node:
    """A member that has to be there.

    Raises:
        InputError: It is not.
    """
    if name not in found:
        raise node.wrong(f"there is no {name!r}", f"add {name!r}")
    return found[name]


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "a truth", type(None): "null"}
    return names.get(type(value), "a number")


def _nearest(word: str, known: Collection[str]) -> str:
    import difflib

    close = difflib.get_close_matches(word.lower(), known, n=1)
    return f"did you mean {close[0]}?" if close else f"one of {', '.join(sorted(known))}"
