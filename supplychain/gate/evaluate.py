"""The judgement: recorded evidence, a policy and an instant in, a decision out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from supplychain.errors import InputError
from supplychain.gate.case import CLOCK_TOLERANCE, MOMENT, Case, Judgement, made_at
from supplychain.gate.durations import span
from supplychain.gate.entry import RuleEntry
from supplychain.gate.platforms import select_platforms
from supplychain.gate.policy import Policy
from supplychain.gate.remedies import with_remedies
from supplychain.gate.unsigned import Unsigned
from supplychain.gate.waivers import Waivers
from supplychain.gate.windows import rfc3339
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
from supplychain.model.unsigned import UNKNOWN_DATABASE

# Under which name a result says that nothing is recorded.
RECORD = "record"


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
    if not dossier.platforms and dossier.underway:
        return _first_time(dossier, policy, subject, at)
    if not dossier.platforms and (dossier.attempt or dossier.unstarted):
        return _in_vain(dossier, policy, subject, at)
    platforms, selection = select_platforms(dossier, policy.platforms, environment)
    if not platforms:
        return _denied(selection, policy.digest, subject, environment, at)
    unsigned = Unsigned.of(platforms, policy.claims)
    case = Case(dossier, environment, unsigned.platforms, at, policy.vex)
    waivers = Waivers(case, policy.waivers)
    judged = [(e, waivers.bear(e, unsigned.judge(e.rule, case))) for e in policy.rules]
    return _decision(selection, judged, case, policy)


def _decision(
    selection: RuleResult,
    judged: Sequence[tuple[RuleEntry, Judgement]],
    case: Case,
    policy: Policy,
) -> Decision:
    results = with_remedies([selection, *(_result(entry, said, case) for entry, said in judged)])
    results += _unless_judged(judged, case)
    evidence = _consulted(said for _, said in judged)
    verdict = _verdict(results, case)
    return Decision(
        subject=case.subject,
        environment=policy.environment,
        verdict=verdict,
        results=results,
        evidence=tuple(sorted(evidence, key=lambda e: (e.kind, e.digest, e.produced_at))),
        policy=policy.digest,
        databases=_databases(case.platforms, evidence),
        decided_at=case.at,
        holds_until=_holds_until(verdict, judged, case),
    )


def _unless_judged(
    judged: Sequence[tuple[RuleEntry, Judgement]], case: Case
) -> tuple[RuleResult, ...]:
    """Deny what no rule that denies had anything to say about."""
    denying = [said for entry, said in judged if entry.denies(case.environment, case.at)]
    if any(said.applies for said in denying):
        return ()
    lack = "applies to this image" if denying else "is in force yet"
    message = f"no rule of the policy for {case.environment} {lack}"
    return (_violated("policy", message, "add a rule that judges it now: sbom: {}"),)


def _verdict(results: Sequence[RuleResult], case: Case) -> Verdict:
    """Pending only where every reason to deny is evidence that is being made at this moment."""
    reasons = [v for r in results if r.outcome is Outcome.VIOLATED for v in r.standing]
    if not reasons:
        return Verdict.ALLOW
    coming = {
        kind
        for work in case.dossier.underway
        if work.since_at <= case.at < work.expires_at
        for kind in work.kinds
    }
    if all(v.awaits in coming for v in reasons):
        return Verdict.PENDING
    return Verdict.DENY


def _consulted(judgements: Iterable[Judgement]) -> set[EvidenceReference]:
    """Everything cited; hundreds of findings cite one and the same scan, which is hashed once."""
    cited = {
        id(reference): reference
        for said in judgements
        for reference in (*said.evidence, *(v.evidence for v in said.violations))
        if reference is not None
    }
    return set(cited.values())


def _result(entry: RuleEntry, said: Judgement, case: Case) -> RuleResult:
    outcome, begins = Outcome.VIOLATED, None
    if not said.violations:
        outcome = Outcome.PASSED if said.applies else Outcome.NOT_APPLICABLE
    elif all(v.waiver for v in said.violations):
        outcome = Outcome.WAIVED
    elif not entry.denies(case.environment, case.at):
        outcome, begins = Outcome.WARNED, entry.bites_at(case.environment)
    return RuleResult(
        rule=entry.rule.name,
        outcome=outcome,
        summary=said.summary,
        violations=said.violations,
        id=entry.terms.id,
        bites_at=begins,
        notes=said.notes,
    )


def _holds_until(
    verdict: Verdict, judged: Sequence[tuple[RuleEntry, Judgement]], case: Case
) -> datetime | None:
    """The last instant of a verdict that nothing but time changes."""
    if verdict is Verdict.ALLOW:
        bites = [entry.bites_at(case.environment) for entry, _ in judged]
        ends = [said.holds_until for _, said in judged if said.holds_until is not None]
        ends += [begins - MOMENT for begins in bites if begins is not None and begins > case.at]
    else:
        changes = [said.relents_at for _, said in judged if said.relents_at is not None]
        if verdict is Verdict.PENDING:
            changes += [work.expires_at for work in case.dossier.underway]
        changes += [m - CLOCK_TOLERANCE for m in _moments(case) if case.to_come(m)]
        ends = [change - MOMENT for change in changes if change > case.at]
    return min(ends, default=None)


def _moments(case: Case) -> Iterator[datetime]:
    """When the evidence was made, by clocks that may be ahead of the one judged by."""
    for platform in case.platforms:
        if platform.scan is not None:
            yield platform.scan.evidence.produced_at
            yield platform.scan.database.updated_at
        if platform.sbom is not None:
            yield platform.sbom.evidence.produced_at
        if platform.config_evidence is not None:
            yield platform.config_evidence.produced_at
        if platform.config is not None and platform.config.created_at is not None:
            yield platform.config.created_at
        if platform.recorded_at is not None:
            yield platform.recorded_at
    feeds = case.dossier.exploitation
    yield from (edition.published_at for edition in (feeds.epss, feeds.kev) if edition)
    for said in (*case.attestations, *(a for p in case.platforms for a in p.attestations)):
        yield max(made_at(said), said.verified_at)
    for statement in case.dossier.statements:
        yield statement.claim.issued_at
        yield from (max(made_at(a), a.verified_at) for a in statement.attestations)
        yield from (acceptance.accepted_at for acceptance in statement.acceptances)


def _databases(
    platforms: Sequence[PlatformDossier], evidence: Iterable[EvidenceReference]
) -> tuple[Digest, ...]:
    consulted = {e.digest for e in evidence if e.kind is EvidenceKind.SCAN}
    scans = [p.scan for p in platforms if p.scan and p.scan.evidence.digest in consulted]
    return tuple(sorted({s.database.digest for s in scans if s.database != UNKNOWN_DATABASE}))


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


def _first_time(dossier: Dossier, policy: Policy, subject: Subject, at: datetime) -> Decision:
    """What is said of a digest of which nothing is recorded yet, and somebody works on it.

    A ban needs no evidence: what is never allowed is not worth waiting for.
    """
    case = Case(replace(dossier, subject=subject), policy.environment, (), at)
    told = "; ".join(f"{w.detail} for {span(case.age(w.since_at))}" for w in dossier.underway)
    unseen = _violated(RECORD, f"nothing is recorded yet: {told}", f"supplychain run {subject}")
    awaited = replace(unseen, violations=(replace(unseen.violations[0], awaits=EvidenceKind.SCAN),))
    bans = _bans(case, policy)
    verdict = _verdict((awaited, *bans), case)
    return replace(
        _denied(awaited, policy.digest, subject, policy.environment, at),
        results=(awaited, *bans),
        verdict=verdict,
        holds_until=_holds_until(verdict, (), case),
    )


def _in_vain(dossier: Dossier, policy: Policy, subject: Subject, at: datetime) -> Decision:
    """What is said of a digest of which nothing is recorded, though somebody tried."""
    unseen, attempt = _not_recorded(None, subject), dossier.attempt
    said, until = [unseen.summary], None
    if attempt is not None:
        said.append(f"run {attempt.run} {attempt.reason}")
        if policy.unseen is not None and at < (due := policy.unseen.next_after(attempt)):
            said.append(f"asking starts no other before {rfc3339(due)}")
            until = due - MOMENT
    if dossier.unstarted:
        said.append(f"no run was started: {dossier.unstarted}")
    reason = _violated(RECORD, "; ".join(said), f"supplychain run {subject}")
    denied = _denied(reason, policy.digest, subject, policy.environment, at)
    return replace(denied, holds_until=until)


def wants_run(dossier: Dossier | None, policy: Policy, subject: Subject, at: datetime) -> bool:
    """Whether asking about a digest is to start a run of it.

    It is not where anything is recorded or under way, where the last run came to nothing a moment
    ago, and where the image is never allowed anyway.
    """
    if policy.unseen is None or (dossier and (dossier.platforms or dossier.underway)):
        return False
    attempt = dossier.attempt if dossier else None
    if attempt is not None and at < policy.unseen.next_after(attempt):
        return False
    return not _bans(Case(Dossier(subject, (), ()), policy.environment, (), at), policy)


def _bans(case: Case, policy: Policy) -> tuple[RuleResult, ...]:
    """What is never allowed, whatever is recorded."""
    above = [(entry, entry.rule.judge(case)) for entry in policy.rules if not entry.rule.waivable]
    return tuple(_result(entry, said, case) for entry, said in above if said.violations)


def _no_policy(policy: Policy | None, environment: str) -> RuleResult:
    message = f"there is no usable policy for {environment}"
    if policy is not None:
        message += f", the one given is for {policy.environment}"
    return _violated("policy", message, f"write a policy for {environment}: docs/policy.md")


def _not_recorded(dossier: Dossier | None, subject: Subject) -> RuleResult:
    message = "nothing is recorded about this digest"
    if dossier is not None:
        message = f"the evidence given is about another digest, {dossier.subject.digest}"
    return _violated(RECORD, message, f"supplychain run {subject}")


def _violated(rule: str, message: str, remedy: str) -> RuleResult:
    return RuleResult(rule, Outcome.VIOLATED, message, (Violation(message, remedy),))
