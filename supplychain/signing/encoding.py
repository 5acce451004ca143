"""Strict readers for JSON (RFC 8259), base64 (RFC 4648) and PEM (RFC 7468).

What two parsers could read in two ways is refused: a verifier must not see another document than
the one that its user sees.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import re
from collections.abc import Collection
from dataclasses import field

from supplychain.errors import InputError, LimitError
from supplychain.frozen import dataclass
from supplychain.signing.plain_json import read_plain

Path = tuple[str, ...]

_SPACE = re.compile(r"[ \t\n\r]*")
_PEM = re.compile(
    rb"\s*-----BEGIN (?P<label>[A-Z0-9 ]+)-----\r?\n(?P<body>[A-Za-z0-9+/=\r\n]*)"
    rb"-----END (?P<end>[A-Z0-9 ]+)-----\s*"
)
_PEM_LINE = 64


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON document as it was read.

    Attributes:
        value: What it says.
        raw: For each path asked for and found, the exact bytes between the member's colon and the
            comma or brace that ends it, white space included: what was spliced in comes out.
    """

    value: object
    raw: dict[Path, bytes]


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names the same member twice")
    return found


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")


DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_no_constant)


@dataclasses.dataclass(slots=True)
class _Reader:
    """One pass over a text; objects on the way to a wanted path are walked, the rest is in C."""

    text: str
    wanted: Collection[Path]
    raw: dict[Path, bytes] = field(default_factory=dict)

    def document(self) -> object:
        value, end = self.value(self.space(0), ())
        if self.space(end) != len(self.text):
            raise ValueError(f"there is more after its end at character {end}")
        return value

    def space(self, at: int) -> int:
        match = _SPACE.match(self.text, at)
        return match.end() if match else at

    def value(self, at: int, path: Path) -> tuple[object, int]:
        deeper = any(len(w) > len(path) and w[: len(path)] == path for w in self.wanted)
        if deeper and self.text[at : at + 1] == "{":
            return self.members(at + 1, path)
        return DECODER.raw_decode(self.text, at)

    def members(self, at: int, path: Path) -> tuple[dict[str, object], int]:
        pairs: list[tuple[str, object]] = []
        at = self.space(at)
        if self.text[at : at + 1] == "}":
            return {}, at + 1
        while True:
            key, value, at = self.member(at, path)
            pairs.append((key, value))
            end = self.text[at : at + 1]
            if end == "}":
                return _members(pairs), at + 1
            if end != ",":
                raise ValueError(f"expecting ',' or '}}' at character {at}")
            at = self.space(at + 1)

    def member(self, at: int, path: Path) -> tuple[str, object, int]:
        if self.text[at : at + 1] != '"':
            raise ValueError(f"expecting a member's name at character {at}")
        key, at = DECODER.raw_decode(self.text, at)
        at = self.space(at)
        if self.text[at : at + 1] != ":":
            raise ValueError(f"expecting ':' at character {at}")
        start = at + 1
        value, at = self.value(self.space(start), (*path, key))
        end = self.space(at)
        if (*path, key) in self.wanted:
            self.raw[*path, key] = self.text[start:end].encode()
        return key, value, end


def read_json(data: bytes, what: str, *, limit: int, keep: Collection[Path] = ()) -> Document:
    """Read one JSON document: UTF-8, no duplicate members, no NaN, nothing after it.

    Args:
        data: The whole document.
        what: What it is, for the error ("the bundle").
        limit: The most bytes it may have.
        keep: Paths of object members whose exact bytes are wanted.

    Raises:
        LimitError: It is larger than `limit`.
        InputError: It is not JSON, or JSON that two parsers may read in two ways.
    """
    if len(data) > limit:
        raise LimitError(f"{what} has {len(data)} bytes, at most {limit} are read")
    plain = read_plain(data)
    if plain is not None:
        keep = [path for path in keep if _holds(plain.value, path)]
        if not set(keep) - {(plain.last,)}:
            return Document(plain.value, dict.fromkeys(keep, plain.raw))
    try:
        reader = _Reader(data.decode("utf-8"), keep)
        value = reader.document()
    except ValueError as error:
        raise InputError(f"{what} is not strict JSON", because=str(error)) from error
    except RecursionError:
        raise InputError(f"{what} is not usable JSON", because="it is nested too deeply") from None
    return Document(value, reader.raw)


def _holds(value: object, path: Path) -> bool:
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return True


def members(
    value: object, what: str, *, required: Collection[str], optional: Collection[str] = ()
) -> dict[str, object]:
    """The members of an object of which every member is known.

    Raises:
        InputError: Not an object, a member is missing, or one is unknown.
    """
    found = as_object(value, what)
    missing = [name for name in required if name not in found]
    if missing:
        raise InputError(f"{what} has no {missing[0]!r}")
    unknown = sorted(found.keys() - set(required) - set(optional))
    if unknown:
        raise InputError(f"{what} has a member that is not understood: {unknown[0][:80]!r}")
    return found


def as_object(value: object, what: str) -> dict[str, object]:
    """The value if it is an object.

    Raises:
        InputError: It is anything else.
    """
    if not isinstance(value, dict):
        raise InputError(f"{what} is not an object")
    return value


def as_text(value: object, what: str) -> str:
    """The value if it is a string of Unicode characters.

    Raises:
        InputError: It is anything else, or holds half a surrogate pair.
    """
    if not isinstance(value, str):
        raise InputError(f"{what} is not a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InputError(f"{what} is not Unicode text") from None
    return value


def read_base64(text: object, what: str) -> bytes:
    """Decode canonical base64: standard alphabet, padded, no white space, no stray bits.

    Raises:
        InputError: It is not a string, or not canonical.
    """
    encoded = as_text(text, what)
    try:
        decoded = binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError as error:
        raise InputError(f"{what} is not base64", because=str(error)) from error
    # Only the last group of four can have been written in another way.
    last = max(len(encoded) - 4, 0)
    if write_base64(decoded[last // 4 * 3 :]) != encoded[last:]:
        raise InputError(f"{what} is not canonical base64")
    return decoded


def read_hex(text: object, what: str) -> bytes:
    """Decode hexadecimal: two digits for each byte, lower case, nothing between.

    Raises:
        InputError: It is anything else.
    """
    encoded = as_text(text, what)
    try:
        decoded = bytes.fromhex(encoded)
    except ValueError:
        decoded = b""
    if decoded.hex() != encoded:
        raise InputError(f"{what} is not hexadecimal")
    return decoded


def write_base64(data: bytes) -> str:
    """Encode as canonical base64."""
    return base64.b64encode(data).decode("ascii")


def read_pem(data: bytes, what: str) -> tuple[str, bytes]:
    """Read exactly one PEM block and nothing else: its label and its bytes.

    Raises:
        InputError: None, more than one, text around it, or a body that is not base64.
    """
    if data.count(b"-----BEGIN ") > 1:
        raise InputError(f"{what} holds more than one PEM block", hint="keep one key per file")
    match = _PEM.fullmatch(data)
    if match is None or match["label"] != match["end"]:
        raise InputError(
            f"{what} is not a PEM file",
            because="it must be one block from -----BEGIN to -----END with nothing around it",
        )
    body = match["body"].replace(b"\r", b"").replace(b"\n", b"").decode("ascii")
    return match["label"].decode("ascii"), read_base64(body, f"the body of {what}")


def write_pem(label: str, data: bytes) -> bytes:
    """Write one PEM block, lines of 64 characters."""
    body = write_base64(data)
    lines = [body[at : at + _PEM_LINE] for at in range(0, len(body), _PEM_LINE)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()
