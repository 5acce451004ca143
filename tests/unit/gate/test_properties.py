"""What has to hold of every dossier, policy and instant."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from supplychain.gate.case import made_at
from supplychain.gate.decision_document import to_document
from supplychain.gate.durations import ageless
from supplychain.gate.essence import essence_of
from supplychain.gate.evaluate import evaluate
from supplychain.gate.inputs import Inputs
from supplychain.gate.inputs import to_document as inputs_document
from supplychain.gate.options import canonical_options
from supplychain.gate.policy import Policy
from supplychain.gate.replay import replay
from supplychain.model.component import Component
from supplychain.model.decision import Decision, Verdict
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, PlatformDossier, RecordedFinding
from supplychain.model.evidence import (
    SIGNATURE_PREDICATE,
    VULNERABILITY_PREDICATE,
    Sbom,
    VerifiedAttestation,
    VulnerabilityDatabase,
)
from supplychain.model.exploitation import Exploitation
from supplychain.model.finding import UNEXAMINED, CvssScore, Rating, Severity
from supplychain.model.identity import NameKind
from supplychain.model.image_config import Ancestor, Kinship, Variable
from supplychain.model.subject import Platform, Subject
from tests.kit.configured import BASE, SECRET, make_config, make_configured
from tests.kit.policies import (
    CI,
    INDEX,
    OTHER_KEY,
    PERSON,
    RELEASE_KEY,
    TRUST_CI,
    TRUST_PERSON,
    attest_sbom,
    load,
    make_attestation,
    make_dossier,
    make_exploitation,
    make_platform,
    make_policy,
    make_sbom,
)
from tests.kit.scans import AT, make_component, make_finding, make_scan

ARCHITECTURES = ("amd64", "arm64", "s390x")
_KEY = "{keys: [release.pub]}"
# What images are built upon, a month old.
UPON = Ancestor(BASE, Kinship.LAYERS, created_at=AT - timedelta(days=30))
RULES = (
    "image-config: {user: nonroot, environment_secrets: false}",
    "secrets: {severity: high}",
    "age: {max: 72h}",
    "age: {max: 72h, since: recorded}",
    r"base-image: {allowed: [{repository: registry\.test/base/.*}]}",
    r"base-image: {allowed: [{repository: registry\.test/base/.*}], max_age: 60d}",
    "images: {only: ['registry.test/.*']}",
    """expression: {cel: "findings.all(f, f.severity in ['low', 'medium'])"}""",
    """expression: {cel: "scan.tool == 'trivy' && sbom.component_count > 0"}""",
    "expression: {cel: 'attestations.exists(a, a.signature && a.logged)'}",
    "signature: {keys: [release.pub]}",
    "signature: {keys: [release.pub, other.pub]}",
    "sbom: {}",
    "sbom: {keys: [release.pub]}",
    "sbom: {quality: 80, elements: [version]}",
    "sbom: {allowed: [pkg:pypi/part1, {purl: pkg:pypi/part2, versions: '>=1.1'}, pkg:npm/*]}",
    "freshness: {scan: 24h}",
    "freshness: {scan: 72h, database: 96h}",
    "sbom: {any_of: [{keys: [release.pub]}, {keys: [other.pub], timestamp: required}]}",
    f"signature: {{identities: [{TRUST_CI}]}}",
    f"signature: {{keys: [other.pub], identities: [{TRUST_CI}, {TRUST_PERSON}]}}",
    f"signature: {{identities: [{TRUST_CI}], transparency_log: optional}}",
    f"signature: {{all_of: [{{keys: [release.pub]}}, {{identities: [{TRUST_CI}]}}]}}",
    f"signature: {{any_of: [{{keys: [release.pub]}}, {{identities: [{TRUST_CI}]}}]}}",
    "signature: {keys: [release.pub, other.pub], transparency_log: required}",
    "attestation: {type: vuln, keys: [release.pub], max_age: 3d}",
    f"attestation: {{type: vuln, max_age: 2d, any_of: [{_KEY}, {{identities: [{TRUST_CI}]}}]}}",
    f"attestation: {{type: vuln, max_age: 1d, all_of: [{_KEY}, {{identities: [{TRUST_CI}]}}]}}",
    'packages: {denied: [{purl: pkg:pypi/part1, versions: "<1.1"}, pkg:pypi/*-dev]}',
    "packages: {required: [pkg:pypi/part2@1.0]}",
    "licences: {allowed: [permissive]}",
    "licences: {denied: [strong-copyleft], unknown: allow, exclude: [pkg:pypi/part4]}",
    "vulnerabilities: {severity: critical}",
    "vulnerabilities: {severity: high, fixable: true, grace: 2d}",
    "vulnerabilities: {severity: low, fixable: false, grace: 4d}",
    "vulnerabilities: {severity: high, sources: [debian, nvd]}",
    "vulnerabilities: {severity: low, fixable: true, grace: 1d, since: fix}",
    "vulnerabilities: {severity: low, grace: 3d, since: published}",
    "vulnerabilities: {cvss: 7.5, cvss_versions: [3, 2]}",
    "vulnerabilities: {epss: 0.4, feed_age: 2d}",
    "vulnerabilities: {epss_percentile: 0.8, severity: medium, feed_age: 4d, grace: 1d}",
    "vulnerabilities: {kev: true, feed_age: 4d}",
    "vulnerabilities: {severity: low, packages: ['pkg:pypi/part1'], except_paths: ['usr/**/ME*']}",
    "vulnerabilities: {unexamined: true, grace: 2d}",
    "freshness: {epss: 2d, kev: 4d}",
)
LICENCES = (("MIT OR GPL-3.0-only",), ("MIT", "GPL-3.0-only"), ("AGPL-3+",), ("Odd",), ())
JUST_AFTER = timedelta(microseconds=1)

# Mostly fresh, so that both verdicts come up in every property.
hours = (st.integers(0, 12) | st.integers(0, 120)).map(lambda n: timedelta(hours=n))
keys = st.sampled_from([[RELEASE_KEY], [RELEASE_KEY], [OTHER_KEY, RELEASE_KEY], [OTHER_KEY], []])
# Each is made once: making what is drawn from takes longer than drawing.
ages = st.none() | hours.map(lambda age: AT - age)
severities = st.sampled_from([Severity.LOW, *Severity])
fixes = st.sampled_from(["", "1.1", "1.2, 2.1"])
scores = st.sampled_from([0.1, 0.4, 0.9])
names = st.lists(st.sampled_from([f"CVE-{n}" for n in range(1, 7)]), unique=True)
versions = st.sampled_from(["1.0", "1.1", "2.0", "main"])
licences = st.sampled_from([("MIT",), ("MIT",), *LICENCES])
signers = st.sampled_from([RELEASE_KEY, OTHER_KEY])
predicates = st.sampled_from([SIGNATURE_PREDICATE, VULNERABILITY_PREDICATE])
identities = st.sampled_from([None, CI, CI, PERSON])
in_log = st.sampled_from([None, True, False])
lacks = st.sampled_from([0, 0, 1])
variables = st.sampled_from([Variable("PATH")] * 3 + [Variable("TOKEN", "its name")])
users = st.sampled_from(["1000", "1000", "1000", "0"])
leaks = st.sampled_from([[]] * 3 + [[SECRET]])
bases = st.sampled_from([[UPON]] * 3 + [[]])
several = st.lists(st.sampled_from(ARCHITECTURES), min_size=1, unique=True)


@st.composite
def findings(draw: st.DrawFn) -> RecordedFinding:
    number = draw(st.integers(1, 6))
    package = make_component(f"part{draw(st.integers(1, 3))}", "1.0", ecosystem="python-pkg")
    finding = make_finding(
        package,
        vulnerability_id=f"CVE-{number}",
        severity=draw(severities),
        fixed_version=draw(fixes),
        ratings=(Rating("debian", Severity(number - 1)), Rating("nvd", Severity(6 - number))),
        scores=(CvssScore("nvd", 2 + number % 3, number * 1.5, f"CVSS:{number}"),)[: number % 4],
        published_at=AT - timedelta(hours=number * 15),
    )
    if draw(st.integers(0, 9)) == 0:
        finding = replace(finding, severity=Severity.UNKNOWN, fixed_version="", status=UNEXAMINED)
    seen_at = AT - draw(hours)
    return RecordedFinding(finding, seen_at, draw(st.sampled_from([None, seen_at, AT])))


@st.composite
def feeds(draw: st.DrawFn) -> Exploitation:
    """Editions of any age, mostly young, that know some of the findings."""
    scored = {name: draw(scores) for name in draw(names)}
    said = make_exploitation(epss=scored, kev=draw(names), age=draw(hours))
    return draw(st.sampled_from([said] * 3 + [replace(said, epss=None), replace(said, kev=None)]))


@st.composite
def parts(draw: st.DrawFn) -> Component:
    """A package, mostly harmless; version, package URL and licence may be none that are known."""
    version = draw(versions)
    part = make_component(f"part{draw(st.integers(1, 4))}", version, ecosystem="python-pkg")
    return replace(
        part,
        purl=draw(st.sampled_from([part.purl, part.purl, part.purl, ""])),
        licences=draw(licences),
    )


@st.composite
def said(draw: st.DrawFn, subject: Subject, sbom: Sbom | None = None) -> list[VerifiedAttestation]:
    """Signatures, scans and an SBOM's attestations, by whomever and whenever."""
    made = [attest_sbom(sbom, key=key) for key in draw(keys)] if sbom else []
    made += [make_attestation(subject, key=key) for key in draw(keys)]
    for _ in range(draw(st.integers(0, 2))):
        made.append(
            make_attestation(
                subject,
                key=draw(signers),
                predicate_type=draw(predicates),
                identity=draw(identities),
                logged=draw(in_log),
                signed_at=draw(ages),
            )
        )
    return list({one.envelope: one for one in made}.values())


