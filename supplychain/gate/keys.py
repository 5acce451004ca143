"""The public keys that a policy trusts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from supplychain.errors import SupplyChainError
from supplychain.gate.fields import fields
from supplychain.gate.nodes import Mapping, Node, Position, ProblemError
from supplychain.gate.options import Json, ListOf, Reading, scalar


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key.

    Attributes:
        name: The path it was read from, or the name that the policy gives it; "" for none.
        pem: The key, PEM.
        fingerprint: `sha256:<hex>` of its SubjectPublicKeyInfo; what signatures are compared by.
    """

    name: str
    pem: str
    fingerprint: str

    def __str__(self) -> str:
        """For people: its name, or the start of its fingerprint."""
        return self.name or short(self.fingerprint)


def short(fingerprint: str) -> str:
    """A key for people, where it has no name: `key 1f3c5a7b9d0e`."""
    return f"key {fingerprint.partition(':')[2][:12]}"


@dataclass(frozen=True, slots=True)
class _Key:
    """A path, a PEM text, or a name with a PEM text, which is how the canonical form has it."""

    @property
    def schema(self) -> dict[str, Json]:
        """See `Kind.schema`."""
        named: dict[str, Json] = {
            "type": "object",
            "properties": {"name": {"type": "string"}, "pem": {"type": "string"}},
            "required": ["name", "pem"],
            "additionalProperties": False,
        }
        return {"anyOf": [{"type": "string"}, named]}

    def read(self, node: Node, reading: Reading, /) -> TrustedKey:
        """See `Kind.read`."""
        if isinstance(node, Mapping):
            return _named(node, reading)
        text = scalar(node, "the path of a public key, or the key itself").text
        if "-----BEGIN" in text:
            return _trusted("", text, node.position, reading)
        try:
            pem = reading.read_key(text).decode("ascii", "replace")
        except SupplyChainError as error:
            raise ProblemError(node.position, str(error), error.hint or error.because) from error
        return _trusted(text, pem, node.position, reading)

    def write(self, value: TrustedKey, /) -> Json:
        """See `Kind.write`."""
        return {"name": value.name, "pem": value.pem}


def _named(node: Mapping, reading: Reading) -> TrustedKey:
    problems: list[ProblemError] = []
    found = fields(node, {"name": True, "pem": True}, "a key", problems)
    if problems:
        raise problems[0]
    name, pem = scalar(found["name"], "the key's name"), scalar(found["pem"], "a PEM text")
    return _trusted(name.text, pem.text, node.position, reading)


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


KEYS = ListOf(_Key())


def named(keys: Iterable[TrustedKey]) -> str:
    """Some keys for people: `release.pub or key 1f3c5a7b9d0e`."""
    return " or ".join(str(key) for key in keys)
