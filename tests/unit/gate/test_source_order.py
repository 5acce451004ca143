"""An order of sources: what it means that one of them says nothing, and what it never means."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from supplychain.gate.evaluate import evaluate
from supplychain.gate.rating import severity_of
from supplychain.model.decision import Decision, Verdict
from supplychain.model.dossier import Dossier
from supplychain.model.finding import Finding, Rating, Severity
from tests.kit.policies import known, make_dossier, make_platform, make_policy
from tests.kit.scans import AT, make_finding

SOURCES = ("debian", "ghsa", "nvd")
severities = st.sampled_from(Severity)
ratings = st.lists(
    st.builds(Rating, st.sampled_from([*SOURCES, "redhat"]), severities),
    unique_by=lambda r: r.source,
)
findings = st.builds(lambda said: make_finding(ratings=tuple(said)), ratings)
orders = st.permutations(SOURCES).flatmap(
    lambda all_of: st.integers(1, len(all_of)).map(lambda count: tuple(all_of[:count]))
)


def judge(dossier: Dossier, limit: Severity, sources: tuple[str, ...]) -> Decision:
    policy = make_policy(f"vulnerabilities: {{severity: {limit}, sources: [{', '.join(sources)}]}}")
    return evaluate(dossier, policy, subject=dossier.subject, environment="prod", at=AT)


def found(finding: Finding) -> Dossier:
    return make_dossier(make_platform(findings=[known(finding)]))


def without(finding: Finding, *sources: str) -> Finding:
    left = tuple(r for r in finding.ratings if r.source not in sources)
    return replace(finding, ratings=left)


limits = st.sampled_from([s for s in Severity if s is not Severity.UNKNOWN])


@given(findings, limits, st.sampled_from(SOURCES))
def test_one_source_that_says_nothing_is_the_worst(
    finding: Finding, limit: Severity, source: str
) -> None:
    """Who names one source has it that what is known less is never judged milder."""
    before = judge(found(finding), limit, (source,))
    for count in range(1, len(finding.ratings) + 1):
        for gone in combinations([r.source for r in finding.ratings], count):
            after = judge(found(without(finding, *gone)), limit, (source,))
            assert (before.verdict, after.verdict) != (Verdict.DENY, Verdict.ALLOW)


@given(findings, limits, orders)
def test_only_the_source_that_decides_is_heard(
    finding: Finding, limit: Severity, sources: tuple[str, ...]
) -> None:
    """Whatever else is not said, or said otherwise, changes no verdict."""
    _, decides = severity_of(finding, sources)
    before = judge(found(finding), limit, sources)
    later = {r.source for r in finding.ratings} - {decides}
    for one in later:
        assert judge(found(without(finding, one)), limit, sources).verdict is before.verdict


@given(findings, limits, orders)
def test_what_one_no_longer_says_is_asked_of_the_next_and_nothing_else(
    finding: Finding, limit: Severity, sources: tuple[str, ...]
) -> None:
    """As if the policy did not name it; and where nobody is left it is the worst."""
    _, decides = severity_of(finding, sources)
    rest = tuple(s for s in sources if s != decides)
    after = judge(found(without(finding, decides)), limit, sources)
    if rest:
        assert after.verdict is judge(found(finding), limit, rest).verdict
    silent = judge(found(without(finding, *sources)), limit, sources)
    assert silent.verdict is Verdict.DENY


@given(findings, limits, orders)
def test_a_report_that_is_gone_takes_every_rating_with_it_and_denies(
    finding: Finding, limit: Severity, sources: tuple[str, ...]
) -> None:
    """What is on record is the report; nobody can take a rating out of it."""
    bare = make_dossier(make_platform(scan=None))
    assert judge(bare, limit, sources).verdict is Verdict.DENY
    assert judge(found(finding), limit, sources).evidence