finding_lists = st.lists(findings(), max_size=3)
part_lists = st.lists(parts(), max_size=4, unique_by=lambda part: part.key)


@st.composite
def platforms(draw: st.DrawFn, architecture: str) -> PlatformDossier:
    subject = Subject("registry.test/shop/web", Digest.of(architecture.encode()))
    scanned_at = AT - draw(hours)
    database = VulnerabilityDatabase(Digest.of(b"database"), scanned_at - draw(hours))
    lacking = {"Version of the Component": draw(lacks)}
    sbom = make_sbom(subject, document=architecture.encode(), lacking=lacking)
    platform = make_platform(
        subject,
        platform=Platform("linux", architecture),
        scan=draw(
            st.sampled_from(
                [make_scan(subject=subject, produced_at=scanned_at, database=database)] * 4 + [None]
            )
        ),
        findings=draw(finding_lists),
        sbom=draw(st.sampled_from([sbom, sbom, sbom, None])),
        attestations=draw(said(subject, sbom)),
        components=draw(part_lists),
    )
    return draw(configurations(platform))


@st.composite
def configurations(draw: st.DrawFn, platform: PlatformDossier) -> PlatformDossier:
    """The platform with what it says about itself, mostly, and mostly nothing bad."""
    made = make_configured(
        platform,
        config=make_config(
            created_at=draw(ages),
            user=draw(users),
            environment=(draw(variables),),
        ),
        secrets=draw(leaks),
        ancestors=draw(bases),
        recorded_at=AT - draw(hours),
    )
    return draw(st.sampled_from([made] * 4 + [platform]))


