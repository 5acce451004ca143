"""What has to hold of every waiver, dossier, policy and instant."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from supplychain.gate.policy import Policy
from supplychain.gate.waiver_scope import concerns
from supplychain.model.decision import Decision, Verdict
from supplychain.model.dossier import Dossier
from supplychain.model.evidence import EvidenceKind
from supplychain.model.finding import Severity
from supplychain.model.waiver import EndsWithFix, Waiver, WaiverScope, WaiverState
from tests.kit.policies import INDEX
from tests.kit.scans import AT
from tests.kit.waivers import APPROVER, REQUESTER, RULES, make_waiver, waiving, with_waivers
from tests.unit.gate.test_properties import dossiers, judge, never_softer, policies

SECOND = timedelta(seconds=1)
MOMENT = timedelta(microseconds=1)
# One that lets as much be waived as can be.
LENIENT = replace(
    RULES, max=tuple((word, timedelta(days=900)) for word in (*map(str, Severity), "other"))
)
scopes = st.builds(
    WaiverScope,
    vulnerability=st.sampled_from([f"CVE-{n}" for n in range(1, 7)]),
    package=st.sampled_from(["", "pkg:pypi/part1", "pkg:pypi/part2", "pkg:pypi/part3"]),
    repository=st.sampled_from(["", INDEX.name]),
    environments=st.sampled_from([(), ("prod",), ("staging",)]),
) | st.builds(
    WaiverScope,
    rule=st.sampled_from(["vulnerabilities", "sbom", "signature", "freshness", "packages"]),
    image=st.sampled_from([INDEX.digest]),
)
waivers = st.builds(
    make_waiver,
    scopes,
    number=st.integers(1, 9),
    expires=st.integers(1, 100).map(lambda hours: timedelta(hours=hours)),
    ends_with_fix=st.sampled_from(EndsWithFix),
)
allowing = policies.map(lambda policy: waiving(policy, LENIENT))


def bare(decision: Decision) -> Decision:
    """A decision without its notes."""
    return replace(
        decision,
        results=tuple(
            replace(r, violations=tuple(replace(v, notes=()) for v in r.violations))
            for r in decision.results
        ),
    )


@given(dossiers(), allowing, st.lists(waivers, max_size=4))
def test_waivers_never_deny(dossier: Dossier, policy: Policy, given_: list[Waiver]) -> None:
    before, after = judge(dossier, policy), judge(with_waivers(dossier, *given_), policy)
    assert (before.verdict, after.verdict) != (Verdict.ALLOW, Verdict.DENY)


@given(dossiers(), allowing, st.lists(waivers, max_size=4), st.data())
def test_their_order_changes_nothing(
    dossier: Dossier, policy: Policy, given_: list[Waiver], data: st.DataObject
) -> None:
    turned = data.draw(st.permutations(given_))
    assert judge(with_waivers(dossier, *given_), policy) == judge(
        with_waivers(dossier, *turned), policy
    )


@given(dossiers(), allowing, st.lists(waivers, max_size=3), waivers, st.integers(0, 200))
def test_one_that_does_not_count_is_as_none(
    dossier: Dossier, policy: Policy, others: list[Waiver], one: Waiver, hours: int
) -> None:
    without = bare(judge(with_waivers(dossier, *others), policy))
    for useless in (
        replace(one, approved_at=None, approved_by="", approval=None),
        replace(one, approved_by=REQUESTER),
        replace(one, approved_by="somebody"),
        replace(one, requested_by=(REQUESTER, APPROVER.upper())),
        replace(one, ended=WaiverState.REVOKED, ended_by="carol", ended_at=AT),
        replace(one, terms=replace(one.terms, expires_at=AT - timedelta(hours=hours))),
        replace(one, approved_at=AT + SECOND * (hours + 1)),
    ):
        assert bare(judge(with_waivers(dossier, *others, useless), policy)) == without
    unwaivable = waiving(policy, None)
    assert bare(judge(with_waivers(dossier, one), unwaivable)) == bare(judge(dossier, unwaivable))


@given(dossiers(), allowing, waivers)
def test_they_bear_only_what_they_name(dossier: Dossier, policy: Policy, one: Waiver) -> None:
    decision = judge(with_waivers(dossier, one), policy)
    scope = one.scope
    for result in decision.results:
        for violation in result.violations:
            if not violation.waiver:
                continue
            assert scope.rule in {"", result.rule}
            assert not scope.environments or "prod" in scope.environments
            if scope.vulnerability or scope.package:
                assert violation.finding is not None
                assert concerns(scope, violation.finding)
            else:
                assert scope.rule


@given(dossiers(), allowing, waivers)
def test_an_irrelevant_one_changes_nothing(dossier: Dossier, policy: Policy, one: Waiver) -> None:
    for elsewhere in (
        replace(one.scope, environments=("staging",)),
        replace(one.scope, vulnerability="CVE-0-0"),
        replace(one.scope, repository="registry.test/another"),
    ):
        other = replace(one, terms=replace(one.terms, scope=elsewhere))
        assert judge(with_waivers(dossier, other), policy) == judge(dossier, policy)


@given(dossiers(), allowing, st.lists(waivers, min_size=1, max_size=3))
def test_the_allow_ends_with_the_first_that_it_needs(
    dossier: Dossier, policy: Policy, given_: list[Waiver]
) -> None:
    found = with_waivers(dossier, *given_)
    decision = judge(found, policy)
    if decision.verdict is not Verdict.ALLOW or decision.holds_until is None:
        return
    used = {e.digest for e in decision.evidence if e.kind is EvidenceKind.WAIVER}
    ends = [w.terms.expires_at for w in given_ if w.approval in used]
    assert all(decision.holds_until < end for end in ends)
    at_last = judge(found, policy, after=decision.holds_until - AT)
    assert at_last.verdict is Verdict.ALLOW


@given(dossiers(), allowing, waivers)
def test_exactly_its_second_ends_it(dossier: Dossier, policy: Policy, one: Waiver) -> None:
    found = with_waivers(dossier, one)
    end = one.terms.expires_at - AT
    after = judge(found, policy, after=end)
    assert bare(after) == bare(judge(dossier, policy, after=end))
    never_softer(judge(found, policy, after=end - MOMENT), after)


@given(dossiers(), allowing, st.lists(waivers, max_size=4))
def test_a_name_that_no_registry_has_it_under_bears_nothing(
    dossier: Dossier, policy: Policy, given_: list[Waiver]
) -> None:
    """Whatever it is called; and one that is of no repository goes on to count."""
    own = [
        replace(w, terms=replace(w.terms, scope=replace(w.terms.scope, repository=INDEX.name)))
        for w in given_
    ]
    called = replace(dossier, names=(INDEX.name,), repositories=())
    with_them = judge(with_waivers(called, *own), policy)
    assert not [v for r in with_them.results for v in r.violations if v.waiver]
    never_softer(judge(with_waivers(dossier, *own), policy), with_them)
