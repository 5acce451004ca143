"""One item in a policy's list of rules: the rule, and what happens where it is not satisfied."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from supplychain.errors import PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.case import Rule
from supplychain.gate.nodes import Mapping, Node, ProblemError
from supplychain.gate.options import BOOLEAN, ENVIRONMENT, IDENTIFIER, Json, option
from supplychain.gate.reading import Reading
from supplychain.gate.windows import INSTANT, rfc3339

# How `warn_until` has an instant that holds for every environment.
EVERYWHERE = ""

Instants = tuple[tuple[str, datetime], ...]


@dataclass(frozen=True, slots=True)
class _ByEnvironment:
    """An instant, or a mapping from environments to instants."""

    @property
    def schema(self) -> dict[str, Json]:
        """See `Kind.schema`."""
        each: dict[str, Json] = {
            "type": "object",
            "minProperties": 1,
            "propertyNames": ENVIRONMENT.schema,
            "additionalProperties": INSTANT.schema,
        }
        return {"anyOf": [INSTANT.schema, each]}

    def read(self, node: Node, reading: Reading, /) -> Instants:
        """See `Kind.read`."""
        if not isinstance(node, Mapping):
            return ((EVERYWHERE, INSTANT.read(node, reading)),)
        if not node.entries:
            raise ProblemError(node.position, "no environment is named", "prod: 2027-01-31T00:00Z")
        found: dict[str, datetime] = {}
        for key, value in node.entries:
            name = ENVIRONMENT.read(key, reading)
            if name in found:
                raise ProblemError(key.position, f"{name!r} is given twice")
            found[name] = INSTANT.read(value, reading)
        return tuple(sorted(found.items()))

    def write(self, value: Instants, /) -> Json:
        """See `Kind.write`."""
        written = {name: rfc3339(moment) for name, moment in value}
        return written.get(EVERYWHERE) or dict(written)


INSTANT_BY_ENVIRONMENT = _ByEnvironment()


@dataclass(frozen=True, slots=True)
class Terms:
    """What stands beside a rule in its item of the list.

    Attributes:
        id: What to call this very rule.
        warn: Whether it never denies.
        warn_until: From when it denies: one instant, or one for each environment.
    """

    id: str = field(default="", metadata=option(IDENTIFIER, "what to call this very rule"))
    warn: bool = field(
        default=False, metadata=option(BOOLEAN, "true: what it finds is shown, and never denies")
    )
    warn_until: Instants = field(
        default=(),
        metadata=option(
            INSTANT_BY_ENVIRONMENT,
            "until when it only warns: an instant, or one for each environment, of which those "
            "that are not named deny at once",
        ),
    )

    def __post_init__(self) -> None:
        """Refuse terms that contradict one another.

        Raises:
            PolicyError: They do.
        """
        if self.warn and self.warn_until:
            raise PolicyError(
                "warn and warn_until contradict one another",
                hint="leave warn out: warn_until says when the rule begins to deny",
            )


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """A rule on its terms.

    Attributes:
        rule: The rule.
        terms: What stands beside it.
        origin: The document and line that it stands in, for people; two entries that differ in
            nothing else are the same.
    """

    rule: Rule
    terms: Terms = field(default_factory=Terms)
    origin: str = field(default="", compare=False)

    def bites_at(self, environment: str) -> datetime | None:
        """From when it denies there, where that is to come or past; None where it always did."""
        instants = dict(self.terms.warn_until)
        return instants.get(environment, instants.get(EVERYWHERE))

    def denies(self, environment: str, at: datetime) -> bool:
        """Whether at that instant a violation denies rather than warns."""
        begins = self.bites_at(environment)
        return not self.terms.warn and (begins is None or at >= begins)
