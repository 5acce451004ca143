"""What is known less of a finding never lets an image through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from supplychain.gate.policy import Policy
from supplychain.model.dossier import Dossier, RecordedFinding
from supplychain.model.exploitation import Exploitation, KnownExploit
from supplychain.model.finding import Severity
from tests.kit.policies import make_policy
from tests.unit.gate.test_properties import (
    RULES,
    dossiers,
    judge,
    never_softer,
    with_platform,
)

ABOUT_FINDINGS = [rule for rule in RULES if rule.startswith(("vulnerabilities", "freshness"))]
policies = st.lists(st.sampled_from(ABOUT_FINDINGS), min_size=1, max_size=3, unique=True).map(
    lambda rules: make_policy(*rules)
)


def known_less(recorded: RecordedFinding) -> Iterator[RecordedFinding]:
    """The finding without one thing that is known of it."""
    finding = recorded.finding
    for changes in (
        {"ratings": ()},
        {"scores": ()},
        {"scores": tuple(replace(score, score=None) for score in finding.scores)},
        {"ratings": tuple(replace(r, severity=Severity.UNKNOWN) for r in finding.ratings)},
        {"severity": Severity.UNKNOWN, "severity_source": ""},
        {"published_at": None},
        {"purl": ""},
        {"path": ""},
    ):
        yield replace(recorded, finding=replace(finding, **changes))
    yield replace(recorded, fixable_at=None)


def worse(recorded: RecordedFinding) -> Iterator[RecordedFinding]:
    """The finding, by one word worse than it is."""
    finding = recorded.finding
    for rating in finding.ratings:
        raised = replace(rating, severity=Severity(min(rating.severity + 1, Severity.UNKNOWN)))
        if raised.severity is not Severity.UNKNOWN:
            ratings = tuple(raised if r is rating else r for r in finding.ratings)
            yield replace(recorded, finding=replace(finding, ratings=ratings))
    if finding.severity is not Severity.UNKNOWN:
        yield replace(recorded, finding=replace(finding, severity=Severity(finding.severity + 1)))
    for score in finding.scores:
        higher = replace(score, score=min(10.0, (score.score or 0) + 1))
        scores = tuple(higher if s is score else s for s in finding.scores)
        yield replace(recorded, finding=replace(finding, scores=scores))


@given(dossiers(), policies, st.data())
def test_what_is_known_less_or_worse_never_allows(
    dossier: Dossier, policy: Policy, data: st.DataObject
) -> None:
    found = [(p, n) for p in dossier.platforms for n in range(len(p.findings))]
    if not found:
        return
    platform, number = data.draw(st.sampled_from(found))
    before = judge(dossier, policy)
    recorded = platform.findings[number]
    for changed in (*known_less(recorded), *worse(recorded)):
        rest = platform.findings[number + 1 :]
        findings = (*platform.findings[:number], changed, *rest)
        after = with_platform(dossier, replace(platform, findings=findings))
        never_softer(before, judge(after, policy))


@given(dossiers(), policies, st.data())
def test_a_feed_that_says_less_or_worse_never_allows(
    dossier: Dossier, policy: Policy, data: st.DataObject
) -> None:
    said = dossier.exploitation
    exploited = KnownExploit(f"CVE-{data.draw(st.integers(1, 6))}", date(2020, 1, 1), None, False)
    less = [
        Exploitation(),
        replace(said, epss=None),
        replace(said, kev=None),
        replace(said, known=None),
        replace(said, chances=()),
        replace(said, chances=said.chances[1:]),
        replace(said, chances=tuple(replace(c, score=1.0, percentile=1.0) for c in said.chances)),
    ]
    if said.known is not None:
        less.append(replace(said, known=(*said.known, exploited)))
    before = judge(dossier, policy)
    for lesser in less:
        never_softer(before, judge(replace(dossier, exploitation=lesser), policy))
