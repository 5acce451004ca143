"""The public keys that a policy trusts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from supplychain.errors import SupplyChainError
from supplychain.frozen import dataclass
from supplychain.gate.fields import fields
from supplychain.gate.nodes import Mapping, Node, Position, ProblemError
from supplychain.gate.options import BOOLEAN, Json, ListOf, scalar
from supplychain.gate.reading import Reading
from supplychain.gate.windows import INSTANT, Window, rfc3339


@dataclass(frozen=True, slots=True)
class TrustedKey(Window):
    """A public key, and when its word counts.

    Attributes:
        name: The path it was read from, or the name that the policy gives it; "" for none.
        pem: The key, PEM.
        fingerprint: `sha256:<hex>` of its SubjectPublicKeyInfo; what signatures are compared by.
        not_before: The first instant whose signatures count (aware, UTC); None for any.
        not_after: The last instant whose signatures count (aware, UTC); None for any.
        revoked: Whether nothing that it ever signed counts.
    """

    name: str
    pem: str
    fingerprint: str
    not_before: datetime | None = None
    not_after: datetime | None = None
    revoked: bool = False

    def __str__(self) -> str:
        """For people: its name, or the start of its fingerprint."""
        return self.name or short(self.fingerprint)


def short(fingerprint: str) -> str:
    """A key for people, where it has no name: `key 1f3c5a7b9d0e`."""
    return f"key {fingerprint.partition(':')[2][:12]}"


@dataclass(frozen=True, slots=True)
class _Key:
    """A path or a PEM text; or a mapping with one of them and what restricts the key.

    The canonical form is a mapping with the PEM text.
    """

    @property
    def schema(self) -> dict[str, Json]:
        """See `Kind.schema`."""
        text: dict[str, Json] = {"type": "string"}
        mapping: dict[str, Json] = {
            "type": "object",
            "properties": {
                "file": {**text, "description": "the path of the key"},
                "pem": {**text, "description": "the key itself"},
                "name": {**text, "description": "what to call a key that is given as pem"},
                "not_before": {**INSTANT.schema, "description": "since when its word counts"},
                "not_after": {**INSTANT.schema, "description": "until when its word counts"},
                "revoked": {**BOOLEAN.schema, "description": "true: its word never counts"},
            },
            "oneOf": [{"required": ["file"]}, {"required": ["pem"]}],
            "additionalProperties": False,
        }
        return {"anyOf": [text, mapping]}

    def read(self, node: Node, reading: Reading, /) -> TrustedKey:
        """See `Kind.read`."""
        if isinstance(node, Mapping):
            return _restricted(node, reading)
        text = scalar(node, "the path of a public key, or the key itself").text
        if "-----BEGIN" in text:
            return _trusted("", text, node.position, reading)
        return _from_file(text, node.position, reading)

    def write(self, value: TrustedKey, /) -> Json:
        """See `Kind.write`."""
        written: dict[str, Json] = {"name": value.name, "pem": value.pem}
        if value.not_before is not None:
            written["not_before"] = rfc3339(value.not_before)
        if value.not_after is not None:
            written["not_after"] = rfc3339(value.not_after)
        if value.revoked:
            written["revoked"] = True
        return written


_FIELDS = ("file", "name", "pem", "not_before", "not_after", "revoked")


def _restricted(node: Mapping, reading: Reading) -> TrustedKey:
    problems: list[ProblemError] = []
    found = fields(node, dict.fromkeys(_FIELDS, False), "a key", problems)
    if problems:
        raise problems[0]
    if ("file" in found) == ("pem" in found) or {"file", "name"} <= found.keys():
        raise ProblemError(
            node.position,
            "a key is given by one of 'file' and 'pem'",
            "file: release.pub; or pem, and name for what to call it",
        )
    if "file" in found:
        text = scalar(found["file"], "the path of a public key").text
        key = _from_file(text, found["file"].position, reading)
    else:
        pem = scalar(found["pem"], "a PEM text").text
        name = scalar(found["name"], "the key's name").text if "name" in found else ""
        key = _trusted(name, pem, node.position, reading)
    kinds = {"not_before": INSTANT, "not_after": INSTANT, "revoked": BOOLEAN}
    limits = {n: kinds[n].read(found[n], reading) for n in kinds if n in found}
    key = replace(key, **limits)
    if key.ends_before_it_begins:
        raise ProblemError(
            found["not_after"].position, f"{key} ends before it begins: {key.window}"
        )
    return key


def _from_file(path: str, position: Position, reading: Reading) -> TrustedKey:
    try:
        pem = reading.read_key(path).decode("ascii", "replace")
    except SupplyChainError as error:
        raise ProblemError(position, str(error), error.hint or error.because) from error
    return _trusted(path, pem, position, reading)


def _trusted(name: str, text: str, position: Position, reading: Reading) -> TrustedKey:
    what = name or "this"
    if "PRIVATE KEY" in text:
        raise ProblemError(
            position,
            f"{what} is a private key, and a policy is no place for one",
            "name the public key that was written beside it (.pub)",
        )
    # One form for one key, so that line ends do not change a policy's digest.
    pem = "\n".join(line.strip() for line in text.strip().splitlines()) + "\n"
    try:
        return TrustedKey(name, pem, reading.fingerprint(pem.encode()))
    except SupplyChainError as error:
        raise ProblemError(position, f"{what} is not a public key: {error}", error.hint) from error


@dataclass(frozen=True, slots=True)
class _Keys(ListOf):
    """Keys, each only once: else one entry could take back what another one restricts."""

    def read(self, node: Node, reading: Reading, /) -> tuple[TrustedKey, ...]:
        """See `Kind.read`."""
        keys: tuple[TrustedKey, ...] = ListOf.read(self, node, reading)
        seen: dict[str, TrustedKey] = {}
        for key in keys:
            if (first := seen.setdefault(key.fingerprint, key)) is not key:
                raise ProblemError(
                    node.position, f"{key} is the same key as {first}", "name each key once"
                )
        return keys


KEYS = _Keys(_Key())


def named(keys: Iterable[TrustedKey]) -> str:
    """Some keys for people: `release.pub or key 1f3c5a7b9d0e`."""
    return " or ".join(str(key) for key in keys)