@st.composite
def dossiers(draw: st.DrawFn) -> Dossier:
    chosen = draw(several)
    dossier = make_dossier(
        *(draw(platforms(architecture)) for architecture in chosen),
        subject=INDEX,
        attestations=draw(said(INDEX)),
    )
    return replace(dossier, exploitation=draw(feeds()))


policies = st.lists(st.sampled_from(RULES), min_size=1, max_size=4, unique=True).map(
    lambda rules: make_policy(*rules)
)


def judge(dossier: Dossier, policy: Policy, *, after: timedelta = timedelta()) -> Decision:
    return evaluate(dossier, policy, subject=dossier.subject, environment="prod", at=AT + after)


def never_softer(before: Decision, after: Decision) -> None:
    assert (before.verdict, after.verdict) != (Verdict.DENY, Verdict.ALLOW)


def with_platform(dossier: Dossier, platform: PlatformDossier) -> Dossier:
    return replace(
        dossier,
        platforms=tuple(
            platform if p.subject == platform.subject else p for p in dossier.platforms
        ),
    )


@given(dossiers(), policies, findings(), st.data())
def test_adding_a_finding_never_allows(
    dossier: Dossier, policy: Policy, finding: RecordedFinding, data: st.DataObject
) -> None:
    platform = data.draw(st.sampled_from(dossier.platforms))
    more = replace(platform, findings=(*platform.findings, finding))
    never_softer(judge(dossier, policy), judge(with_platform(dossier, more), policy))


