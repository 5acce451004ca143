"""The identities that a policy trusts: whom a certificate was issued to, by which issuer's word."""

from __future__ import annotations

import re
from dataclasses import field
from datetime import datetime
from typing import Any

from supplychain.errors import PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.fields import read_as
from supplychain.gate.nodes import Mapping, Node, ProblemError
from supplychain.gate.options import (
    BOOLEAN,
    TEXT,
    Json,
    ListOf,
    canonical_options,
    choice,
    nearest,
    object_schema,
    option,
    scalar,
)
from supplychain.gate.patterns import PATTERN, any_issuer, anybody_at, matches
from supplychain.gate.reading import Reading
from supplychain.gate.windows import INSTANT, Window
from supplychain.model.identity import CLAIMS, Identity, NameKind

# Of what strangers call themselves, so much is told.
_SHOWN = 300
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.+", re.ASCII | re.DOTALL)
_EMAIL = re.compile(r"[^\s@:/!]+@[^\s@:/!]+")


def kind_of(name: str) -> NameKind:
    """What kind of name it is, by its form: `https://…`, `spiffe://…`, `a@b.c`, or another."""
    if _URI.fullmatch(name):
        return NameKind.URI
    return NameKind.EMAIL if _EMAIL.fullmatch(name) else NameKind.OTHER


@dataclass(frozen=True, slots=True)
class _Claims:
    """What else the issuer has to have said, by the names of Fulcio's extensions; exact values."""

    @property
    def schema(self) -> dict[str, Json]:
        """See `Kind.schema`."""
        text: Json = {"type": "string", "minLength": 1}
        return {
            "type": "object",
            "properties": dict.fromkeys(CLAIMS, text),
            "additionalProperties": False,
            "minProperties": 1,
        }

    def read(self, node: Node, _reading: Reading, /) -> tuple[tuple[str, str], ...]:
        """See `Kind.read`."""
        if not isinstance(node, Mapping) or not node.entries:
            raise ProblemError(
                node.position,
                f"expected claims, found {node}",
                "source_repository_uri: https://github.com/acme/shop",
            )
        found: dict[str, str] = {}
        for key, value in node.entries:
            name = scalar(key, "the name of a claim").text
            if name not in CLAIMS:
                raise ProblemError(
                    key.position, f"{name[:60]!r} is no claim", nearest(name, CLAIMS)
                )
            if name in found:
                raise ProblemError(key.position, f"{name!r} is given twice")
            found[name] = scalar(value, "what the issuer has to have said").text
            if not found[name]:
                raise ProblemError(value.position, f"the claim {name} is empty")
        return tuple(sorted(found.items()))

    def write(self, value: tuple[tuple[str, str], ...], /) -> Json:
        """See `Kind.write`."""
        return dict(value)


_PATTERN = "or a pattern that matches all of it (RE2)"
KIND = choice("a kind of name", {str(kind): kind for kind in NameKind})


