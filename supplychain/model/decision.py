"""What the gate says, and why."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.model.finding import Finding
from supplychain.model.subject import Platform, Subject


class Verdict(StrEnum):
    """The answer to the one question: may this digest run there?"""

    ALLOW = "allow"
    DENY = "deny"
    PENDING = "pending"


class Outcome(StrEnum):
    """What became of one rule."""

    PASSED = "passed"
    VIOLATED = "violated"
    WAIVED = "waived"
    WARNED = "warned"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class EvidenceReference:
    """A piece of evidence that a decision rests on.

    Attributes:
        kind: What it is.
        digest: Digest of its stored bytes.
        produced_at: When it was made (aware, UTC).
        age_seconds: Its age at the decision, in seconds.
    """

    kind: EvidenceKind
    digest: Digest
    produced_at: datetime
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Violation:
    """One reason for a denial.

    Attributes:
        message: What is wrong, for people, one line.
        remedy: What would turn it into an allow, for people, one line.
        finding: The finding, where the reason is one.
        first_seen_at: Since when the project knows the finding.
        platform: The platform concerned; None where the reason is about the whole subject.
        evidence: The evidence that shows it; None where the reason is that there is none.
        purl: The package concerned, with its version; "" where it is not about one.
        awaits: What kind of evidence would decide it, where that is missing; None where what is
            there decided.
        waiver: The waiver that bears it, as people know it (`WV-17`); "" for none.
        notes: What bears on it for people: a waiver that has ended, a claim that does not count.
        beside: What a finding was judged by beside its severity, in short words for people:
            `KEV`, `EPSS 0.93`, `grace 7 d`.
    """

    message: str
    remedy: str
    finding: Finding | None = None
    first_seen_at: datetime | None = None
    platform: Platform | None = None
    evidence: EvidenceReference | None = None
    purl: str = ""
    awaits: EvidenceKind | None = None
    waiver: str = ""
    notes: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule of the policy said.

    Attributes:
        rule: The rule's name in the policy document.
        outcome: What became of it.
        summary: One line for people: what was looked at, or why it was not applicable.
        violations: Every violation, not only the first, waived ones too; empty where the rule
            passed or was not applicable.
        id: What the policy calls this very rule; "" where it has no name of its own.
        bites_at: From when a rule that only warns will deny; None where it never does, or does
            already.
        notes: What else there is to tell, one line each: whose claims cleared which finding.
    """

    rule: str
    outcome: Outcome
    summary: str
    violations: tuple[Violation, ...] = ()
    id: str = ""
    bites_at: datetime | None = None
    notes: tuple[str, ...] = ()

    @property
    def standing(self) -> tuple[Violation, ...]:
        """The violations that no waiver bears."""
        return tuple(v for v in self.violations if not v.waiver)


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict for one digest in one environment at one instant, with its reasons.

    Attributes:
        subject: What was asked about.
        environment: Where it wants to run.
        verdict: The answer.
        results: What every rule said, in the policy's order.
        evidence: Every piece of evidence consulted, with its age.
        policy: Digest of the effective policy document; None where there was no usable policy.
        databases: Digests of the vulnerability databases of the scans consulted.
        decided_at: The instant judged for (aware, UTC).
        holds_until: The last instant at which it holds, if nothing but time passes; None where
            time alone never changes the verdict.
        inputs: Digest of the document of everything else that was judged, by which it can be
            replayed; None where nobody kept that.
    """

    subject: Subject
    environment: str
    verdict: Verdict
    results: tuple[RuleResult, ...]
    evidence: tuple[EvidenceReference, ...]
    policy: Digest | None
    databases: tuple[Digest, ...]
    decided_at: datetime
    holds_until: datetime | None = None
    inputs: Digest | None = None

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Every reason for the denial, in the order of the rules."""
        denied = (r for r in self.results if r.outcome is Outcome.VIOLATED)
        return tuple(v for r in denied for v in r.standing)

    @property
    def remedies(self) -> tuple[str, ...]:
        """What would turn it into an allow, each once, in order of first mention."""
        return tuple(dict.fromkeys(v.remedy for v in self.violations if v.remedy))