@given(dossiers(), policies, parts(), st.data())
def test_adding_what_is_denied_never_allows(
    dossier: Dossier, policy: Policy, part: Component, data: st.DataObject
) -> None:
    denied = [rule for rule in policy.rules if "required" not in str(canonical_options(rule.rule))]
    policy = replace(policy, rules=tuple(denied) or make_policy("sbom: {}").rules)
    platform = data.draw(st.sampled_from(dossier.platforms))
    more = replace(
        platform,
        components=(*platform.components, part),
        component_count=platform.component_count + 1,
    )
    never_softer(judge(dossier, policy), judge(with_platform(dossier, more), policy))


@given(dossiers(), policies, st.sampled_from([("GPL-3.0-only",), ("Odd AND GPL-3+",)]), st.data())
def test_adding_a_licence_never_allows(
    dossier: Dossier, policy: Policy, more: tuple[str, ...], data: st.DataObject
) -> None:
    platform = data.draw(st.sampled_from(dossier.platforms))
    heavier = tuple(
        replace(p, licences=(*p.licences, *more)) for p in platform.components if p.licences
    )
    others = tuple(p for p in platform.components if not p.licences)
    worse = replace(platform, components=(*heavier, *others))
    never_softer(judge(dossier, policy), judge(with_platform(dossier, worse), policy))


@given(dossiers(), policies, st.data())
def test_adding_a_secret_or_a_forbidden_base_never_allows(
    dossier: Dossier, policy: Policy, data: st.DataObject
) -> None:
    forbidden = make_policy(r"base-image: {forbidden: [{repository: evil\.test/.*}]}")
    policy = replace(policy, rules=(*policy.rules, *forbidden.rules))
    platform = data.draw(st.sampled_from(dossier.platforms))
    before = judge(dossier, policy)
    bad = Ancestor(Subject("evil.test/x", Digest.of(b"x")), Kinship.LABEL)
    worse = [
        replace(platform, secrets=(*(platform.secrets or ()), SECRET))
        if platform.secrets
        else platform,
        replace(platform, ancestors=(*platform.ancestors, bad)),
    ]
    for one in worse:
        never_softer(before, judge(with_platform(dossier, one), policy))


