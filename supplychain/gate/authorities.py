"""Whose word a rule takes: keys and identities, alone or combined, and what it has to come with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from enum import StrEnum
from typing import Any

from supplychain.errors import PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.fields import read_as
from supplychain.gate.identities import IDENTITIES, TrustedIdentity
from supplychain.gate.keys import KEYS, TrustedKey
from supplychain.gate.nodes import Node
from supplychain.gate.options import Json, ListOf, canonical_options, choice, option
from supplychain.gate.reading import Reading

Authority = TrustedKey | TrustedIdentity


class Demand(StrEnum):
    """Whether something has to be there."""

    REQUIRED = "required"
    OPTIONAL = "optional"


DEMAND = choice("required or optional", {str(demand): demand for demand in Demand})


@dataclass(frozen=True, slots=True)
class _Group:
    """Authorities inside of others: the same options, without those of a rule."""

    @property
    def schema(self) -> dict[str, Json]:
        """See `Kind.schema`; `policy_schema` has what it refers to."""
        return {"$ref": "#/$defs/authorities"}

    def read(self, node: Node, reading: Reading, /) -> Any:
        """See `Kind.read`; the problems go to `reading`, and then there is no value."""
        return read_as(Authorities, node, "one of several authorities", reading)

    def write(self, value: Authorities, /) -> Json:
        """See `Kind.write`."""
        return canonical_options(value)


GROUP = _Group()
GROUPS = ListOf(GROUP)


@dataclass(frozen=True, slots=True)
class Authorities:
    """Keys and identities, or groups of them; what each rule about signatures has as options.

    Attributes:
        keys: Public keys, any one suffices.
        identities: Identities, any one suffices, as does one of the keys.
        any_of: Groups, any one suffices.
        all_of: Groups, every one is needed.
        transparency_log: Whether a trusted log has to hold it; None for what is usual.
        timestamp: Whether a trusted clock has to tell when it was signed; None for what is usual.
    """

    keys: tuple[TrustedKey, ...] = field(
        default=(), metadata=option(KEYS, "public keys, any one suffices")
    )
    identities: tuple[TrustedIdentity, ...] = field(
        default=(),
        metadata=option(IDENTITIES, "whom certificates are issued to, any one suffices"),
    )
    any_of: tuple[Authorities, ...] = field(
        default=(), metadata=option(GROUPS, "several of these, any one suffices")
    )
    all_of: tuple[Authorities, ...] = field(
        default=(), metadata=option(GROUPS, "several of these, each is needed")
    )
    transparency_log: Demand | None = field(
        default=None,
        metadata=option(
            DEMAND,
            "whether a trusted log has to hold it; default: required of identities, "
            "optional of keys",
        ),
    )
    timestamp: Demand | None = field(
        default=None,
        metadata=option(
            DEMAND,
            "whether a log or a timestamp authority has to tell when it was signed; "
            "default: optional",
        ),
    )

    def __post_init__(self) -> None:
        """Refuse what names nobody, or does not say how authorities go together.

        Raises:
            PolicyError: It does.
        """
        if not self.anybody:
            raise PolicyError(
                "this names nobody whose word counts",
                hint="give it keys, identities, any_of or all_of: {keys: [release.pub]}",
            )
        self.require_one_way()

    @property
    def anybody(self) -> bool:
        """Whether anybody is named."""
        return bool(self.keys or self.identities or self.any_of or self.all_of)

    def require_one_way(self) -> None:
        """Refuse authorities of which it is not plain how they go together.

        Raises:
            PolicyError: Groups stand beside one another, or beside what is said of one of them.
        """
        ways = (self.keys or self.identities, self.any_of, self.all_of)
        if sum(map(bool, ways)) > 1:
            raise PolicyError(
                "keys and identities, any_of and all_of stand side by side",
                hint="put the one into the other: all_of: [{keys: [a.pub]}, {any_of: [...]}]",
            )
        if not ways[0] and (self.transparency_log or self.timestamp):
            raise PolicyError(
                "transparency_log and timestamp are said of keys and identities",
                hint="put them beside these: {keys: [a.pub], timestamp: required}",
            )

    def needs_log(self, authority: Authority) -> bool:
        """Whether a log has to hold what one of the authorities signed."""
        if self.transparency_log is None:
            return isinstance(authority, TrustedIdentity)
        return self.transparency_log is Demand.REQUIRED

    @property
    def needs_time(self) -> bool:
        """Whether a trusted clock has to tell when it was signed."""
        return self.timestamp is Demand.REQUIRED

    def everybody(self) -> Iterator[Authority]:
        """Every key and identity in it, groups included, in the policy's order."""
        yield from self.keys
        yield from self.identities
        for group in (*self.any_of, *self.all_of):
            yield from group.everybody()


def trusted_by(rule: object) -> Iterator[Authority]:
    """Every key and identity whose word a rule takes; none where it is about something else."""
    if isinstance(rule, Authorities):
        yield from rule.everybody()
