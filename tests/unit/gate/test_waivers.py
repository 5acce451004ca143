"""Which waivers count: judged at the decision, whatever the record says of them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from supplychain.errors import InputError, PolicyError
from supplychain.gate.evaluate import evaluate
from supplychain.gate.policy import Policy
from supplychain.gate.waiver_scope import require_scope
from supplychain.gate.waiver_terms import WaiverRules
from supplychain.model.decision import Decision, Outcome, Verdict
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier
from supplychain.model.evidence import EvidenceKind
from supplychain.model.finding import Severity
from supplychain.model.subject import Platform
from supplychain.model.waiver import EndsWithFix, Waiver, WaiverScope, WaiverState
from tests.kit.policies import (
    ARM_SUBJECT,
    INDEX,
    known,
    load,
    make_dossier,
    make_index,
    make_platform,
    make_policy,
)
from tests.kit.scans import AT, SUBJECT, make_component, make_finding
from tests.kit.waivers import (
    APPROVER,
    DAY,
    OPENSSL,
    REQUESTER,
    RULES,
    SCOPE,
    make_waiver,
    waiving,
    with_waivers,
)

HIGH = known()
POLICY = waiving(make_policy("vulnerabilities: {severity: high}", "sbom: {}"))
MOMENT = timedelta(microseconds=1)


def judge(
    *waivers: Waiver,
    dossier: Dossier | None = None,
    policy: Policy = POLICY,
    after: timedelta = timedelta(),
) -> Decision:
    found = dossier or make_dossier(make_platform(findings=[HIGH]))
    found = with_waivers(found, *waivers)
    return evaluate(found, policy, subject=found.subject, environment="prod", at=AT + after)


def notes(decision: Decision) -> str:
    return " / ".join(note for r in decision.results for v in r.violations for note in v.notes)


def test_a_waiver_bears_what_it_names() -> None:
    waiver = make_waiver()
    decision = judge(waiver)
    assert decision.verdict is Verdict.ALLOW
    (result,) = [r for r in decision.results if r.rule == "vulnerabilities"]
    assert result.outcome is Outcome.WAIVED
    assert [v.waiver for v in result.violations] == ["WV-17"]
    assert "waived by bob until 2026-01-25T12:00:00Z: nobody parses PKCS12 here" in notes(decision)
    used = [e for e in decision.evidence if e.kind is EvidenceKind.WAIVER]
    assert [(e.digest, e.produced_at) for e in used] == [(waiver.approval, waiver.approved_at)]


def test_it_holds_to_the_last_moment_before_its_second_and_no_longer() -> None:
    waiver = make_waiver()
    ends = waiver.terms.expires_at
    allowed = judge(waiver)
    assert allowed.holds_until == ends - MOMENT
    assert judge(waiver, after=ends - MOMENT - AT).verdict is Verdict.ALLOW
    after = judge(waiver, after=ends - AT)
    assert after.verdict is Verdict.DENY
    assert "WV-17 expired 0 s ago" in notes(after)


def test_it_counts_from_its_approval_and_never_before() -> None:
    waiver = make_waiver(approved=-DAY)
    before = judge(waiver, after=DAY - MOMENT)
    assert before.verdict is Verdict.DENY
    assert "WV-17 counts only from 2026-01-16T12:00:00Z" in notes(before)
    assert judge(waiver, after=DAY).verdict is Verdict.ALLOW


NO_WAIVERS = waiving(POLICY, None)
OTHER_APPROVER = waiving(POLICY, replace(RULES, approvers=("dora",)))


@pytest.mark.parametrize(
    ("waiver", "policy", "note"),
    [
        (make_waiver(approved=None), POLICY, "WV-17 is not approved: ask bob or carol"),
        (
            make_waiver(approved=None, requested_by=("Bob",)),
            POLICY,
            "WV-17 is not approved: ask carol",
        ),
        (make_waiver(approved_by=REQUESTER), POLICY, "WV-17 is approved by its requester, alice"),
        (make_waiver(approved_by="ALICE"), POLICY, "WV-17 is approved by its requester, ALICE"),
        (
            make_waiver(requested_by=(REQUESTER, APPROVER)),
            POLICY,
            "WV-17 is approved by its requester, bob",
        ),
        (make_waiver(approved_by="eve"), POLICY, "approved by eve, no approver of the policy"),
        (make_waiver(), OTHER_APPROVER, "approved by bob, no approver of the policy for prod"),
        (make_waiver(), NO_WAIVERS, "the policy for prod lets nobody waive anything"),
        (
            make_waiver(expires=29 * DAY),
            POLICY,
            "WV-17 lasts 31 d, and the policy allows 30 d for what is high",
        ),
        (
            make_waiver(),
            waiving(POLICY, WaiverRules((APPROVER,), (("low", 90 * DAY),))),
            "the policy lets nobody waive what is high",
        ),
        (
            make_waiver(ended=WaiverState.REVOKED, ended_by="carol", ended_at=AT - DAY),
            POLICY,
            "WV-17 was revoked by carol, 1 d ago",
        ),
        (
            make_waiver(ended=WaiverState.REJECTED, ended_by="carol", ended_at=AT - DAY),
            POLICY,
            "WV-17 was rejected by carol",
        ),
        (
            make_waiver(ends_with_fix=EndsWithFix.FINDING),
            POLICY,
            "WV-17 ended: 3.0.13-1~deb12u1 repairs libssl3",
        ),
    ],
)
def test_one_that_does_not_count_is_as_none_and_says_why(
    waiver: Waiver, policy: Policy, note: str
) -> None:
    decision, without = judge(waiver, policy=policy), judge(policy=policy)
    assert decision.verdict is without.verdict is Verdict.DENY
    assert decision.remedies == without.remedies
    assert decision.evidence == without.evidence
    assert note in notes(decision)


@pytest.mark.parametrize(
    "scope",
    [
        replace(SCOPE, vulnerability="CVE-2020-1"),
        replace(SCOPE, package="pkg:deb/debian/libssl1"),
        replace(SCOPE, versions="=3.0.11-1~deb12u1"),
        replace(SCOPE, versions=">3.0.11-1~deb12u2"),
        replace(SCOPE, rule="sbom"),
        replace(SCOPE, repository="registry.test/shop/other"),
        replace(SCOPE, image=INDEX.digest),
        replace(SCOPE, environments=("staging",)),
    ],
)
def test_it_bears_nothing_else(scope: WaiverScope) -> None:
    assert judge(make_waiver(scope)) == judge()


@pytest.mark.parametrize(
    "scope",
    [
        WaiverScope(vulnerability="CVE-2024-0727"),
        replace(SCOPE, versions="*"),
        replace(SCOPE, versions="<3.0.13"),
        replace(SCOPE, versions="vers:deb/<3.0.13"),
        replace(SCOPE, rule="vulnerabilities", repository=SUBJECT.name, image=SUBJECT.digest),
        replace(SCOPE, environments=("prod", "staging")),
        WaiverScope(rule="vulnerabilities", package=OPENSSL),
        WaiverScope(rule="vulnerabilities", image=SUBJECT.digest),
    ],
)
def test_whatever_it_names_has_to_fit_and_does(scope: WaiverScope) -> None:
    require_scope(scope)
    assert judge(make_waiver(scope)).verdict is Verdict.ALLOW


def test_an_alias_is_the_vulnerability_too() -> None:
    finding = make_finding(vulnerability_id="GHSA-1", aliases=("CVE-2024-0727",))
    dossier = make_dossier(make_platform(findings=[known(finding)]))
    assert judge(make_waiver(), dossier=dossier).verdict is Verdict.ALLOW


def test_a_moved_file_keeps_it_and_an_upgraded_package_does_not() -> None:
    def found(**changes: Any) -> Dossier:
        part = make_component("django", "2.2", ecosystem="python-pkg", **changes)
        finding = make_finding(part, path=part.path)
        return make_dossier(make_platform(findings=[known(finding)]))

    waiver = make_waiver(replace(SCOPE, package="pkg:pypi/Django", versions="=2.2"))
    assert judge(waiver, dossier=found()).verdict is Verdict.ALLOW
    assert judge(waiver, dossier=found(path="opt/elsewhere")).verdict is Verdict.ALLOW
    part = make_component("django", "2.3", ecosystem="python-pkg")
    upgraded = make_dossier(make_platform(findings=[known(make_finding(part))]))
    assert judge(waiver, dossier=upgraded).verdict is Verdict.DENY


def test_one_for_a_platforms_image_bears_what_is_wrong_with_that_platform() -> None:
    index = make_index(findings=[HIGH])
    of_arm = make_waiver(replace(SCOPE, image=ARM_SUBJECT.digest))
    of_amd = make_waiver(replace(SCOPE, image=SUBJECT.digest))
    of_both = make_waiver(replace(SCOPE, image=INDEX.digest))
    verdicts = [judge(w, dossier=index).verdict for w in (of_arm, of_amd, of_both)]
    assert verdicts == [Verdict.ALLOW, Verdict.DENY, Verdict.ALLOW]
    assert all(isinstance(p.platform, Platform) for p in index.platforms)


@pytest.mark.parametrize(
    ("scope", "verdict"),
    [
        (WaiverScope(rule="sbom", repository=SUBJECT.name), Verdict.ALLOW),
        (WaiverScope(rule="sbom", image=SUBJECT.digest), Verdict.ALLOW),
        (WaiverScope(rule="sbom", package=OPENSSL, image=SUBJECT.digest), Verdict.DENY),
        (WaiverScope(rule="sbom"), Verdict.DENY),
        (WaiverScope(rule="vulnerabilities", image=SUBJECT.digest), Verdict.DENY),
        (WaiverScope(vulnerability="CVE-2024-0727", image=SUBJECT.digest), Verdict.DENY),
    ],
)
def test_missing_evidence_is_borne_by_who_names_rule_and_image(
    scope: WaiverScope, verdict: Verdict
) -> None:
    dossier = make_dossier(make_platform(sbom=None))
    assert judge(make_waiver(scope), dossier=dossier).verdict is verdict


@pytest.mark.parametrize("names", [(), (SUBJECT.name,)])
def test_the_name_of_a_file_or_a_daemons_tag_is_no_repository(names: tuple[str, ...]) -> None:
    """Whoever has the file chooses what it is called, and what is recorded of it says so."""
    scope = WaiverScope(rule="sbom", repository=SUBJECT.name)
    dossier = make_dossier(make_platform(sbom=None))
    local = replace(dossier, names=names, repositories=("elsewhere.test/web",))
    decision = judge(make_waiver(scope), dossier=local)
    assert decision.verdict is Verdict.DENY
    said = f"WV-17 does not count: no registry is known to have it there: supplychain run {SUBJECT}"
    assert said in notes(decision)
    # What it is called last plays no part where a registry has it.
    moved = replace(
        dossier, subject=replace(SUBJECT, name="shop"), repositories=("a.test/b", SUBJECT.name)
    )
    assert judge(make_waiver(scope), dossier=moved).verdict is Verdict.ALLOW


def test_what_was_never_recorded_and_what_has_no_policy_no_waiver_bears() -> None:
    waiver = make_waiver(WaiverScope(rule="sbom", image=SUBJECT.digest))
    dossier = with_waivers(make_dossier(), waiver)
    asked = {"subject": SUBJECT, "environment": "prod", "at": AT}
    assert evaluate(dossier, None, **asked).verdict is Verdict.DENY  # type: ignore[arg-type]
    assert evaluate(None, POLICY, **asked).verdict is Verdict.DENY  # type: ignore[arg-type]
    unjudged = replace(POLICY, platforms=(Platform("linux", "s390x"),))
    assert judge(waiver, policy=unjudged).verdict is Verdict.DENY


def test_what_stands_above_all_rules_no_waiver_bears() -> None:
    policy = waiving(make_policy(f"images: {{digests: [{SUBJECT.digest}]}}", "sbom: {}"))
    waiver = make_waiver(WaiverScope(rule="images", image=SUBJECT.digest))
    decision = judge(waiver, dossier=make_dossier(), policy=policy)
    assert decision.verdict is Verdict.DENY
    assert "WV-17 does not count: rule images cannot be waived" in notes(decision)


def test_each_reason_needs_its_own_and_the_longest_counts() -> None:
    other = known(make_finding(vulnerability_id="CVE-2024-9999"))
    dossier = make_dossier(make_platform(findings=[HIGH, other]))
    short, long = make_waiver(number=1, expires=DAY), make_waiver(number=2, expires=5 * DAY)
    half = judge(short, long, dossier=dossier)
    assert half.verdict is Verdict.DENY
    assert [v.message[:13] for v in half.violations] == ["CVE-2024-9999"]
    second = make_waiver(replace(SCOPE, vulnerability="CVE-2024-9999"), number=3, expires=9 * DAY)
    whole = judge(second, short, long, dossier=dossier)
    assert whole.verdict is Verdict.ALLOW
    assert whole.holds_until == long.terms.expires_at - MOMENT
    assert {v.waiver for r in whole.results for v in r.violations} == {"WV-2", "WV-3"}


def test_one_may_end_for_all_that_it_names_when_one_of_that_is_repaired() -> None:
    scope = WaiverScope(rule="vulnerabilities", package=OPENSSL)
    unfixed = known(make_finding(vulnerability_id="CVE-1-1", fixed_version=""))
    fixed = known(make_finding(vulnerability_id="CVE-1-2", severity=Severity.LOW))
    waiver = make_waiver(scope, ends_with_fix=EndsWithFix.ALL)
    before = make_dossier(make_platform(findings=[unfixed]))
    assert judge(waiver, dossier=before).verdict is Verdict.ALLOW
    after = make_dossier(make_platform(findings=[unfixed, fixed]))
    decision = judge(waiver, dossier=after)
    assert decision.verdict is Verdict.DENY
    assert "WV-17 ended: CVE-1-2 of libssl3 can be repaired" in notes(decision)
    of_each = make_waiver(scope, ends_with_fix=EndsWithFix.FINDING)
    assert judge(of_each, dossier=after).verdict is Verdict.ALLOW


def test_what_is_borne_asks_for_no_upgrade() -> None:
    other = known(make_finding(vulnerability_id="CVE-2024-9999", fixed_version="9.9"))
    dossier = make_dossier(make_platform(findings=[HIGH, other]))
    waiver = make_waiver(replace(SCOPE, vulnerability="CVE-2024-9999"))
    (remedy,) = judge(waiver, dossier=dossier).remedies
    assert "3.0.13-1~deb12u1" in remedy


def test_a_rule_that_only_warns_needs_none() -> None:
    warning = make_policy("sbom: {}", "{vulnerabilities: {severity: high}, warn: true}")
    decision = judge(make_waiver(), policy=waiving(warning))
    assert decision.verdict is Verdict.ALLOW
    assert decision.holds_until is None


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (WaiverScope(), "the waiver would be about everything"),
        (WaiverScope(environments=("prod",)), "everything"),
        (WaiverScope(rule="sbom"), "rule sbom, whatever it finds"),
        (WaiverScope(package=OPENSSL), "everything"),
        (WaiverScope(image=SUBJECT.digest), "everything"),
        (WaiverScope(rule="sbomm", image=SUBJECT.digest), "not a rule"),
        (WaiverScope(rule="images", image=SUBJECT.digest), "rule images cannot be waived"),
        (WaiverScope(vulnerability="everything"), "is not the ID of a vulnerability"),
        (replace(SCOPE, package="pkg:deb/debian/*"), "more than one package"),
        (replace(SCOPE, package="openssl"), "not a package URL"),
        (replace(SCOPE, versions=">>1"), "not a range of versions"),
        (WaiverScope(vulnerability="CVE-1-1", versions="=1"), "no package"),
        (replace(SCOPE, environments=("a b",)), "cannot name an environment"),
    ],
)
def test_a_scope_that_says_too_little_is_refused(scope: WaiverScope, words: str) -> None:
    with pytest.raises(InputError, match=words) as refused:
        require_scope(scope)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("{approvers: [bob]}", "needs 'max'"),
        ("{max: {high: 30d}}", "needs 'approvers'"),
        ("{approvers: [bob], max: {}}", "expected periods by severity"),
        ("{approvers: [bob], max: {hihg: 30d}}", "not a severity"),
        ("{approvers: [bob], max: {high: forever}}", "not a duration"),
        ("{approvers: [], max: {high: 30d}}", "the list is empty"),
        ("{approvers: [bob], max: {high: 30d}, forever: true}", "knows no 'forever'"),
    ],
)
def test_a_policy_says_who_and_for_how_long(written: str, words: str) -> None:
    document = f"schemaVersion: 1\nenvironment: prod\nrules: [sbom: {{}}]\nwaivers: {written}\n"
    with pytest.raises(PolicyError, match=words):
        load(document)


def test_the_policy_that_the_docs_show_is_one() -> None:
    page = Path(__file__).parents[3] / "docs" / "waivers.md"
    (shown,) = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    rules = load(shown).waivers
    assert rules is not None
    assert rules.longest(Severity.LOW) == 30 * DAY
    assert rules.longest(Severity.UNKNOWN) is None


def test_what_a_policy_says_of_waivers_is_in_its_digest() -> None:
    document = (
        "schemaVersion: 1\nenvironment: prod\nrules: [sbom: {}]\n"
        "waivers: {approvers: [bob], max: {critical: 14d, high: 30d}}\n"
    )
    policy = load(document)
    assert policy.waivers == WaiverRules(("bob",), (("critical", 14 * DAY), ("high", 30 * DAY)))
    assert load(policy.canonical().decode()) == policy
    assert policy.digest != replace(policy, waivers=None).digest
    periods = [policy.waivers.longest(s) for s in (*Severity, None)]
    assert periods == [30 * DAY] * 4 + [14 * DAY, None, None]
    assert isinstance(policy.digest, Digest)
