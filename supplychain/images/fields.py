"""Reads JSON that nobody has vouched for, field by field, naming the field that is wrong.

Every other program in the chain (registries, runtimes, Trivy, cosign) reads these documents with
Go's `encoding/json`, which takes the last of two equal keys and does not heed case. A document in
which `layers` and `Layers` differ would say one thing to us and another to them: so such keys
are refused.
"""

from __future__ import annotations

import json
from typing import NoReturn

from supplychain.errors import InputError
from supplychain.model.digest import Digest


class Fields:
    """A JSON object, and where it stands."""

    def __init__(self, value: object, where: str) -> None:
        """Take a parsed value.

        Args:
            value: What has to be an object.
            where: Names it in errors: "the manifest sha256:…, layers[3]".

        Raises:
            InputError: It is no object.
        """
        self.where = where
        if not isinstance(value, dict):
            raise InputError(f"{where} is not a JSON object")
        self._values: dict[str, object] = value
        self._spellings: dict[str, set[str]] = {}
        for key in value:
            self._spellings.setdefault(key.casefold(), set()).add(key)

    @classmethod
    def read(cls, raw: bytes, where: str) -> Fields:
        """Parse a document whose top is an object.

        Raises:
            InputError: It is not UTF-8, not JSON, not an object, or holds a key twice.
        """
        return cls(_parsed(raw, where), where)

    @classmethod
    def read_list(cls, raw: bytes, where: str) -> tuple[Fields, ...]:
        """Parse a document whose top is a list of objects.

        Raises:
            InputError: As for `read`.
        """
        values = _parsed(raw, where)
        if not isinstance(values, list):
            raise InputError(f"{where} is not a JSON list")
        return tuple(cls(value, f"{where}[{number}]") for number, value in enumerate(values))

    def text(self, name: str, default: str | None = None) -> str:
        """A string; `default` where it is missing or null."""
        value = self._get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            self.wrong(name, "a string")
        return value

    def integer(self, name: str) -> int:
        """A whole number, zero or more."""
        value = self._get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
            self.wrong(name, "a whole number")
        return value

    def digest(self, name: str) -> Digest:
        """A digest."""
        return self._digest(self.text(name), name)

    def digests(self, name: str) -> tuple[Digest, ...]:
        """A list of digests; () where it is missing or null."""
        return tuple(self._digest(value, name) for value in self._list(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; () where it is missing or null."""
        values = self._list(name)
        return tuple(v if isinstance(v, str) else self.wrong(name, "strings") for v in values)

    def inner(self, name: str) -> Fields | None:
        """An object; None where it is missing or null."""
        value = self._get(name)
        return None if value is None else Fields(value, f"{self.where}, {name}")

    def items(self, name: str) -> tuple[Fields, ...]:
        """A list of objects; () where it is missing or null."""
        return tuple(
            Fields(value, f"{self.where}, {name}[{number}]")
            for number, value in enumerate(self._list(name))
        )

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The whole object as pairs of strings, sorted by key: a map, whose keys are data."""
        return tuple(
            (key, value if isinstance(value, str) else self.wrong(key, "a string"))
            for key, value in sorted(self._values.items())
        )

    def names(self) -> tuple[str, ...]:
        """The keys of the whole object, sorted: a set, written as a map."""
        return tuple(sorted(self._values))

    def wrong(self, name: str, expected: str) -> NoReturn:
        """Refuse the document for one of its fields."""
        raise InputError(f"{self.where}: {name!r} is not {expected}")

    def _get(self, name: str) -> object:
        if not self._spellings.get(name.casefold(), set()) <= {name}:
            raise InputError(
                f"{self.where} spells {name!r} in another case",
                because="programs disagree about which spelling counts",
            )
        return self._values.get(name)

    def _list(self, name: str) -> list[object]:
        value = self._get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(name, "a list")
        return value

    def _digest(self, value: object, name: str) -> Digest:
        if not isinstance(value, str):
            self.wrong(name, "a digest")
        try:
            return Digest.parse(value)
        except InputError as error:
            raise InputError(
                f"{self.where}: {name!r} is not a digest that is accepted", because=str(error)
            ) from None


def _parsed(raw: bytes, where: str) -> object:
    try:
        text = raw.decode()
        value: object = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        if "\\u" in text:
            # Half a surrogate pair is no text, and others read another one in its place.
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{where} is not a JSON document", because=str(error) or type(error).__name__
        ) from error
    return value


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} is there twice")
    return values
