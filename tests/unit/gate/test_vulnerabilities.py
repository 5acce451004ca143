"""The rule `vulnerabilities`, beyond severity, fix and grace: see `test_rules.py` for those."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from supplychain.errors import PolicyError
from supplychain.gate.essence import essence_of
from supplychain.gate.evaluate import evaluate
from supplychain.gate.feeds import Exploits
from supplychain.gate.rating import severity_of
from supplychain.model.decision import Decision, Verdict
from supplychain.model.dossier import Dossier, Need, RecordedFinding
from supplychain.model.evidence import EvidenceKind
from supplychain.model.exploitation import Exploitation
from supplychain.model.finding import UNEXAMINED, CvssScore, Finding, Rating, Severity
from tests.kit.policies import (
    known,
    make_dossier,
    make_exploitation,
    make_platform,
    make_policy,
)
from tests.kit.scans import AT, SUBJECT, make_component, make_finding, make_scan

DAY = timedelta(days=1)
JUST_AFTER = timedelta(microseconds=1)
LOG4J = make_component("log4j-core", "2.14.1", ecosystem="python-pkg", path="app/lib/log4j")
RATINGS = (
    Rating("debian", Severity.LOW),
    Rating("ghsa", Severity.CRITICAL),
    Rating("nvd", Severity.HIGH),
    Rating("redhat", Severity.UNKNOWN),
)
SCORES = (
    CvssScore("ghsa", 3, 9.8, "CVSS:3.1/ghsa"),
    CvssScore("nvd", 2, 5.0, "AV:N"),
    CvssScore("nvd", 3, 7.5, "CVSS:3.1/nvd"),
    CvssScore("redhat", 4, 6.9, "CVSS:4.0/redhat"),
)
BLIND = make_finding(
    vulnerability_id="END-OF-LIFE",
    severity=Severity.UNKNOWN,
    severity_source="",
    fixed_version="",
    status=UNEXAMINED,
    purl="",
    package="debian",
    installed_version="8",
)


def rated(**changes: Any) -> Finding:
    changed: dict[str, Any] = {
        "severity": Severity.MEDIUM,
        "ratings": RATINGS,
        "scores": SCORES,
    } | changes
    return make_finding(LOG4J, vulnerability_id="CVE-2021-44228", **changed)


def having(*findings: Finding | RecordedFinding, said: Exploitation | None = None) -> Dossier:
    recorded = [f if isinstance(f, RecordedFinding) else known(f) for f in findings]
    dossier = make_dossier(make_platform(findings=recorded))
    return replace(dossier, exploitation=said or Exploitation())


def judge(dossier: Dossier, rule: str, *, at: datetime = AT) -> Decision:
    policy = make_policy(f"vulnerabilities: {{{rule}}}")
    return evaluate(dossier, policy, subject=SUBJECT, environment="prod", at=at)


def denies(dossier: Dossier, rule: str) -> bool:
    return judge(dossier, rule).verdict is Verdict.DENY


def message(decision: Decision) -> str:
    (violation,) = decision.violations
    return violation.message


def summary(decision: Decision) -> str:
    return next(r.summary for r in decision.results if r.rule == "vulnerabilities")


class TestSources:
    @pytest.mark.parametrize(
        ("sources", "expected"),
        [
            ([], (Severity.MEDIUM, "ghsa")),
            (["debian"], (Severity.LOW, "debian")),
            (["nvd", "debian"], (Severity.HIGH, "nvd")),
            (["redhat", "ubuntu", "ghsa"], (Severity.CRITICAL, "ghsa")),
            (["redhat", "ubuntu"], (Severity.UNKNOWN, "")),
        ],
    )
    def test_the_first_that_rates_it_decides(
        self, sources: list[str], expected: tuple[Severity, str]
    ) -> None:
        assert severity_of(rated(severity_source="ghsa"), sources) == expected

    def test_the_violation_has_the_severity_that_was_judged_by_and_all_others(self) -> None:
        decision = judge(having(rated()), "severity: high, sources: [nvd, debian]")
        (violation,) = decision.violations
        assert violation.message.startswith("CVE-2021-44228 high (nvd) in log4j-core 2.14.1")
        assert violation.finding == rated(severity=Severity.HIGH, severity_source="nvd")
        assert not denies(having(rated()), "severity: high, sources: [debian, nvd]")

    def test_without_a_rating_of_theirs_it_is_the_worst(self) -> None:
        decision = judge(having(rated(ratings=())), "severity: critical, sources: [nvd]")
        assert message(decision).startswith("CVE-2021-44228 unknown (not rated by nvd) in")


class TestCvss:
    @pytest.mark.parametrize(
        ("rule", "denied"),
        [
            ("cvss: 6.9", True),
            ("cvss: 7.0", False),  # version 4 comes first
            ("cvss: 7.6, cvss_versions: [3]", True),  # the highest, where nobody is named
            ("cvss: 9.9, cvss_versions: [3]", False),
            ("cvss: 7.6, cvss_versions: [3], sources: [nvd, ghsa]", False),
            ("cvss: 7.5, cvss_versions: [3], sources: [nvd, ghsa]", True),
            ("cvss: 7.6, sources: [ghsa, nvd]", True),
            ("cvss: 5.1, cvss_versions: [2, 3]", False),
            ("cvss: 10, sources: [debian]", True),  # has no score
            ("severity: high, cvss: 6.0", False),  # both
            ("severity: medium, cvss: 6.0", True),
        ],
    )
    def test_versions_and_sources_in_their_order(self, rule: str, denied: bool) -> None:
        assert denies(having(rated()), rule) is denied

    def test_it_says_the_score_and_the_vector(self) -> None:
        decision = judge(having(rated()), "cvss: 6.0")
        assert "medium (ghsa), CVSS 6.9 (redhat) in log4j-core" in message(decision)
        assert decision.violations[0].notes == ("CVSS 6.9 (redhat): CVSS:4.0/redhat",)

    def test_a_vector_without_a_score_is_none(self) -> None:
        unscored = rated(scores=(CvssScore("nvd", 3, None, "CVSS:3.1/…"),))
        assert "CVSS unknown" in message(judge(having(unscored), "cvss: 10"))


class TestEpss:
    SAID = make_exploitation(epss={"CVE-2021-44228": 0.25})

    @pytest.mark.parametrize(
        ("rule", "denied"),
        [
            ("epss: 0.25", True),
            ("epss: 0.26", False),
            ("epss_percentile: 0.5", True),
            ("epss_percentile: 0.51", False),
            ("epss: 0.2, epss_percentile: 0.9", False),
            ("epss: 0.2, severity: critical", False),
        ],
    )
    def test_a_finding_that_is_likely_to_be_exploited(self, rule: str, denied: bool) -> None:
        assert denies(having(rated(), said=self.SAID), rule) is denied

    def test_it_says_how_likely_and_cites_the_edition(self) -> None:
        decision = judge(having(rated(), said=self.SAID), "epss: 0.1")
        assert "medium (ghsa), EPSS 0.25 in log4j-core" in message(decision)
        assert decision.violations[0].notes == ("EPSS 0.25, higher than 50.0% of all",)
        (feed,) = [e for e in decision.evidence if e.kind is EvidenceKind.FEED]
        assert self.SAID.epss
        assert (feed.digest, feed.age_seconds) == (self.SAID.epss.digest, 6 * 3600)

    def test_another_name_will_do(self) -> None:
        named = replace(rated(aliases=("CVE-2021-44228",)), vulnerability_id="GHSA-1")
        assert not denies(having(named, said=self.SAID), "epss: 0.5")

    def test_what_is_not_known_counts_as_likely_and_says_why(self) -> None:
        rule = "epss: 0.9, feed_age: 2d"
        other = make_exploitation(epss={"CVE-2021-44229": 0.25})
        decision = judge(having(rated(), said=other), rule)
        assert decision.violations[0].notes == ("EPSS does not know CVE-2021-44228",)
        decision = judge(having(rated()), rule)
        assert decision.violations[0].notes == ("no EPSS feed is recorded",)
        assert "all count as likely to be exploited: no EPSS feed is recorded" in summary(decision)

    def test_an_allow_ends_when_the_edition_is_too_old(self) -> None:
        dossier = having(rated(), said=self.SAID)
        allowed = judge(dossier, "epss: 0.5, feed_age: 2d")
        assert allowed.verdict is Verdict.ALLOW
        end = AT + 2 * DAY - timedelta(hours=6)
        assert allowed.holds_until == end
        assert judge(dossier, "epss: 0.5, feed_age: 2d", at=end + JUST_AFTER).verdict is (
            Verdict.DENY
        )

    def test_what_is_spared_and_in_grace_is_borne_till_both_have_ended(self) -> None:
        dossier = having(rated(), said=self.SAID)
        allowed = judge(dossier, "epss: 0.5, feed_age: 2d, grace: 9d")
        assert allowed.holds_until == AT + 9 * DAY
        assert "in grace" not in summary(allowed)

    def test_only_who_asks_needs_the_feeds(self) -> None:
        asked = {
            rule: make_policy(f"vulnerabilities: {{{rule}}}").needs
            for rule in ("severity: low", "epss: 0.5", "epss_percentile: 0.5", "kev: true")
        }
        assert [Need.EXPLOITATION in needs for needs in asked.values()] == [False, True, True, True]


class TestKev:
    SAID = make_exploitation(kev=("CVE-2021-44228",))

    def test_only_what_is_exploited(self) -> None:
        decision = judge(having(rated(), make_finding(), said=self.SAID), "kev: true")
        assert "CVE-2021-44228 medium (ghsa), KEV in log4j-core" in message(decision)
        assert decision.violations[0].notes == ("in KEV since 2021-12-10, due 2021-12-24",)
        assert decision.violations[0].beside == ("KEV",)
        assert summary(decision) == "1 of 2 findings in KEV"
        assert [e.kind for e in decision.evidence] == [EvidenceKind.FEED, EvidenceKind.SCAN]

    def test_another_name_will_do(self) -> None:
        named = replace(rated(aliases=("CVE-2021-44228",)), vulnerability_id="GHSA-1")
        assert denies(having(named, said=self.SAID), "kev: true")

    def test_without_the_feed_even_an_image_without_findings_is_denied(self) -> None:
        decision = judge(having(), "kev: true")
        (violation,) = decision.violations
        assert (violation.message, violation.awaits) == (
            "no KEV feed is recorded",
            EvidenceKind.FEED,
        )
        assert violation.remedy == "supplychain feeds import kev FILE"

    def test_an_allow_ends_when_the_edition_is_too_old(self) -> None:
        allowed = judge(having(said=self.SAID), "kev: true, feed_age: 14d")
        assert allowed.holds_until == AT + 14 * DAY - timedelta(hours=6)

    def test_false_is_as_if_nothing_was_said(self) -> None:
        assert denies(having(rated()), "severity: medium, kev: false")


class TestGraceSince:
    def test_a_fix_is_counted_from_when_the_project_knew_one(self) -> None:
        rule = "severity: low, fixable: true, grace: 7d, since: fix"
        scan = make_scan(produced_at=AT)
        recorded = RecordedFinding(rated(), AT - 90 * DAY, AT - 5 * DAY)
        dossier = make_dossier(make_platform(scan=scan, findings=[recorded]))
        allowed = judge(dossier, rule)
        assert allowed.verdict is Verdict.ALLOW
        assert allowed.holds_until == AT + 2 * DAY
        denied = judge(dossier, rule, at=AT + 2 * DAY + JUST_AFTER)
        assert message(denied).endswith("known 92 d, a fix known 7 d, grace 7 d")

    def test_an_hour_later_it_is_the_same_decision(self) -> None:
        rule = "severity: low, fixable: true, grace: 7d, since: fix"
        dossier = having(RecordedFinding(rated(), AT - 90 * DAY, AT - 8 * DAY))
        later = judge(dossier, rule, at=AT + timedelta(hours=1))
        assert later.violations[0].beside == ("a fix known 8 d 1 h", "grace 7 d")
        assert essence_of(later) == essence_of(judge(dossier, rule))

    def test_where_nobody_knows_since_when_it_is_since_the_finding_was_first_seen(self) -> None:
        rule = "severity: low, fixable: true, grace: 7d, since: fix"
        assert denies(having(RecordedFinding(rated(), AT - 8 * DAY)), rule)

    def test_publication(self) -> None:
        rule = "severity: low, grace: 100d, since: published"
        assert judge(having(rated()), rule).holds_until == AT + 10 * DAY
        decision = judge(having(rated(published_at=AT - 101 * DAY)), rule)
        assert message(decision).endswith("known 0 s, published 101 d ago, grace 100 d")
        assert denies(having(rated(published_at=None)), rule)

    def test_a_publication_to_come_begins_with_the_scan(self) -> None:
        dossier = having(rated(published_at=AT + 300 * DAY))
        decision = judge(dossier, "severity: low, grace: 1d, since: published")
        assert decision.holds_until == AT + DAY


class TestScopes:
    @pytest.mark.parametrize(
        ("rule", "denied"),
        [
            ("packages: ['pkg:pypi/log4j-core']", True),
            ("packages: ['pkg:pypi/log4j-*']", True),
            ("packages: ['pkg:pypi/other']", False),
            ("packages: [{purl: 'pkg:pypi/log4j-core', versions: '<2.17.1'}]", True),
            ("packages: [{purl: 'pkg:pypi/log4j-core', versions: '>=2.17.1'}]", False),
            ("except_packages: ['pkg:pypi/log4j-core']", False),
            ("except_packages: [{purl: 'pkg:pypi/log4j-core', versions: '>=2.17.1'}]", True),
            ("paths: ['app/**']", True),
            ("paths: ['/app/**']", True),
            ("paths: ['app/*']", False),
            ("paths: ['app/*/log4j']", True),
            ("paths: ['**/log4j']", True),
            ("paths: ['ap?/lib/log4?']", True),
            ("paths: ['usr/**']", False),
            ("except_paths: ['app/lib/**']", False),
            ("except_paths: ['app.lib/**']", True),
            ("paths: ['app/**'], except_packages: ['pkg:pypi/*']", False),
        ],
    )
    def test_packages_and_paths(self, rule: str, denied: bool) -> None:
        assert denies(having(rated()), f"severity: low, {rule}") is denied

    def test_nothing_is_left_out_in_silence(self) -> None:
        many = [rated(path=f"docs/{n:02}") for n in range(12)]
        decision = judge(having(*many, make_finding()), "severity: low, except_paths: ['docs/**']")
        assert summary(decision) == (
            "1 of 13 findings low or worse; left out: docs/00, docs/01, docs/02, docs/03, docs/04, "
            "docs/05, docs/06, docs/07, docs/08, docs/09 and 2 more"
        )

    def test_a_version_that_cannot_be_compared_is_not_left_out(self) -> None:
        odd = rated(purl="pkg:pypi/log4j-core@unheard-of")
        pattern = "[{purl: 'pkg:pypi/log4j-core', versions: '<2'}]"
        assert denies(having(odd), f"severity: low, packages: {pattern}")
        assert denies(having(odd), f"severity: low, except_packages: {pattern}")

    def test_what_has_no_path_is_left_out_only_of_the_operating_system(self) -> None:
        system, strange = make_finding(), rated(path="")
        assert not denies(having(system), "severity: low, paths: ['app/**']")
        assert denies(having(strange), "severity: low, paths: ['app/**']")
        assert denies(having(system, strange), "severity: low, except_paths: ['app/**']")


class TestBlindSpots:
    @pytest.mark.parametrize(
        "rule",
        [
            "severity: critical",
            "severity: critical, fixable: true",
            "severity: critical, sources: [nvd]",
            "cvss: 10",
            "epss: 0.99",
            "kev: true",
            "severity: low, paths: ['app/**']",
            "severity: low, except_packages: ['pkg:deb/debian/*']",
            "unexamined: true",
        ],
    )
    def test_what_nobody_could_examine_meets_every_condition(self, rule: str) -> None:
        said = make_exploitation(kev=())
        decision = judge(having(BLIND, said=said), rule)
        assert message(decision).startswith("END-OF-LIFE unknown in debian 8")

    def test_it_can_have_a_rule_of_its_own(self) -> None:
        decision = judge(having(BLIND, rated()), "severity: critical, unexamined: false")
        assert decision.verdict is Verdict.ALLOW
        assert summary(decision) == (
            "0 of 2 findings critical or worse; 1 that nobody could examine left to other rules"
        )
        decision = judge(having(BLIND, rated()), "unexamined: true, grace: 90d")
        assert decision.holds_until == AT + 90 * DAY
        assert summary(decision).startswith("0 of 2 findings that nobody could examine; 1 in grace")


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("fixable: true", "demands nothing"),
        ("kev: false", "demands nothing"),
        ("unexamined: false", "demands nothing"),
        ("severity: low, since: fix", "there is none"),
        ("severity: low, grace: 7d, since: fix", "would never begin"),
        ("severity: low, grace: 7d, since: fix, fixable: false", "would never begin"),
        ("kev: true, sources: [nvd]", "none is asked for"),
        ("severity: low, cvss_versions: [3]", "none is asked for"),
        ("severity: low, feed_age: 3d", "none is asked"),
        ("unexamined: true, kev: true", "neither fix nor score"),
        ("unexamined: true, paths: ['app/**']", "neither fix nor score"),
        ("severity: low, sources: [the NVD]", "cannot name a source"),
        ("severity: low, sources: []", "the list is empty"),
        ("cvss: 11", "not a CVSS score"),
        ("cvss: 0", "not a CVSS score"),
        ("cvss: high", "not a CVSS score"),
        ("cvss: .inf", "not a CVSS score"),
        ("cvss: 7, cvss_versions: [5]", "not a version of CVSS"),
        ("epss: 1.1", "not a share"),
        ("epss: 50", "not a share"),
        ("epss: -0.1", "not a share"),
        ("epss: 1e-3", "not a share"),
        ("severity: low, paths: ['**']", "means every path"),
        ("severity: low, paths: ['a*b*c*d*e*f*g*h*i*j']", "no pattern of paths"),
        ("severity: low, packages: [log4j]", "not a package URL"),
        ("severity: low, grace: 7d, since: yesterday", "not where grace begins"),
    ],
)
def test_what_demands_nothing_or_contradicts_itself_is_refused(rule: str, reason: str) -> None:
    with pytest.raises(PolicyError) as refused:
        make_policy(f"vulnerabilities: {{{rule}}}")
    assert reason in str(refused.value)


def test_a_dossier_that_was_read_without_the_need_denies() -> None:
    unread = replace(make_exploitation(kev=()), known=None)
    assert denies(having(said=unread), "kev: true")
    case_free = Exploits({}, {}, "", "", None, None)
    assert case_free.chance(rated()) is None


def test_feeds_can_be_demanded_to_be_fresh() -> None:
    said = make_exploitation(age=3 * DAY)
    dossier = replace(make_dossier(make_platform(scan=None)), exploitation=said)

    def judged(rule: str) -> Decision:
        policy = make_policy(f"freshness: {{{rule}}}")
        return evaluate(dossier, policy, subject=SUBJECT, environment="prod", at=AT)

    allowed = judged("epss: 4d, kev: 14d")
    assert allowed.verdict is Verdict.ALLOW
    assert allowed.holds_until == AT + DAY
    assert [r.summary for r in allowed.results if r.rule == "freshness"] == [
        "EPSS 3 d old; KEV 3 d old"
    ]
    assert [e.kind for e in allowed.evidence] == [EvidenceKind.FEED, EvidenceKind.FEED]
    denied = judged("epss: 2d, kev: 14d")
    assert message(denied) == "the EPSS feed is 3 d old, limit 2 d"
    assert denied.remedies == ("supplychain feeds import epss FILE",)
    both = judged("scan: 1d, kev: 14d")
    assert message(both) == "no scan is recorded"
