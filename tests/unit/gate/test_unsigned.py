"""Unsigned documents that a policy names: they fill gaps, and soften nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.errors import PolicyError
from supplychain.gate.decision_document import to_document
from supplychain.gate.evaluate import evaluate
from supplychain.gate.inputs import Inputs
from supplychain.gate.inputs import to_document as inputs_document
from supplychain.gate.policy import Policy
from supplychain.gate.replay import replay
from supplychain.model.decision import Decision, Verdict
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, Need, PlatformDossier
from supplychain.model.evidence import CLAIM
from supplychain.model.finding import Finding, Severity
from supplychain.model.unsigned import UNKNOWN_DATABASE, Claimed, Told
from tests.kit.policies import known, load, make_dossier, make_platform, make_sbom
from tests.kit.scans import AT, SUBJECT, make_component, make_finding, make_scan

HOUR = timedelta(hours=1)
CI = "machine:shop-ci"
NAMED = "claims: [{by: ['machine:shop-.*'], kinds: [scan, sbom]}]\n"
BAD = make_finding(vulnerability_id="CVE-2026-1", severity=Severity.CRITICAL)
WORSE = make_finding(vulnerability_id="CVE-2026-2", severity=Severity.CRITICAL)


def policy(*rules: str, claims: str = NAMED) -> Policy:
    head = "schemaVersion: 1\nenvironment: prod\n" + claims + "rules:\n"
    return load(head + "".join(f"  - {rule}\n" for rule in rules))


def scanned(*findings: Finding, by: str = CI, ago: timedelta = HOUR) -> Claimed:
    report = f"{by} {ago} {[f.vulnerability_id for f in findings]}".encode()
    made = make_scan(findings=findings, produced_at=AT - ago, report=report)
    evidence = replace(made.evidence, verified_by=f"{CLAIM}{by}")
    scan = replace(made, evidence=evidence, database=UNKNOWN_DATABASE)
    return Claimed(by, AT - ago, Told(scan=scan))


def described(by: str = CI) -> Claimed:
    made = make_sbom(document=by.encode(), component_count=9)
    evidence = replace(made.evidence, verified_by=f"{CLAIM}{by}")
    return Claimed(by, AT - HOUR, Told(sbom=replace(made, evidence=evidence)))


def bare(*claims: Claimed) -> PlatformDossier:
    return replace(make_platform(scan=None, sbom=None), components=(), claims=claims)


def judge(platform: PlatformDossier, by: Policy) -> Decision:
    dossier = make_dossier(platform)
    return evaluate(dossier, by, subject=SUBJECT, environment="prod", at=AT)


def told(decision: Decision) -> str:
    return to_document(decision).decode()


def test_a_claim_stands_in_for_what_nobody_verified_and_is_named_as_one() -> None:
    demands = policy("freshness: {scan: 24h}", "vulnerabilities: {severity: critical}", "sbom: {}")
    decision = judge(bare(scanned(), described()), demands)

    assert decision.verdict is Verdict.ALLOW
    scan = f"the scan is claimed by {CI}, unsigned, handed in 1 h ago"
    notes = {result.rule: result.notes for result in decision.results}
    assert notes["freshness"] == notes["vulnerabilities"] == (scan,)
    assert notes["sbom"] == (f"the SBOM is claimed by {CI}, unsigned, handed in 1 h ago",)
    assert len(decision.evidence) == 2
    assert decision.databases == ()


@pytest.mark.parametrize(
    "claims",
    [
        "",
        "claims: [{by: [machine:other], kinds: [scan, sbom]}]\n",
        "claims: [{by: ['machine:shop'], kinds: [scan, sbom]}]\n",
        "claims: [{by: ['machine:shop-.*'], kinds: [sbom]}]\n",
    ],
)
def test_whom_the_policy_does_not_name_changes_not_a_byte(claims: str) -> None:
    demands = policy("freshness: {scan: 24h}", claims=claims)
    decision = judge(bare(scanned()), demands)
    assert decision.verdict is Verdict.DENY
    assert told(decision) == told(judge(bare(), demands))


def test_it_is_as_old_as_it_says() -> None:
    decision = judge(bare(scanned(ago=30 * HOUR)), policy("freshness: {scan: 24h}"))
    [reason] = decision.violations
    assert reason.message == "scanned 1 d 6 h ago, limit 1 d"


def test_nobody_says_how_old_its_database_was() -> None:
    demands = policy("freshness: {scan: 24h, database: 48h}")
    [reason] = judge(bare(scanned()), demands).violations
    assert reason.message == "nobody says with which vulnerability database it was scanned"


def test_nobody_says_whether_it_looked_for_secrets() -> None:
    [reason] = judge(bare(scanned()), policy("secrets: {}")).violations
    assert reason.message == "the scan did not look for secrets"


def test_an_expression_sees_that_it_is_a_claim() -> None:
    demands = policy("""expression: {cel: "scan.claimed_by == null"}""")
    assert judge(bare(scanned()), demands).verdict is Verdict.DENY
    verified = make_platform()
    assert judge(replace(verified, claims=(scanned(),)), demands).verdict is Verdict.ALLOW


def test_what_was_verified_stays_and_what_is_found_besides_counts_too() -> None:
    demands = policy("vulnerabilities: {severity: critical}")
    stale = make_platform(findings=[known(BAD)])
    both = judge(replace(stale, claims=(scanned(WORSE),)), demands)

    assert [v.finding for v in both.violations] == [BAD, WORSE]
    verified, claimed = both.violations
    assert verified.notes == ()
    assert claimed.notes == (f"claimed by {CI}, unsigned",)
    assert claimed.evidence is not None
    assert claimed.evidence.digest != (verified.evidence and verified.evidence.digest)
    clean = judge(replace(stale, claims=(scanned(),)), demands)
    assert [v.finding for v in clean.violations] == [BAD]


def test_a_claim_refreshes_no_scan_that_was_verified() -> None:
    stale = make_platform(scan=make_scan(produced_at=AT - 30 * HOUR, components=()))
    decision = judge(replace(stale, claims=(scanned(),)), policy("freshness: {scan: 24h}"))
    assert decision.verdict is Verdict.DENY


def test_of_several_callers_every_finding_counts() -> None:
    demands = policy("vulnerabilities: {severity: critical}")
    claims = scanned(BAD, by="machine:shop-a", ago=2 * HOUR), scanned(by="machine:shop-b")
    for ordered in (claims, claims[::-1]):
        [reason] = judge(bare(*ordered), demands).violations
        assert reason.finding == BAD
        assert reason.notes == ("claimed by machine:shop-a, unsigned",)


def test_handing_in_anew_begins_no_grace_anew() -> None:
    demands = policy("vulnerabilities: {severity: critical, grace: 7d}")
    fresh = replace(BAD, published_at=AT - 3 * HOUR)
    assert judge(bare(scanned(fresh)), demands).verdict is Verdict.ALLOW
    old = replace(BAD, published_at=AT - timedelta(days=8))
    assert judge(bare(scanned(old)), demands).verdict is Verdict.DENY
    unknown = replace(BAD, published_at=None)
    since = replace(bare(scanned(unknown)), recorded_at=AT - timedelta(days=8))
    assert judge(since, demands).verdict is Verdict.DENY


def test_a_decision_that_rests_on_a_claim_comes_out_again() -> None:
    demands = policy("vulnerabilities: {severity: critical}", "sbom: {}")
    dossier = make_dossier(bare(scanned(WORSE), described()))
    inputs = inputs_document(Inputs(SUBJECT, "prod", demands.digest, dossier))
    decision = evaluate(dossier, demands, subject=SUBJECT, environment="prod", at=AT)
    document = to_document(replace(decision, inputs=Digest.of(inputs)))
    assert replay(document, inputs, load(demands.canonical().decode())).verdict is Verdict.DENY


def test_only_policies_that_name_somebody_need_claims() -> None:
    assert Need.CLAIMS in policy("sbom: {}").needs
    assert Need.CLAIMS not in policy("sbom: {}", claims="").needs


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ("[{by: ['.*'], kinds: [scan]}]", "takes anybody's word"),
        ("[{by: ['machine:.*'], kinds: [scan]}]", "takes anybody's word"),
        ("[{by: ['(']  , kinds: [scan]}]", "is not a pattern"),
        ("[{by: [ci], kinds: [signature]}]", "is not a kind of unsigned document"),
        ("[{by: [ci]}]", "needs 'kinds'"),
        ("[]", "the list is empty"),
    ],
)
def test_what_takes_anybodys_word_is_refused(claims: str, why: str) -> None:
    with pytest.raises(PolicyError, match=why):
        policy("sbom: {}", claims=f"claims: {claims}\n")


RULES = (
    "freshness: {scan: 24h}",
    "vulnerabilities: {severity: critical}",
    "vulnerabilities: {severity: low, grace: 2d}",
    "sbom: {components: 2}",
    "packages: {required: [pkg:pypi/part2]}",
    """expression: {cel: "findings.exists(f, f.severity == 'high')"}""",
    """expression: {cel: "scan.tool == 'trivy'"}""",
    "secrets: {}",
)
severities = st.sampled_from([Severity.LOW, Severity.HIGH, Severity.CRITICAL])
found = st.lists(
    st.builds(
        lambda number, severity: make_finding(
            make_component(f"part{number}", "1.0", ecosystem="python-pkg"),
            vulnerability_id=f"CVE-{number}",
            severity=severity,
        ),
        st.integers(1, 3),
        severities,
    ),
    max_size=3,
)
hours = st.integers(0, 48).map(lambda count: count * HOUR)
claims = st.lists(
    st.one_of(
        st.builds(
            lambda findings, ago, by: scanned(*findings, by=by, ago=ago),
            found,
            hours,
            st.sampled_from([CI, "machine:shop-b", "mallory"]),
        ),
        st.sampled_from([described(), described("mallory")]),
    ),
    max_size=3,
)
policies = st.lists(st.sampled_from(RULES), min_size=1, max_size=3, unique=True).map(
    lambda rules: policy(*rules)
)


@st.composite
def verified(draw: st.DrawFn) -> PlatformDossier:
    """A platform with a verified scan and an SBOM, whatever they say."""
    scan = make_scan(produced_at=AT - draw(hours), components=())
    parts = [make_component("part2", "1.0", ecosystem="python-pkg")]
    return make_platform(
        scan=scan,
        findings=[known(finding) for finding in draw(found)],
        sbom=make_sbom(component_count=draw(st.integers(1, 3))),
        components=draw(st.sampled_from([parts, []])),
    )


@given(verified(), claims, policies)
def test_no_claim_softens_what_was_verified(
    platform: PlatformDossier, said: list[Claimed], demands: Policy
) -> None:
    before = judge(platform, demands)
    after = judge(replace(platform, claims=tuple(said)), demands)
    assert (before.verdict, after.verdict) != (Verdict.DENY, Verdict.ALLOW)
    assert set(before.violations) <= {replace(v, notes=v.notes) for v in after.violations}


@given(verified(), claims, policies)
def test_claims_that_nobody_named_change_not_a_byte(
    platform: PlatformDossier, said: list[Claimed], demands: Policy
) -> None:
    unnamed = replace(demands, claims=())
    more = replace(platform, claims=tuple(said))
    assert told(judge(more, unnamed)) == told(judge(platform, unnamed))


@given(claims, claims, policies)
def test_another_claim_never_hides_a_finding(
    said: list[Claimed], more: list[Claimed], demands: Policy
) -> None:
    only = replace(demands, rules=policy(RULES[1]).rules)
    before, after = judge(bare(*said), only), judge(bare(*said, *more), only)
    reasons = {v.finding for v in before.violations if v.finding}
    assert reasons <= {v.finding for v in after.violations}


@given(st.permutations([scanned(BAD), scanned(WORSE, by="machine:shop-b"), described()]), policies)
def test_their_order_changes_nothing(said: list[Claimed], demands: Policy) -> None:
    first = sorted(said, key=lambda one: (one.caller, str(one.told)))
    assert told(judge(bare(*said), demands)) == told(judge(bare(*first), demands))


def test_a_dossier_without_claims_is_that_of_before() -> None:
    dossier: Dossier = make_dossier()
    assert all(platform.claims == () for platform in dossier.platforms)
