"""Why a later decision says something else than an earlier one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from supplychain.gate.comparison import Cause, compare
from supplychain.gate.evaluate import evaluate
from supplychain.gate.policy import Policy
from supplychain.model.decision import Decision, Outcome, Violation
from supplychain.model.dossier import Dossier
from tests.kit.policies import known, make_dossier, make_platform, make_policy
from tests.kit.scans import AT, SUBJECT, make_finding

DAY = timedelta(days=1)
FRESH = make_policy("sbom: {}", "freshness: {scan: 24h}")
STRICT = make_policy("sbom: {}", "vulnerabilities: {severity: high}")


def decide(
    policy: Policy, dossier: Dossier | None = None, *, after: timedelta = timedelta()
) -> Decision:
    given = dossier or make_dossier()
    return evaluate(given, policy, subject=SUBJECT, environment="prod", at=AT + after)


def causes(before: Decision, after: Decision, *policies: Policy) -> list[Cause]:
    return [change.cause for change in compare(before, after, *policies)]


def test_nothing_is_between_two_that_say_the_same() -> None:
    assert compare(decide(FRESH), decide(FRESH, after=timedelta(hours=1))) == ()


def test_the_same_evidence_grown_old_is_told_from_other_evidence() -> None:
    assert causes(decide(FRESH), decide(FRESH, after=2 * DAY)) == [Cause.REASON_AGED]
    bare = make_dossier(make_platform(sbom=None))
    changes = compare(decide(FRESH), decide(FRESH, bare))
    assert (Cause.REASON_ADDED, "sbom") in {(c.cause, c.rule) for c in changes}


def test_a_finding_that_nobody_knew_then_is_new() -> None:
    later = known(make_finding(), for_=-DAY)
    found = make_dossier(make_platform(findings=[later]))
    changes = compare(decide(STRICT), decide(STRICT, found, after=2 * DAY))
    assert [c.cause for c in changes] == [Cause.NEW_FINDING]
    assert "CVE-2024-0727" in changes[0].what


def test_a_waiver_that_ended_and_a_warning_that_bites_are_named_as_such() -> None:
    denied = decide(STRICT, make_dossier(make_platform(findings=[known()])))
    borne = tuple(
        replace(r, outcome=Outcome.WAIVED, violations=_waived(r.violations)) if r.violations else r
        for r in denied.results
    )
    waived = replace(denied, results=borne)
    (ended,) = compare(waived, denied)
    assert (ended.cause, "WV-17" in ended.what) == (Cause.WAIVER_ENDED, True)
    assert Cause.WAIVED in causes(denied, waived)
    warned = replace(
        denied,
        results=tuple(
            replace(r, outcome=Outcome.WARNED) if r.violations else r for r in denied.results
        ),
    )
    assert causes(warned, denied) == [Cause.BITES]
    assert causes(denied, warned) == [Cause.REASON_GONE]


def _waived(violations: tuple[Violation, ...]) -> tuple[Violation, ...]:
    return tuple(replace(v, waiver="WV-17") for v in violations)


def test_another_policy_is_told_by_its_rules() -> None:
    changes = compare(decide(FRESH), decide(STRICT), FRESH, STRICT)
    assert {(c.cause, c.rule) for c in changes if c.rule} >= {
        (Cause.RULE_REMOVED, "freshness"),
        (Cause.RULE_ADDED, "vulnerabilities"),
    }
