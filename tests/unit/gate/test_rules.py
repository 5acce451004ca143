"""What each rule looks at, up to which instant it is satisfied, and what it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from supplychain.gate.evaluate import evaluate
from supplychain.gate.policy import Policy
from supplychain.model.decision import Decision, RuleResult, Verdict
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, RecordedFinding
from supplychain.model.evidence import EvidenceKind
from supplychain.model.finding import Severity
from supplychain.model.subject import Platform
from tests.kit.policies import (
    ARM,
    ARM_SUBJECT,
    OTHER_KEY,
    attest_sbom,
    known,
    make_attestation,
    make_dossier,
    make_index,
    make_platform,
    make_policy,
    make_sbom,
)
from tests.kit.scans import AT, DATABASE, SUBJECT, make_component, make_finding, make_scan

DAY = timedelta(days=1)
JUST_AFTER = timedelta(microseconds=1)
DJANGO = make_component("Django", "2.2", ecosystem="python-pkg")
CRITICAL = make_finding(
    DJANGO,
    vulnerability_id="CVE-2019-19844",
    severity=Severity.CRITICAL,
    fixed_version="1.11.27, 2.2.9, 3.0.1",
)


def judge(
    dossier: Dossier, *rules: str, after: timedelta = timedelta(), platforms: str = ""
) -> Decision:
    policy = make_policy(*rules, platforms=platforms)
    return evaluate(dossier, policy, subject=dossier.subject, environment="prod", at=AT + after)


def result(decision: Decision) -> RuleResult:
    """What the only rule said, beside the platforms."""
    platforms, said = decision.results
    assert platforms.rule == "platforms"
    return said


def having(*findings: RecordedFinding) -> Dossier:
    return make_dossier(make_platform(findings=findings))


class TestSignature:
    RULE = "signature: {keys: [release.pub, next.pub]}"

    def test_any_one_of_the_keys_suffices_and_the_latest_signature_is_shown(self) -> None:
        early = make_attestation(verified_at=AT - 3 * DAY)
        late = replace(
            make_attestation(verified_at=AT - 2 * DAY), envelope=Digest.of(b"another bundle")
        )
        foreign = make_attestation(key=OTHER_KEY)
        decision = judge(make_dossier(attestations=[early, foreign, late]), self.RULE)
        assert decision.verdict is Verdict.ALLOW
        assert result(decision).summary == "signed with release.pub, 2 d ago"
        (cited,) = decision.evidence
        assert (cited.kind, cited.digest) == (EvidenceKind.SIGNATURE, late.envelope)
        assert cited.age_seconds == 2 * 86400

    def test_the_trusted_time_of_signing_counts_before_that_of_verifying(self) -> None:
        signed = make_attestation(signed_at=AT - 9 * DAY)
        assert "9 d ago" in result(judge(make_dossier(attestations=[signed]), self.RULE)).summary

    def test_an_index_needs_its_own_signature(self) -> None:
        of_children = [make_attestation(SUBJECT), make_attestation(ARM_SUBJECT)]
        index = make_index()
        assert judge(index, self.RULE).verdict is Verdict.ALLOW
        unsigned = replace(index, attestations=tuple(of_children))
        assert judge(unsigned, self.RULE).verdict is Verdict.DENY

    def test_the_remedy_names_the_keys_and_the_digest(self) -> None:
        decision = judge(make_dossier(attestations=()), self.RULE)
        assert decision.remedies == (
            f"sign it with release.pub or next.pub: supplychain sign {SUBJECT} --key FILE",
        )


class TestSbom:
    def test_without_keys_a_recorded_sbom_suffices(self) -> None:
        decision = judge(make_dossier(make_platform(attestations=())), "sbom: {}")
        assert decision.verdict is Verdict.ALLOW
        assert result(decision).summary == "1 component, CycloneDX 1.6"
        assert [e.kind for e in decision.evidence] == [EvidenceKind.SBOM]

    def test_with_keys_the_attestation_is_evidence_too(self) -> None:
        sbom = make_sbom(component_count=412)
        dossier = make_dossier(make_platform(sbom=sbom, attestations=[attest_sbom(sbom)]))
        decision = judge(dossier, "sbom: {keys: [release.pub]}")
        assert result(decision).summary == "412 components, CycloneDX 1.6, attested"
        assert {e.digest for e in decision.evidence} == {
            sbom.evidence.digest,
            attest_sbom(sbom).envelope,
        }


class TestFreshness:
    RULE = "freshness: {scan: 24h, database: 26h}"

    def test_it_holds_to_the_last_instant_and_no_longer(self) -> None:
        decision = judge(make_dossier(), self.RULE)
        # The database was built six hours before the scan.
        assert decision.holds_until == DATABASE.updated_at + timedelta(hours=26)
        left = timedelta(hours=20)
        assert judge(make_dossier(), self.RULE, after=left).verdict is Verdict.ALLOW
        late = judge(make_dossier(), self.RULE, after=left + JUST_AFTER)
        assert late.verdict is Verdict.DENY
        assert [v.message for v in late.violations] == [
            "vulnerability database 1 d 2 h old, limit 1 d 2 h"
        ]

    def test_both_limits_are_reported_with_what_to_do(self) -> None:
        decision = judge(make_dossier(), self.RULE, after=3 * DAY + timedelta(hours=4))
        assert [v.message for v in decision.violations] == [
            "scanned 3 d 4 h ago, limit 1 d",
            "vulnerability database 3 d 10 h old, limit 1 d 2 h",
        ]
        assert decision.remedies == (
            f"supplychain run {SUBJECT}",
            f"supplychain vulndb pull, then supplychain run {SUBJECT}",
        )
        assert all(v.evidence and v.evidence.age_seconds == 76 * 3600 for v in decision.violations)

    def test_one_limit_alone_leaves_the_other_age_alone(self) -> None:
        old = make_dossier(make_platform(scan=make_scan(produced_at=AT - 9 * DAY)))
        decision = judge(old, "freshness: {database: 7h}")
        assert decision.verdict is Verdict.ALLOW
        assert result(decision).summary == "vulnerability database 6 h old"

    def test_the_oldest_platform_counts(self) -> None:
        arm = make_platform(
            ARM_SUBJECT,
            platform=ARM,
            scan=make_scan(subject=ARM_SUBJECT, produced_at=AT - timedelta(hours=5)),
        )
        decision = judge(make_dossier(make_platform(), arm), "freshness: {scan: 24h}")
        assert result(decision).summary == "scanned 5 h ago"
        assert decision.holds_until == AT + timedelta(hours=19)

    def test_clocks_may_differ_by_a_minute(self) -> None:
        ahead = make_dossier(make_platform(scan=make_scan(produced_at=AT + timedelta(seconds=59))))
        decision = judge(ahead, "freshness: {scan: 24h}")
        assert decision.verdict is Verdict.ALLOW
        assert result(decision).summary == "scanned 0 s ago"


class TestVulnerabilities:
    def test_a_violation_names_everything(self) -> None:
        old = make_scan(produced_at=AT - timedelta(hours=2))
        dossier = make_dossier(make_platform(scan=old, findings=[known(CRITICAL, for_=214 * DAY)]))
        decision = judge(dossier, "vulnerabilities: {severity: critical, grace: 7d}")
        (violation,) = decision.violations
        assert violation.message == (
            "CVE-2019-19844 critical (ghsa) in Django 2.2, fixed in 1.11.27, 2.2.9, 3.0.1, "
            "usr/lib/python3/site-packages/Django-2.2.dist-info/METADATA, known 214 d, grace 7 d"
        )
        assert violation.remedy == "upgrade Django 2.2 to 2.2.9 or later"
        assert violation.finding == CRITICAL
        assert violation.first_seen_at == AT - 214 * DAY
        assert violation.evidence is not None
        assert violation.evidence.age_seconds == 7200
        assert result(decision).summary == "1 of 1 findings critical or worse"

    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            ("severity: critical", {"CVE-5", "CVE-4"}),
            ("severity: high", {"CVE-5", "CVE-4", "CVE-3"}),
            ("severity: negligible", {"CVE-5", "CVE-4", "CVE-3", "CVE-2", "CVE-1", "CVE-0"}),
            ("severity: medium, fixable: true", {"CVE-4", "CVE-2"}),
            ("severity: medium, fixable: false", {"CVE-5", "CVE-3"}),
        ],
    )
    def test_severity_and_fixable_select_and_unrated_is_worst(
        self, rule: str, expected: set[str]
    ) -> None:
        findings = [
            known(
                make_finding(
                    vulnerability_id=f"CVE-{severity.value}",
                    severity=severity,
                    fixed_version="" if severity % 2 else "9",
                )
            )
            for severity in Severity
        ]
        decision = judge(having(*findings), f"vulnerabilities: {{{rule}}}")
        assert ids(decision) == expected

    def test_the_worst_comes_first(self) -> None:
        findings = [
            known(make_finding(vulnerability_id=name, severity=severity))
            for name, severity in [
                ("CVE-2", Severity.HIGH),
                ("CVE-9", Severity.CRITICAL),
                ("CVE-1", Severity.HIGH),
                ("CVE-3", Severity.UNKNOWN),
            ]
        ]
        decision = judge(having(*findings), "vulnerabilities: {severity: high}")
        order = [v.finding.vulnerability_id for v in decision.violations if v.finding]
        assert order == ["CVE-3", "CVE-9", "CVE-1", "CVE-2"]

    RULE = "vulnerabilities: {severity: high, grace: 7d}"

    def test_grace_is_counted_shown_and_ends_at_its_instant(self) -> None:
        dossier = having(
            known(make_finding(vulnerability_id="CVE-1"), for_=5 * DAY),
            known(make_finding(vulnerability_id="CVE-2"), for_=2 * DAY),
        )
        decision = judge(dossier, self.RULE)
        assert decision.verdict is Verdict.ALLOW
        assert result(decision).summary == (
            "0 of 2 findings high or worse; 2 in grace, which ends for the first in 2 d"
        )
        assert decision.holds_until == AT + 2 * DAY
        assert judge(dossier, self.RULE, after=2 * DAY).verdict is Verdict.ALLOW
        assert ids(judge(dossier, self.RULE, after=2 * DAY + JUST_AFTER)) == {"CVE-1"}

    def test_a_finding_is_known_since_its_scan_whatever_the_record_says(self) -> None:
        # Had the clock that wrote first_seen_at run ahead, the grace must not grow with it.
        scan = make_scan(produced_at=AT - 8 * DAY)
        ahead = RecordedFinding(make_finding(), first_seen_at=AT + 300 * DAY)
        dossier = make_dossier(make_platform(scan=scan, findings=[ahead]))
        assert judge(dossier, self.RULE).verdict is Verdict.DENY

    def test_the_platform_is_named_where_there_are_several(self) -> None:
        rule = "vulnerabilities: {severity: high}"
        index = make_index(findings=[known()])
        assert [v.platform for v in judge(index, rule).violations] == [ARM]
        alone = make_dossier(make_platform(findings=[known()]))
        assert [v.platform for v in judge(alone, rule).violations] == [None]


def ids(decision: Decision) -> set[str]:
    return {v.finding.vulnerability_id for v in decision.violations if v.finding}


class TestPlatforms:
    RULE = "vulnerabilities: {severity: high}"

    def test_a_platform_that_does_not_run_there_is_left_aside_and_said_so(self) -> None:
        index = make_index(findings=[known()])
        decision = judge(index, self.RULE, platforms="linux/amd64")
        assert decision.verdict is Verdict.ALLOW
        assert decision.results[0].summary == "linux/amd64; not run here: linux/arm64"
        assert len(decision.evidence) == 1

    @pytest.mark.parametrize(
        ("asked", "verdict"),
        [
            ("linux/arm", Verdict.ALLOW),
            ("linux/arm/v7", Verdict.ALLOW),
            ("linux/arm/v6", Verdict.DENY),
            ("windows/arm", Verdict.DENY),
        ],
    )
    def test_no_variant_asks_for_every_variant(self, asked: str, verdict: Verdict) -> None:
        arm = replace(ARM, architecture="arm", variant="v7")
        dossier = make_dossier(make_platform(platform=arm))
        assert judge(dossier, self.RULE, platforms=asked).verdict is verdict

    @pytest.mark.parametrize(
        ("asked", "architecture", "variant"),
        [
            ("linux/amd64", "x86_64", None),
            ("linux/amd64", "AMD64", "v1"),
            ("linux/arm64", "aarch64", None),
            ("linux/arm64/v8", "arm64", None),
            ("linux/arm/v7", "arm", None),
            ("linux/arm/v7", "arm", "7"),
            ("linux/arm/v6", "armel", None),
            ("linux/386", "i386", None),
        ],
    )
    def test_a_platform_that_a_runtime_takes_for_the_asked_one_is_judged(
        self, asked: str, architecture: str, variant: str | None
    ) -> None:
        """Beside a sound image of the usual spelling it would run, and nobody had judged it."""
        spelt = Platform("linux", architecture, variant)
        sound = make_platform(ARM_SUBJECT, platform=Platform.parse(asked))
        vulnerable = make_platform(platform=spelt, findings=[known()])
        index = replace(make_index(), platforms=(vulnerable, sound))
        assert judge(index, self.RULE, platforms=asked).verdict is Verdict.DENY

    def test_with_nothing_to_judge_no_rule_claims_to_be_satisfied(self) -> None:
        decision = judge(make_index(), self.RULE, "sbom: {}", platforms="linux/s390x")
        assert [r.rule for r in decision.results] == ["platforms"]

    def test_an_asked_platform_that_is_missing_does_not_hide_what_the_others_have(self) -> None:
        index = make_index(findings=[known()])
        decision = judge(index, self.RULE, platforms="linux/s390x, linux/arm64")
        assert [r.rule for r in decision.results if r.violations] == [
            "platforms",
            "vulnerabilities",
        ]


def test_one_remedy_for_a_package_over_all_rules() -> None:
    high = make_finding(
        DJANGO, vulnerability_id="CVE-2022-28346", fixed_version="2.2.28, 3.2.13, 4.0.4"
    )
    unfixed = [
        make_finding(DJANGO, vulnerability_id=name, fixed_version="", severity=Severity.CRITICAL)
        for name in ("CVE-3", "CVE-4")
    ]
    decision = judge(
        having(*map(known, [CRITICAL, high, *unfixed])),
        "vulnerabilities: {severity: critical}",
        "vulnerabilities: {severity: high, fixable: true}",
    )
    assert decision.remedies == (
        "upgrade Django 2.2 to 2.2.28 or later",
        "remove or replace Django 2.2: no fix is known for CVE-3 (1 more)",
    )


def test_the_databases_are_those_of_the_scans_consulted() -> None:
    assert judge(make_index(), "freshness: {scan: 24h}").databases == (DATABASE.digest,)
    assert judge(make_index(), "sbom: {}").databases == ()


def test_the_decision_names_what_was_asked_and_by_what_it_was_judged() -> None:
    policy: Policy = make_policy("sbom: {}")
    decision = judge(make_dossier(), "sbom: {}")
    assert decision.subject == SUBJECT
    assert decision.environment == "prod"
    assert decision.policy == policy.digest
    assert decision.decided_at == AT
