"""The judgement: recorded evidence, a policy and an instant in, a decision out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from supplychain.errors import InputError
from supplychain.gate.case import Case, Judgement
from supplychain.gate.platforms import select_platforms
from supplychain.gate.policy import Policy
from supplychain.gate.remedies import with_remedies
from supplychain.model.decision import (
    Decision,
    EvidenceReference,
    Outcome,
    RuleResult,
    Verdict,
    Violation,
)
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, PlatformDossier
from supplychain.model.evidence import EvidenceKind
from supplychain.model.subject import Subject


def evaluate(
    dossier: Dossier | None,
    policy: Policy | None,
    *,
    subject: Subject,
    environment: str,
    at: datetime,
) -> Decision:
    """Whether a digest may run in an environment, and why.

    A pure function: the same arguments give the same decision, for ever. It allows only where
    there is a policy for this environment, the record knows this digest, everything that the
    environment would run of it is recorded, and every rule is satisfied. An error inside a rule
    is a bug and is not caught: it ends the caller without a decision, which allows nothing.

    Args:
        dossier: What the record holds about the digest; None where it holds nothing.
        policy: The policy of the environment; None where there is no usable one.
        subject: What is asked about.
        environment: Where it wants to run.
        at: The instant judged for (aware), the only clock.

    Raises:
        InputError: `at` has no time zone.
    """
    if at.tzinfo is None:
        raise InputError("the instant to judge for has no time zone", hint="end it with Z for UTC")
    at = at.astimezone(UTC)
    if policy is None or policy.environment != environment:
        return _denied(_no_policy(policy, environment), None, subject, environment, at)
    if dossier is None or dossier.subject.digest != subject.digest:
        unseen = _not_recorded(dossier, subject)
        return _denied(unseen, policy.digest, subject, environment, at)
    platforms, selection = select_platforms(dossier, policy.platforms, environment)
    if not platforms:
        return _denied(selection, policy.digest, subject, environment, at)
    case = Case(subject, platforms, dossier.attestations, at)
    judged = [(rule.name, rule.judge(case)) for rule in policy.rules]
    return _decision(selection, judged, case, policy)


def _decision(
    selection: RuleResult, judged: Sequence[tuple[str, Judgement]], case: Case, policy: Policy
) -> Decision:
    results = with_remedies([selection, *(_result(name, said) for name, said in judged)])
    allowed = all(result.outcome is Outcome.PASSED for result in results)
    evidence = {e for _, said in judged for e in (*said.evidence, *_cited(said))}
    ends = [said.holds_until for _, said in judged if said.holds_until is not None]
    return Decision(
        subject=case.subject,
        environment=policy.environment,
        verdict=Verdict.ALLOW if allowed else Verdict.DENY,
        results=results,
        evidence=tuple(sorted(evidence, key=lambda e: (e.kind, e.digest, e.produced_at))),
        policy=policy.digest,
        databases=_databases(case.platforms, evidence),
        decided_at=case.at,
        holds_until=min(ends, default=None) if allowed else None,
    )


def _cited(said: Judgement) -> list[EvidenceReference]:
    return [v.evidence for v in said.violations if v.evidence is not None]


def _result(rule: str, said: Judgement) -> RuleResult:
    outcome = Outcome.VIOLATED if said.violations else Outcome.PASSED
    return RuleResult(rule, outcome, said.summary, said.violations)


def _databases(
    platforms: Sequence[PlatformDossier], evidence: Iterable[EvidenceReference]
) -> tuple[Digest, ...]:
    consulted = {e.digest for e in evidence if e.kind is EvidenceKind.SCAN}
    scans = [p.scan for p in platforms if p.scan and p.scan.evidence.digest in consulted]
    return tuple(sorted({scan.database.digest for scan in scans}))


def _denied(
    reason: RuleResult, policy: Digest | None, subject: Subject, environment: str, at: datetime
) -> Decision:
    """A denial before any rule could be asked."""
    return Decision(
        subject=subject,
        environment=environment,
        verdict=Verdict.DENY,
        results=(reason,),
        evidence=(),
        policy=policy,
        databases=(),
        decided_at=at,
    )


def _no_policy(policy: Policy | None, environment: str) -> RuleResult:
    message = f"there is no usable policy for {environment}"
    if policy is not None:
        message += f", the one given is for {policy.environment}"
    return _violated("policy", message, f"write a policy for {environment}: docs/policy.md")


def _not_recorded(dossier: Dossier | None, subject: Subject) -> RuleResult:
    message = "nothing is recorded about this digest"
    if dossier is not None:
        message = f"the evidence given is about another digest, {dossier.subject.digest}"
    return _violated("record", message, f"supplychain run {subject}")


def _violated(rule: str, message: str, remedy: str) -> RuleResult:
    return RuleResult(rule, Outcome.VIOLATED, message, (Violation(message, remedy),))