@given(dossiers(), policies, st.data())
def test_removing_evidence_never_allows(
    dossier: Dossier, policy: Policy, data: st.DataObject
) -> None:
    platform = data.draw(st.sampled_from(dossier.platforms))
    gone = data.draw(st.sampled_from([*dossier.attestations, None]))
    less = [
        replace(dossier, attestations=tuple(a for a in dossier.attestations if a is not gone)),
        with_platform(dossier, replace(platform, scan=None)),
        with_platform(dossier, replace(platform, scan=None, findings=())),
        with_platform(dossier, replace(platform, sbom=None)),
        with_platform(dossier, replace(platform, config=None)),
        with_platform(dossier, replace(platform, config_evidence=None)),
        with_platform(dossier, replace(platform, secrets=None)),
        with_platform(dossier, replace(platform, ancestors=())),
        *(
            with_platform(dossier, replace(platform, ancestors=(replace(UPON, **unknown),)))
            for unknown in ({"local": True}, {"created_at": None})
            if platform.ancestors
        ),
        replace(dossier, repositories=()),
        replace(dossier, repositories=(), names=(dossier.subject.name,)),
        with_platform(dossier, replace(platform, recorded_at=None)),
        *(
            with_platform(dossier, replace(platform, sbom=replace(sbom, elements=())))
            for sbom in (platform.sbom,)
            if sbom is not None
        ),
        with_platform(dossier, replace(platform, components=platform.components[1:])),
        with_platform(dossier, replace(platform, attestations=platform.attestations[1:])),
        replace(dossier, attestations=dossier.attestations[1:]),
        replace(dossier, platforms=()),
    ]
    before = judge(dossier, policy)
    for without in less:
        never_softer(before, judge(without, policy))
    nothing = evaluate(None, policy, subject=INDEX, environment="prod", at=AT)
    assert nothing.verdict is Verdict.DENY


@given(dossiers(), policies, st.data())
def test_a_statement_that_comes_with_less_never_allows(
    dossier: Dossier, policy: Policy, data: st.DataObject
) -> None:
    if not dossier.attestations:
        return
    before = judge(dossier, policy)
    one = data.draw(st.sampled_from(dossier.attestations))
    less = [
        replace(one, log_entries=()),
        # It would look younger than it is without this.
        replace(one, times=(), verified_at=made_at(one)),
        replace(one, verified_at=AT + timedelta(days=1)),
        replace(one, subject=replace(one.subject, digest=Digest.of(b"another image"))),
    ]
    if one.identity is not None:
        less.append(replace(one, identity=replace(one.identity, issuer="https://nobody.invalid")))
        less.append(replace(one, identity=replace(one.identity, kind=NameKind.OTHER)))
    for lesser in less:
        others = tuple(a for a in dossier.attestations if a is not one)
        never_softer(before, judge(replace(dossier, attestations=(*others, lesser)), policy))


@given(dossiers(), policies, st.data())
def test_removing_an_asked_platform_always_denies(
    dossier: Dossier, policy: Policy, data: st.DataObject
) -> None:
    asked = replace(policy, platforms=tuple(p.platform for p in dossier.platforms))
    gone = data.draw(st.sampled_from(dossier.platforms))
    left = tuple(p for p in dossier.platforms if p != gone)
    assert judge(replace(dossier, platforms=left), asked).verdict is Verdict.DENY


@given(dossiers(), policies, hours, st.data())
def test_making_anything_older_never_allows(
    dossier: Dossier, policy: Policy, older: timedelta, data: st.DataObject
) -> None:
    before = judge(dossier, policy)
    platform = data.draw(st.sampled_from(dossier.platforms))
    known_longer = tuple(
        replace(f, first_seen_at=f.first_seen_at - older) for f in platform.findings
    )
    aged = [replace(platform, findings=known_longer)]
    if config := platform.config:
        claimed = config.created_at and config.created_at - older
        aged.append(replace(platform, config=replace(config, created_at=claimed)))
    if platform.recorded_at:
        aged.append(replace(platform, recorded_at=platform.recorded_at - older))
    if scan := platform.scan:
        made = replace(scan.evidence, produced_at=scan.evidence.produced_at - older)
        built = replace(scan.database, updated_at=scan.database.updated_at - older)
        aged.append(replace(platform, scan=replace(scan, evidence=made)))
        aged.append(replace(platform, scan=replace(scan, database=built)))
    for one in aged:
        never_softer(before, judge(with_platform(dossier, one), policy))


@given(dossiers(), policies, hours)
def test_the_passing_of_time_never_allows(
    dossier: Dossier, policy: Policy, later: timedelta
) -> None:
    never_softer(judge(dossier, policy), judge(dossier, policy, after=later))


