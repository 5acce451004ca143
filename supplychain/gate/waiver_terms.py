"""Whose waivers a policy lets count, and for how long."""

from __future__ import annotations

from dataclasses import field
from datetime import timedelta
from typing import Any

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.gate.durations import span
from supplychain.gate.fields import read_as
from supplychain.gate.nodes import Mapping, Node, ProblemError
from supplychain.gate.options import (
    DURATION,
    PEOPLE,
    Json,
    canonical_options,
    nearest,
    object_schema,
    option,
)
from supplychain.gate.reading import Reading
from supplychain.model.finding import Severity

# What stands for everything that is not about a finding.
OTHER = "other"
_WORDS = (*(str(severity) for severity in reversed(Severity)), OTHER)

Longest = tuple[tuple[str, timedelta], ...]


@dataclass(frozen=True, slots=True)
class _BySeverity:
    """A mapping from severities to durations."""

    @property
    def schema(self) -> dict[str, Json]:
        """See `Kind.schema`."""
        return {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"enum": list(_WORDS)},
            "additionalProperties": DURATION.schema,
        }

    def read(self, node: Node, reading: Reading, /) -> Longest:
        """See `Kind.read`."""
        if not isinstance(node, Mapping) or not node.entries:
            raise ProblemError(
                node.position, f"expected periods by severity, found {node}", "{critical: 14d}"
            )
        found: dict[str, timedelta] = {}
        for key, value in node.entries:
            word = getattr(key, "text", "")
            if word not in _WORDS:
                raise ProblemError(
                    key.position, f"{key} is not a severity, nor {OTHER}", nearest(word, _WORDS)
                )
            if word in found:
                raise ProblemError(key.position, f"{word!r} is given twice")
            found[word] = DURATION.read(value, reading)
        return tuple(sorted(found.items()))

    def write(self, value: Longest, /) -> Json:
        """See `Kind.write`."""
        return {word: DURATION.write(duration) for word, duration in value}


@dataclass(frozen=True, slots=True)
class WaiverRules:
    """What `waivers` of a policy says.

    Attributes:
        approvers: Whose approval counts; never the requester's own.
        max: For how long from its approval a waiver may last, by the severity of the finding, and
            under `other` for whatever is not about one.
    """

    approvers: tuple[str, ...] = field(metadata=option(PEOPLE, "whose approval of a waiver counts"))
    max: Longest = field(
        metadata=option(
            _BySeverity(),
            "how long a waiver may last by the severity of the finding, and `other` for what is "
            "not about one; a severity takes what is said of the next worse one that is named, "
            "and what is worse than all of them cannot be waived",
        )
    )

    def longest(self, severity: Severity | None) -> timedelta | None:
        """How long a waiver of such a finding may last; None where it cannot be waived.

        Args:
            severity: The finding's; None for what is not about one.
        """
        said = dict(self.max)
        if severity is None:
            return said.get(OTHER)
        as_bad = (s for s in sorted(Severity) if s >= severity and str(s) in said)
        found = next(as_bad, None)
        return None if found is None else said[str(found)]


@dataclass(frozen=True, slots=True)
class _WaiverRulesKind:
    """The mapping that `waivers` of a policy is."""

    @property
    def schema(self) -> dict[str, Json]:
        """See `Kind.schema`."""
        return object_schema(WaiverRules)

    def read(self, node: Node, reading: Reading, /) -> Any:
        """See `Kind.read`."""
        found = read_as(WaiverRules, node, "waivers", reading)
        if found is None:
            raise reading.problems.pop()
        return found

    def write(self, value: WaiverRules, /) -> Json:
        """See `Kind.write`."""
        return canonical_options(value)


WAIVER_RULES = _WaiverRulesKind()


def require_longest(rules: WaiverRules, severity: Severity | None, period: timedelta) -> None:
    """Refuse a period that is longer than a policy lets any waiver of such a finding last.

    Raises:
        InputError: It is, or such a finding cannot be waived.
    """
    longest = rules.longest(severity)
    what = "what is not about a finding" if severity is None else f"a finding that is {severity}"
    if longest is None:
        raise InputError(f"the policy lets nobody waive {what}")
    if period > longest:
        raise InputError(
            f"{span(period)} is longer than the policy lets anybody waive {what}",
            hint=f"at most {DURATION.write(longest)}",
        )
