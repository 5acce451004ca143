"""Why a later decision says something else than an earlier one: what is between the two."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum

from supplychain.frozen import dataclass
from supplychain.gate.durations import ageless
from supplychain.gate.policy import Policy
from supplychain.model.decision import Decision, EvidenceReference, Outcome, Violation
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind


class Cause(StrEnum):
    """What kind of change it is."""

    SUBJECT = "subject"
    POLICY = "policy"
    RULE_ADDED = "rule_added"
    RULE_REMOVED = "rule_removed"
    EVIDENCE_ADDED = "evidence_added"
    EVIDENCE_REMOVED = "evidence_removed"
    NEW_FINDING = "new_finding"
    WAIVER_ENDED = "waiver_ended"
    WAIVED = "waived"
    BITES = "bites"
    REASON_ADDED = "reason_added"
    REASON_AGED = "reason_aged"
    REASON_GONE = "reason_gone"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is other than it was.

    Attributes:
        cause: What kind of change.
        rule: The rule concerned; "" for none.
        what: It, for people, on one line.
    """

    cause: Cause
    rule: str
    what: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Two recorded decisions, and what is between them.

    Attributes:
        before: The earlier one.
        after: The later one.
        ids: Their digests, in this order.
        changes: What is between them; nothing where they say the same by the same.
    """

    before: Decision
    after: Decision
    ids: tuple[Digest, Digest]
    changes: tuple[Change, ...]


_REASONS = frozenset(
    {
        Cause.NEW_FINDING,
        Cause.WAIVER_ENDED,
        Cause.WAIVED,
        Cause.BITES,
        Cause.REASON_ADDED,
        Cause.REASON_AGED,
        Cause.REASON_GONE,
    }
)
# A reason by what it is about and not by how old it is, so that it is found again.
_Key = tuple[str, str, str, str, str, str]
_Reasons = dict[_Key, tuple[Outcome, Violation]]


def compare(
    before: Decision,
    after: Decision,
    before_policy: Policy | None = None,
    after_policy: Policy | None = None,
) -> tuple[Change, ...]:
    """What is between two decisions; nothing where they say the same by the same.

    Args:
        before: The earlier one.
        after: The later one.
        before_policy: Its policy, as far as it is known.
        after_policy: Likewise.
    """
    return (
        *_of_subject(before, after),
        *_of_policy(before, after, before_policy, after_policy),
        *_of_reasons(before, after),
        *_of_evidence(before, after),
    )


def reasons_alone(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Of what is between two decisions, the reasons to deny that came or went."""
    return tuple(change for change in changes if change.cause in _REASONS)


def _of_subject(before: Decision, after: Decision) -> Iterator[Change]:
    if before.subject != after.subject:
        yield Change(Cause.SUBJECT, "", f"{before.subject} then, {after.subject} now")
    if before.environment != after.environment:
        yield Change(Cause.SUBJECT, "", f"{before.environment} then, {after.environment} now")


def _of_policy(
    before: Decision, after: Decision, one: Policy | None, other: Policy | None
) -> Iterator[Change]:
    if before.policy == after.policy:
        return
    names = [digest.short if digest else "none" for digest in (before.policy, after.policy)]
    yield Change(Cause.POLICY, "", f"policy {names[0]} then, {names[1]} now")
    if one is None or other is None:
        return
    then, now = rules_as_text(one), rules_as_text(other)
    for text, name in then.items():
        if text not in now:
            yield Change(Cause.RULE_REMOVED, name, text)
    for text, name in now.items():
        if text not in then:
            yield Change(Cause.RULE_ADDED, name, text)


def rules_as_text(policy: Policy) -> dict[str, str]:
    """The rules of a policy as one line each, with their names."""
    items = json.loads(policy.canonical())["rules"]
    return {
        json.dumps(item, sort_keys=True, ensure_ascii=False): entry.rule.name
        for item, entry in zip(items, policy.rules, strict=True)
    }


def _of_reasons(before: Decision, after: Decision) -> Iterator[Change]:
    then, now = _reasons(before), _reasons(after)
    same_evidence = _evidence(before).keys() == _evidence(after).keys()
    for key, (outcome, violation) in now.items():
        earlier = then.get(key)
        if _denies(outcome, violation):
            if earlier is None or not _denies(*earlier):
                yield _added(key[0], violation, earlier, before, same_evidence=same_evidence)
        elif violation.waiver and earlier is not None and _denies(*earlier):
            yield Change(Cause.WAIVED, key[0], f"{told(violation)}: waived by {violation.waiver}")
    for key, (outcome, violation) in then.items():
        if _denies(outcome, violation) and (key not in now or _only_warns(now[key][0])):
            yield Change(Cause.REASON_GONE, key[0], told(violation))


def _added(
    rule: str,
    violation: Violation,
    earlier: tuple[Outcome, Violation] | None,
    before: Decision,
    *,
    same_evidence: bool,
) -> Change:
    """A reason that denies now and did not then, and why it did not."""
    what = told(violation)
    if earlier is not None and earlier[1].waiver:
        notes = f" ({'; '.join(violation.notes)})" if violation.notes else ""
        ended = f"{what}: {earlier[1].waiver} waives it no longer{notes}"
        return Change(Cause.WAIVER_ENDED, rule, ended)
    if earlier is not None:
        return Change(Cause.BITES, rule, f"{what}: only a warning then, the rule denies now")
    if violation.first_seen_at is not None and violation.first_seen_at > before.decided_at:
        return Change(Cause.NEW_FINDING, rule, what)
    if same_evidence and before.policy is not None:
        return Change(Cause.REASON_AGED, rule, what)
    return Change(Cause.REASON_ADDED, rule, what)


def told(violation: Violation) -> str:
    """A reason on one line."""
    platform = f" [{violation.platform}]" if violation.platform else ""
    return violation.message + platform


def _denies(outcome: Outcome, violation: Violation) -> bool:
    return outcome is Outcome.VIOLATED and not violation.waiver


def _only_warns(outcome: Outcome) -> bool:
    return outcome is Outcome.WARNED


def _reasons(decision: Decision) -> _Reasons:
    return {
        _key(result.rule, result.id, violation): (result.outcome, violation)
        for result in decision.results
        for violation in result.violations
    }


def _key(rule: str, name: str, violation: Violation) -> _Key:
    platform, finding = str(violation.platform or ""), violation.finding
    if finding is None:
        return rule, name, platform, violation.purl, ageless(violation.message), ""
    return rule, name, platform, finding.purl, finding.vulnerability_id, finding.path


def _of_evidence(before: Decision, after: Decision) -> Iterator[Change]:
    then, now = _evidence(before), _evidence(after)
    for key in sorted(then.keys() - now.keys()):
        yield Change(Cause.EVIDENCE_REMOVED, "", _reference(then[key]))
    for key in sorted(now.keys() - then.keys()):
        yield Change(Cause.EVIDENCE_ADDED, "", _reference(now[key]))
    for gone in sorted(set(before.databases) - set(after.databases)):
        yield Change(Cause.EVIDENCE_REMOVED, "", f"vulnerability database {gone.short}")
    for come in sorted(set(after.databases) - set(before.databases)):
        yield Change(Cause.EVIDENCE_ADDED, "", f"vulnerability database {come.short}")


def _evidence(decision: Decision) -> dict[tuple[EvidenceKind, Digest], EvidenceReference]:
    return {(one.kind, one.digest): one for one in decision.evidence}


def _reference(one: EvidenceReference) -> str:
    made = one.produced_at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return f"{one.kind} {one.digest.short} of {made}"