@given(dossiers(), policies)
def test_an_allow_holds_until_it_says_and_no_longer(dossier: Dossier, policy: Policy) -> None:
    decision = judge(dossier, policy)
    if decision.verdict is Verdict.DENY:
        if decision.holds_until is not None:
            assert decision.holds_until >= AT
        return
    if decision.holds_until is None:
        assert judge(dossier, policy, after=timedelta(days=3650)).verdict is Verdict.ALLOW
        return
    left = decision.holds_until - AT
    assert judge(dossier, policy, after=left).verdict is Verdict.ALLOW
    assert judge(dossier, policy, after=left + JUST_AFTER).verdict is Verdict.DENY


@given(dossiers(), policies, st.sampled_from(RULES))
def test_adding_a_rule_never_allows(dossier: Dossier, policy: Policy, rule: str) -> None:
    stricter = replace(policy, rules=(*policy.rules, *make_policy(rule).rules))
    never_softer(judge(dossier, policy), judge(dossier, stricter))


@given(dossiers(), policies, st.data())
def test_the_order_of_evidence_changes_not_one_byte(
    dossier: Dossier, policy: Policy, data: st.DataObject
) -> None:
    feeds = dossier.exploitation
    chances = tuple(data.draw(st.permutations(feeds.chances)))
    shuffled = replace(
        dossier,
        exploitation=replace(feeds, chances=chances, known=feeds.known and feeds.known[::-1]),
        platforms=tuple(
            replace(
                platform,
                findings=tuple(data.draw(st.permutations(platform.findings))),
                components=tuple(data.draw(st.permutations(platform.components))),
                attestations=tuple(data.draw(st.permutations(platform.attestations))),
            )
            for platform in data.draw(st.permutations(dossier.platforms))
        ),
        attestations=tuple(data.draw(st.permutations(dossier.attestations))),
    )
    assert to_document(judge(dossier, policy)) == to_document(judge(shuffled, policy))


@given(dossiers(), policies, st.data())
def test_the_order_of_rules_changes_neither_verdict_nor_violations(
    dossier: Dossier, policy: Policy, data: st.DataObject
) -> None:
    shuffled = replace(policy, rules=tuple(data.draw(st.permutations(policy.rules))))
    one, other = judge(dossier, policy), judge(dossier, shuffled)
    assert one.verdict is other.verdict
    assert set(one.violations) == set(other.violations)
    assert one.evidence == other.evidence
    assert one.holds_until == other.holds_until


@given(dossiers(), policies)
def test_judging_twice_gives_the_same_bytes(dossier: Dossier, policy: Policy) -> None:
    assert to_document(judge(dossier, policy)) == to_document(judge(dossier, policy))


@given(dossiers(), policies)
def test_whatever_was_judged_comes_out_again_from_its_three_documents(
    dossier: Dossier, policy: Policy
) -> None:
    inputs = inputs_document(Inputs(dossier.subject, "prod", policy.digest, dossier))
    made = replace(judge(dossier, policy), inputs=Digest.of(inputs))
    document = to_document(made)
    recorded = load(policy.canonical().decode())
    assert to_document(replay(document, inputs, recorded)) == document


@given(dossiers(), policies, st.timedeltas(timedelta(), timedelta(days=9)))
def test_as_long_as_a_verdict_holds_it_is_of_one_essence_or_there_is_another_reason(
    dossier: Dossier, policy: Policy, later: timedelta
) -> None:
    one, other = judge(dossier, policy), judge(dossier, policy, after=later)
    if essence_of(one) == essence_of(other):
        assert one.verdict is other.verdict
        assert one.holds_until == other.holds_until
        assert reasons(one) == reasons(other)


def reasons(decision: Decision) -> set[tuple[str, str]]:
    return {
        (r.rule, v.finding.vulnerability_id if v.finding else ageless(v.message))
        for r in decision.results
        for v in r.violations
    }
