"""Expressions: what is refused when a policy is read, and what is not true when it is judged."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from supplychain.errors import PolicyError
from supplychain.gate.case import Case
from supplychain.gate.evaluate import evaluate
from supplychain.gate.evidence_document import KEYS, evidence_document
from supplychain.gate.expressions import LENGTH_LIMIT
from supplychain.gate.policy import Policy
from supplychain.model.decision import Decision, Verdict
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, Need
from supplychain.model.evidence import EvidenceKind
from supplychain.model.exploitation import Exploitation, ExploitChance, KnownExploit
from supplychain.model.finding import Severity
from supplychain.model.history import Approval, Deployment
from supplychain.model.image_config import Ancestor, ImageConfig, Kinship, Secret, Variable
from tests.kit.policies import (
    ARM,
    ARM_SUBJECT,
    CI,
    INDEX,
    known,
    load,
    make_attestation,
    make_dossier,
    make_index,
    make_platform,
)
from tests.kit.scans import AT, SUBJECT, make_component, make_finding, make_scan

HEAD = "schemaVersion: 1\nenvironment: prod\nrules:\n  - expression:\n      cel: |\n"
DAY = timedelta(days=1)
CONFIG = ImageConfig(
    Digest.of(b"config"),
    AT - 3 * DAY,
    "app",
    ("8080/tcp",),
    (),
    (Variable("TOKEN", "its name"),),
    (("team", "shop"),),
    True,
    ("/app",),
    (),
    (Digest.of(b"layer"),),
)


def policy(expression: str) -> Policy:
    lines = "".join(f"        {line}\n" for line in expression.splitlines())
    return load(HEAD + lines)


def judge(expression: str, dossier: Dossier | None = None) -> Decision:
    asked = dossier or make_dossier()
    return evaluate(asked, policy(expression), subject=asked.subject, environment="prod", at=AT)


def whole() -> Dossier:
    """A dossier with something of everything that expressions can read."""
    finding = make_finding(vulnerability_id="CVE-1", severity=Severity.HIGH)
    platform = replace(
        make_platform(
            findings=[known(finding, for_=2 * DAY)],
            attestations=[make_attestation(identity=CI)],
        ),
        components=(make_component("busybox", "1.36", licences=("GPL-2.0-only",)),),
        secrets=(Secret("aws-access-key-id", "AWS", "critical", "AWS key", "root/.aws", 3),),
        config=CONFIG,
        config_evidence=replace(make_scan().evidence, kind=EvidenceKind.CONFIG),
        ancestors=(Ancestor(ARM_SUBJECT, Kinship.LAYERS, 2),),
    )
    return replace(
        make_dossier(platform),
        exploitation=Exploitation(
            chances=(ExploitChance("CVE-1", 0.9, 0.99),),
            known=(KnownExploit("CVE-1", AT.date(), None, False),),
        ),
        deployments=(Deployment("test", SUBJECT, AT - DAY, None, "ci", Digest.of(b"d")),),
        approvals=(Approval("prod", SUBJECT, "anna", AT - DAY, "", Digest.of(b"a")),),
    )


TRUE = (
    "environment == 'prod'",
    "subject.digest.startsWith('sha256:') && subject.name == 'registry.test/shop/web'",
    "platform == 'linux/amd64' && digest == subject.digest",
    "scan.age == 0 && scan.database.age < 86400 && scan.tool == 'trivy'",
    "findings.all(f, f.severity != 'critical')",
    "findings.exists(f, f.id == 'CVE-1' && f.age == 172800 && f.epss > 0.5 && f.exploited)",
    (
        "findings.filter(f, f.fixable).size() == 1 && timestamp(findings[0].first_seen_at) < "
        "timestamp(at)"
    ),
    "components.exists(c, c.name == 'busybox' && 'GPL-2.0-only' in c.licences)",
    "secrets[0].rule == 'aws-access-key-id' && secrets[0].line == 3",
    "sbom.spec_version == '1.6' && sbom.component_count == 1 && sbom.age < 60",
    "config.user == 'app' && '8080/tcp' in config.ports && config.labels.team == 'shop'",
    "config.healthcheck && config.variables[0].suspicion != '' && config.age == 259200",
    "attestations.exists(a, a.signature && a.key != null && a.identity == null)",
    (
        "attestations.exists(a, a.logged && a.identity != null && "
        "a.identity.claims.source_repository_ref == 'refs/heads/main')"
    ),
    "ancestors[0].known_by == 'layers' && ancestors[0].layers == 2",
    "deployments.exists(d, d.environment == 'test' && d.until == null && d.age >= 86400)",
    "approvals.exists(a, a.by == 'anna' && !a.withdrawn)",
)


@pytest.mark.parametrize("expression", TRUE)
def test_what_is_true_is_allowed(expression: str) -> None:
    assert judge(expression, whole()).verdict is Verdict.ALLOW
    assert judge(f"!({expression})", whole()).verdict is Verdict.DENY


def test_every_key_of_the_document_can_be_read_and_is_there() -> None:
    dossier = whole()
    case = Case(dossier, "prod", dossier.platforms, AT)
    document = evidence_document(dossier.platforms[0], case, frozenset(KEYS))
    assert document.keys() == KEYS.keys()
    assert None not in document.values()


def test_every_key_of_the_document_is_documented() -> None:
    dossier = whole()
    case = Case(dossier, "prod", dossier.platforms, AT)
    document = evidence_document(dossier.platforms[0], case, frozenset(KEYS))

    def check(value: Any, text: str) -> None:
        if isinstance(value, list):
            value = next(iter(value), None)
        if isinstance(value, dict):
            for key, inner in value.items():
                if key not in {"team", "source_repository_ref", "source_repository_uri"}:
                    assert key in text
                    check(inner, text)

    for key, value in document.items():
        check(value, KEYS[key])


UNTRUE = {
    "false": ("1 > 2", "1 > 2 is not true"),
    "a key that is not there": ("scan.nope < 3", "scan.nope < 3 is not true: NOT_FOUND"),
    "an index that is not there": ("findings[5].id == 'x'", "Index error"),
    "unlike things": ("scan.age < dyn('x')", "No matching overloads"),
    "no truth": ("scan.tool", "it gives a value of type string, not true or false"),
    "nothing": ("scan.database.nope", "NOT_FOUND"),
    "an error beside a falsehood": ("scan.nope == 1 || false", "NOT_FOUND"),
    "division by nothing": ("scan.age / (scan.age - scan.age) == 1", "divide by zero"),
    "overflow": ("9223372036854775807 + scan.age + 1 > 0", "overflow"),
    "text that is no number": ("int(scan.tool) > 0", "cannot convert"),
}


@pytest.mark.parametrize(("expression", "reason"), UNTRUE.values(), ids=UNTRUE)
def test_whatever_is_not_true_is_a_violation(expression: str, reason: str) -> None:
    decision = judge(expression)
    assert decision.verdict is Verdict.DENY
    assert reason.lower() in decision.violations[0].message.lower()
    assert decision.violations[0].remedy


@pytest.mark.parametrize(
    ("expression", "reason", "awaits"),
    [
        ("findings.all(f, false)", "no scan is recorded", EvidenceKind.SCAN),
        ("true || size(components) > 3", "no scan is recorded", EvidenceKind.SCAN),
        ("scan == null", "no scan is recorded", EvidenceKind.SCAN),
        ("sbom == null || sbom != null", "no SBOM is recorded", EvidenceKind.SBOM),
        (
            "config == null",
            "no configuration is recorded",
            EvidenceKind.CONFIG,
        ),
    ],
)
def test_what_is_mentioned_has_to_be_on_record(
    expression: str, reason: str, awaits: EvidenceKind
) -> None:
    violation = judge(expression, make_dossier(make_platform(scan=None, sbom=None))).violations[0]
    assert violation.message == reason
    assert violation.awaits is awaits


def test_secrets_that_nobody_looked_for_are_not_none() -> None:
    decision = judge("secrets == null || size(secrets) == 0")
    assert decision.violations[0].message == "nobody looked for secrets"


def test_a_scan_from_the_future_is_none() -> None:
    dossier = make_dossier(make_platform(scan=make_scan(components=(), produced_at=AT + DAY)))
    assert "from the future" in judge("findings.all(f, true)", dossier).violations[0].message


def test_an_attestation_of_something_else_or_from_the_future_is_not_shown() -> None:
    dossier = make_dossier(
        attestations=[make_attestation(ARM_SUBJECT), make_attestation(verified_at=AT + DAY)]
    )
    assert judge("attestations.exists(a, a.signature)", dossier).verdict is Verdict.DENY


def test_it_has_to_be_true_of_every_platform() -> None:
    index = make_index(findings=[known(make_finding(severity=Severity.CRITICAL))])
    decision = judge("findings.all(f, f.severity != 'critical')", index)
    assert [v.platform for v in decision.violations] == [ARM]
    assert judge("subject.digest != digest", make_index()).verdict is Verdict.ALLOW
    assert index.subject == INDEX


def test_components_are_asked_for_only_where_they_are_mentioned() -> None:
    assert policy("size(components) > 0").needs == {Need.COMPONENTS}
    assert policy("findings.all(f, !f.exploited)").needs == {Need.EXPLOITATION}
    assert policy("scan.age < 3").needs == frozenset()


def test_a_feed_that_is_not_there_clears_nothing() -> None:
    dossier = make_dossier(make_platform(findings=[known(make_finding())]))
    assert judge("findings.all(f, !f.exploited)", dossier).verdict is Verdict.DENY
    assert judge("findings.all(f, f.epss < 0.1)", dossier).verdict is Verdict.DENY


def test_where_time_is_mentioned_the_verdict_holds_for_its_instant_only() -> None:
    assert judge("scan.age < 60").holds_until == AT
    assert judge("scan.age > 60").holds_until == AT
    assert judge("timestamp(at) > timestamp('2020-01-01T00:00:00Z')").holds_until == AT
    assert judge("scan['a' + 'ge'] < 60").holds_until == AT
    assert judge("environment == 'prod'").holds_until is None


def test_what_it_says_can_be_said_better() -> None:
    rule = "expression: {cel: '1 > 2', message: never on a Friday, remedy: wait for Monday}"
    found = load(f"schemaVersion: 1\nenvironment: prod\nrules:\n  - {rule}\n")
    dossier = make_dossier()
    decision = evaluate(dossier, found, subject=SUBJECT, environment="prod", at=AT)
    assert decision.violations[0].message == "never on a Friday"
    assert decision.remedies == ("wait for Monday",)


REFUSED = {
    "no expression": ("scan.age <", "the expression is not CEL: Syntax error", "column 11"),
    "an unknown name": ("findngs.all(f, true)", "knows no 'findngs'", "did you mean findings?"),
    "an unknown function": ("size(findings.sort()) == 0", "the expression", "sort"),
    "no truth": ("size(findings)", "gives a value of type int, not true or false", "compare it"),
    "unlike things": ("1 < 'x'", "found no matching overload", "column 3"),
    "too long": ("1 == 1 && " * 300 + "true", "3004 characters", str(LENGTH_LIMIT)),
    "too deep": ("(" * 100 + "true" + ")" * 100, "recursion", ""),
    "a clock": ("now() > timestamp(at)", "knows no 'now'", ""),
    "too many maps": ("[1]" + ".map(x, [x, x])" * 5 + " == []", "5 map()", "at most 4"),
    "too many sums": ("1" + " + 1" * 9 + " > 0", "9 +", "at most"),
}


@pytest.mark.parametrize(("expression", "reason", "hint"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_expression_is_refused_where_it_stands(
    expression: str, reason: str, hint: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        policy(expression)
    assert str(caught.value).startswith("prod.yaml:5:12: the expression ")
    assert reason in str(caught.value)
    assert hint in str(caught.value)


def test_nothing_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worst that passes: steps are counted by the runtime, growth is bounded by us."""
    many = tuple(make_component(f"part{n}", "1") for n in range(2000))
    dossier = make_dossier(replace(make_platform(), components=many))
    worst = (
        "components.all(a, components.all(b, components.all(c, a.name != b.name + c.name)))",
        "components.map(a, components.map(b, components.map(c, c))).size() > 0",
        "['" + "a" * 100 + "']" + ".map(x, x + x + x)" * 4 + ".all(x, x.matches('(a|aa)*b'))",
        "[1]" + f".map(x, [{','.join('x' * 40)}])" * 4 + ".all(x, x == x)",
    )
    for expression in worst:
        begun = time.monotonic()
        judge(expression, dossier)
        assert time.monotonic() - begun < 10
    assert "budget" in judge(worst[0], dossier).violations[0].message


def test_layout_does_not_change_the_policy() -> None:
    assert policy("1 < 2").digest == policy("1 < 2  \n\n").digest