@dataclass(frozen=True, slots=True)
class TrustedIdentity(Window):
    """Somebody for whom an issuer vouched, and when their word counts.

    A name without its issuer is nobody: everybody may run an issuer that vouches for any name.

    Attributes:
        identity: The name, exactly; "" where there is a pattern.
        identity_regexp: A pattern that matches the whole name; "" where there is a name.
        issuer: The issuer, exactly; "" where there is a pattern.
        issuer_regexp: A pattern that matches the whole issuer; "" where there is an issuer.
        claims: What else the issuer has to have said, sorted.
        kind: What kind of name it has to be; None for what the name's form says, or any where
            there is a pattern.
        name: What to call it; "" for none.
    """

    identity: str = field(default="", metadata=option(TEXT, "the name, exactly"))
    identity_regexp: str = field(default="", metadata=option(PATTERN, _PATTERN))
    issuer: str = field(
        default="", metadata=option(TEXT, "the OIDC issuer that vouches for it, exactly")
    )
    issuer_regexp: str = field(default="", metadata=option(PATTERN, _PATTERN))
    claims: tuple[tuple[str, str], ...] = field(
        default=(), metadata=option(_Claims(), "what else the issuer has to have said, exactly")
    )
    kind: NameKind | None = field(
        default=None, metadata=option(KIND, "what kind of name it is; default: by its form")
    )
    name: str = field(default="", metadata=option(TEXT, "what to call it"))
    not_before: datetime | None = field(
        default=None, metadata=option(INSTANT, "since when its word counts")
    )
    not_after: datetime | None = field(
        default=None, metadata=option(INSTANT, "until when its word counts")
    )
    revoked: bool = field(default=False, metadata=option(BOOLEAN, "true: its word never counts"))

    def __post_init__(self) -> None:
        """Refuse what names nobody, or everybody.

        Raises:
            PolicyError: Name or issuer is missing or given twice; or a pattern says nothing.
        """
        for what in ("identity", "issuer"):
            given = getattr(self, what), getattr(self, f"{what}_regexp")
            if all(given) or not any(given):
                raise PolicyError(
                    f"an identity needs one of {what!r} and '{what}_regexp'",
                    hint=_HINTS[what],
                )
        if self.issuer_regexp and any_issuer(self.issuer_regexp):
            raise PolicyError(
                f"the pattern {self.issuer_regexp[:80]!r} takes any issuer",
                hint="anybody can run one, so name it: " + _HINTS["issuer"],
            )
        if self.identity_regexp and not self.claims:
            self._require_somebody()
        if self.ends_before_it_begins:
            raise PolicyError(f"{self} ends before it begins: {self.window}")

    def _require_somebody(self) -> None:
        if anybody_at(self.issuer, self.identity_regexp):
            raise PolicyError(
                f"the pattern {self.identity_regexp[:80]!r} takes anybody in the world",
                hint="name whom you mean: https://github.com/acme/shop/.*; or demand claims",
            )

    def __str__(self) -> str:
        """For people: what it is called, or name and issuer."""
        if self.name:
            return self.name
        name = self.identity or f"/{self.identity_regexp}/"
        return f"{name} ({self.issuer or f'/{self.issuer_regexp}/'})"

    def accepts(self, identity: Identity, /) -> bool:
        """Whether a certificate issued to this identity is theirs."""
        return self.why_not(identity) is None

    def why_not(self, identity: Identity) -> str | None:
        """Why a certificate issued to this identity is not theirs; None where it is."""
        wanted = self.identity or f"/{self.identity_regexp}/"
        if not _is(identity.name, self.identity, self.identity_regexp):
            return f"the name is {identity.name[:_SHOWN]}, not {wanted}"
        kind = self.kind or (kind_of(self.identity) if self.identity else None)
        if kind is not None and identity.kind is not kind:
            return f"the name is of the kind {identity.kind}, not {kind}"
        if not _is(identity.issuer, self.issuer, self.issuer_regexp):
            issuer = self.issuer or f"/{self.issuer_regexp}/"
            return f"the issuer is {identity.issuer[:_SHOWN]}, not {issuer}"
        for name, value in self.claims:
            said = identity.claim(name)
            if said != value:
                shown = "not said" if said is None else said[:_SHOWN]
                return f"{name} is {shown}, not {value}"
        return None

    def likeness(self, identity: Identity) -> int:
        """How near an identity comes, to tell people of the nearest: 0 for not at all."""
        name = _is(identity.name, self.identity, self.identity_regexp)
        return 2 * name + _is(identity.issuer, self.issuer, self.issuer_regexp)


_HINTS = {
    "identity": "the name that the certificate has: identity: release@acme.example",
    "issuer": "issuer: https://token.actions.githubusercontent.com",
}


def _is(value: str, exact: str, pattern: str) -> bool:
    return value == exact if exact else matches(pattern, value)


@dataclass(frozen=True, slots=True)
class _Identity:
    """A mapping with a name, its issuer, and what restricts them."""

    @property
    def schema(self) -> dict[str, Json]:
        """See `Kind.schema`."""
        either: list[Json] = [
            {"oneOf": [{"required": [what]}, {"required": [f"{what}_regexp"]}]}
            for what in ("identity", "issuer")
        ]
        return {**object_schema(TrustedIdentity), "allOf": either}

    def read(self, node: Node, reading: Reading, /) -> Any:
        """See `Kind.read`; the problems go to `reading`, and then there is no value."""
        return read_as(TrustedIdentity, node, "an identity", reading)

    def write(self, value: TrustedIdentity, /) -> Json:
        """See `Kind.write`."""
        return canonical_options(value)


@dataclass(frozen=True, slots=True)
class _Identities(ListOf):
    """Identities, each only once: else one entry could take back what another one restricts."""

    def read(self, node: Node, reading: Reading, /) -> tuple[TrustedIdentity, ...]:
        """See `Kind.read`."""
        identities = tuple(one for one in ListOf.read(self, node, reading) if one is not None)
        seen = set()
        for one in identities:
            whom = (one.identity, one.identity_regexp, one.issuer, one.issuer_regexp, one.claims)
            if whom in seen:
                raise ProblemError(
                    node.position, f"{one} is named twice", "name each identity once"
                )
            seen.add(whom)
        return identities


IDENTITIES = _Identities(_Identity())
