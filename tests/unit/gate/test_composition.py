"""Policies made of several documents: what comes of them, and what is refused."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.errors import NotFoundError, PolicyError
from supplychain.gate.composition import DEPTH_LIMIT, DOCUMENT_LIMIT
from supplychain.gate.document import load_policy
from supplychain.gate.evaluate import evaluate
from supplychain.gate.policy import Policy
from supplychain.gate.rules.freshness import Freshness
from supplychain.gate.rules.signature import Signature
from supplychain.model.decision import Verdict
from supplychain.model.dossier import Dossier
from supplychain.model.subject import Platform
from tests.kit.policies import fingerprint, load, read_key
from tests.kit.scans import AT
from tests.unit.gate.test_properties import RULES, dossiers

PART = "schemaVersion: 1\n"
PROD = f"{PART}environment: prod\n"
BASE = """\
schemaVersion: 1
rules:
  - id: fresh
    freshness: {scan: 24h}
  - sbom: {}
"""


def composed(root: str, **documents: str) -> Policy:
    """The policy of `policies/prod.yaml`, with other documents by their paths (`_` for `/`)."""
    files = {name.replace("__", "/") + ".yaml": text for name, text in documents.items()}

    def read(path: str) -> bytes:
        if path not in files:
            raise NotFoundError(f"there is no policy document {path}", hint="check its name")
        return files[path].encode()

    return load_policy(
        root.encode(),
        source="policies/prod.yaml",
        read_key=read_key,
        fingerprint=fingerprint,
        read_document=read,
    )


def refused(root: str, **documents: str) -> str:
    with pytest.raises(PolicyError) as caught:
        composed(root, **documents)
    return f"{caught.value} · {caught.value.because}"


def test_what_is_included_is_demanded_too_and_says_where_it_stands() -> None:
    policy = composed(
        f"{PROD}include: [base.yaml]\nrules:\n  - vulnerabilities: {{severity: high}}\n", base=BASE
    )
    assert [(e.rule.name, e.origin) for e in policy.rules] == [
        ("freshness", "policies/base.yaml:3"),
        ("sbom", "policies/base.yaml:5"),
        ("vulnerabilities", "policies/prod.yaml:5"),
    ]


def test_the_policy_that_comes_of_it_stands_alone() -> None:
    policy = composed(f"{PROD}include: [base.yaml]\n", base=f"platforms: [linux/amd64]\n{BASE}")
    canonical = policy.canonical()
    assert b"include" not in canonical
    assert load(canonical.decode()) == policy
    alone = load(f"{PROD}platforms: [linux/amd64]\n{BASE.removeprefix(PART)}")
    # Where a rule came from is no part of what the policy is.
    assert alone.digest == policy.digest


def test_the_same_rule_from_two_documents_is_one() -> None:
    policy = composed(
        f"{PROD}include: [base.yaml, other.yaml]\nrules: [sbom: {{}}]\n", base=BASE, other=BASE
    )
    assert [entry.rule.name for entry in policy.rules] == ["freshness", "sbom"]


def test_keys_are_read_from_beside_the_document_that_names_them() -> None:
    asked = []

    def read(path: str) -> bytes:
        asked.append(path)
        return read_key(path)

    load_policy(
        f"{PROD}include: [../shared/base.yaml]\nrules: [signature: {{keys: [own.pub]}}]\n".encode(),
        source="policies/prod.yaml",
        read_key=read,
        fingerprint=fingerprint,
        read_document=lambda _: f"{PART}rules: [signature: {{keys: [k/release.pub]}}]".encode(),
    )
    assert sorted(asked) == ["../shared/k/release.pub", "own.pub"]


def test_documents_are_found_from_beside_the_one_that_includes_them() -> None:
    policy = composed(
        f"{PROD}include: [teams/shop.yaml]\n",
        teams__shop=f"{PART}include: [more/base.yaml]\n",
        teams__more__base=BASE,
    )
    assert policy.rules[0].origin == "policies/teams/more/base.yaml:3"


def test_a_key_of_an_environment_is_inherited() -> None:
    base = f"{PART}environment: base\nplatforms: [linux/arm64]\nrules: [sbom: {{}}]\n"
    policy = composed(f"{PROD}include: [base.yaml]\n", base=base)
    assert policy.environment == "prod"
    assert policy.platforms == (Platform("linux", "arm64"),)
    assert policy.origins == (
        ("environment", "policies/prod.yaml:2"),
        ("platforms", "policies/base.yaml:3"),
    )


def test_an_override_replaces_or_drops_what_it_names() -> None:
    root = f"""\
{PROD}include: [base.yaml]
override:
  - {{replace: fresh, by: {{freshness: {{scan: 7d}}}}, because: it is built weekly}}
"""
    policy = composed(root, base=BASE)
    assert policy.rules[0].rule == Freshness(scan=timedelta(days=7))
    assert policy.rules[0].terms.id == "fresh"
    assert policy.overridden == (
        "policies/prod.yaml:5 replaces rule fresh of policies/base.yaml:3: it is built weekly",
    )
    dropped = composed(
        root.replace("replace: fresh, by: {freshness: {scan: 7d}}", "drop: fresh"), base=BASE
    )
    assert [entry.rule.name for entry in dropped.rules] == ["sbom"]


def test_an_override_settles_what_two_documents_say_otherwise() -> None:
    one, other = f"{PART}platforms: [linux/amd64]\n", f"{PART}platforms: [linux/arm64]\n"
    root = f"{PROD}include: [one.yaml, other.yaml]\nrules: [sbom: {{}}]\n"
    said = refused(root, one=one, other=other)
    assert said.startswith(
        "policies/prod.yaml:3:10: platforms is said otherwise by policies/other.yaml:2 than by "
        "policies/one.yaml:2; write platforms here, and why: "
        "override: [{key: platforms, because: ...}]"
    )
    settled = composed(
        f"{root}platforms: [linux/s390x]\noverride: [{{key: platforms, because: moved}}]\n",
        one=one,
        other=other,
    )
    assert settled.platforms == (Platform("linux", "s390x"),)
    assert settled.overridden[0].endswith(
        "says platforms otherwise than policies/one.yaml:2: moved"
    )


def test_an_environment_says_its_defaults_and_a_part_does_not() -> None:
    root = f"{PROD}include: [base.yaml]\nplatforms: [linux/amd64]\n"
    assert composed(root, base=BASE).platforms
    said = refused(root, base=BASE.replace(PART, f"{PART}environment: base\n"))
    assert "platforms is said otherwise by policies/base.yaml, which leaves it at its" in said


def test_what_is_wrong_with_an_included_document_is_said_with_the_way_to_it() -> None:
    said = refused(
        f"{PROD}include: [base.yaml]\n",
        base=f"{PART}include: [deep.yaml]\n",
        deep=f"{PART}rules: [sbim: {{}}]\n",
    )
    assert said.startswith(
        "policies/deep.yaml:2:9: 'sbim' is not a rule; did you mean sbom?, "
        "included by policies/base.yaml:2:11, included by policies/prod.yaml:3:11"
    )


CONTRADICTIONS = {
    "missing": ("include: [gone.yaml]\n", "3:11: there is no policy document gone.yaml"),
    "itself": ("include: [../policies/prod.yaml]\n", "3:11: the documents include one another"),
    "empty path": ("include: ['']\n", "3:11: '' is no path"),
    "no list": ("include: base.yaml\n", "3:10: expected a list"),
    "same id": (
        "include: [base.yaml]\nrules: [{id: fresh, sbom: {}}]\n",
        "4:9: rule fresh is also in policies/base.yaml:3, where it says something else; give one",
    ),
    "same id here": (
        "rules: [{id: a, sbom: {}}, {id: a, freshness: {scan: 1d}}]\n",
        "3:28: rule a is also in policies/prod.yaml:3",
    ),
    "no such id": (
        "include: [base.yaml]\noverride: [{drop: frsh, because: x}]\n",
        "4:12: no included document has a rule with the id 'frsh'; did you mean fresh?",
    ),
    "nothing included": (
        "rules: [sbom: {}]\noverride: [{drop: fresh, because: x}]\n",
        "4:12: no included document has a rule with the id 'fresh'; give the rule",
    ),
    "no reason": (
        "include: [base.yaml]\noverride: [{drop: fresh}]\n",
        "4:12: an override needs 'because'",
    ),
    "empty reason": (
        "include: [base.yaml]\noverride: [{drop: fresh, because: ' '}]\n",
        "4:12: nobody says why",
    ),
    "two things": (
        "include: [base.yaml]\noverride: [{drop: fresh, key: platforms, because: x}]\n",
        "4:12: an override takes back one thing; one of drop: ID",
    ),
    "by nothing": (
        "include: [base.yaml]\noverride: [{replace: fresh, because: x}]\n",
        "4:12: replace and by go together",
    ),
    "by another id": (
        "include: [base.yaml]\noverride: [{replace: fresh, by: {id: b, sbom: {}}, because: x}]\n",
        "4:12: what replaces fresh has another id, b",
    ),
    "by a wrong rule": (
        "include: [base.yaml]\noverride: [{replace: fresh, by: {sbim: {}}, because: x}]\n",
        "4:34: 'sbim' is not a rule; did you mean sbom?",
    ),
    "twice": (
        "include: [base.yaml]\noverride: [{drop: fresh, because: x}, {drop: fresh, because: y}]\n",
        "4:39: rule fresh is overridden twice",
    ),
    "no such key": (
        (
            "include: [base.yaml]\nplatforms: [linux/amd64]\n"
            "override: [{key: platforms, because: x}]\n"
        ),
        "5:12: no included document says anything of 'platforms'",
    ),
    "unknown beside": ("includes: [base.yaml]\n", "3:1: the policy knows no 'includes'; did you"),
    "required and denied": (
        (
            "rules: [packages: {required: ['pkg:deb/debian/curl']}, "
            "packages: {denied: ['pkg:deb/debian/curl']}]\n"
        ),
        (
            "3:56: rule packages contradicts that of policies/prod.yaml:3: pkg:deb/debian/curl is "
            "required and denied; leave it out of one of them"
        ),
    ),
    "no environment": ("", "3:1: the policy needs 'rules'"),
}


@pytest.mark.parametrize(("text", "expected"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_what_cannot_be_put_together_is_named_with_its_place(text: str, expected: str) -> None:
    if not text:
        expected = expected.replace("3:1", "1:1")
    assert refused(f"{PROD}{text}", base=BASE).startswith(f"policies/prod.yaml:{expected}")


def test_what_only_warns_contradicts_nothing() -> None:
    rules = (
        "packages: {required: ['pkg:deb/debian/curl']}",
        "{warn: true, packages: {denied: ['pkg:deb/debian/curl']}}",
    )
    for order in (rules, rules[::-1]):
        assert len(composed(f"{PROD}rules: [{', '.join(order)}]\n").rules) == 2


def test_a_circle_of_documents_is_shown_whole() -> None:
    said = refused(
        f"{PROD}include: [a.yaml]\n",
        a=f"{PART}include: [b.yaml]\n",
        b=f"{PART}include: [../policies/a.yaml]\n",
    )
    assert said.startswith(
        "policies/b.yaml:2:11: the documents include one another: "
        "policies/prod.yaml → policies/a.yaml → policies/b.yaml → policies/a.yaml; take one of"
    )


def test_too_deep_and_too_many_are_refused() -> None:
    deep = {f"d{n}": f"{PART}include: [d{n + 1}.yaml]\n" for n in range(DEPTH_LIMIT + 1)}
    assert "a policy is made of at most" in refused(f"{PROD}include: [d0.yaml]\n", **deep)
    many = {f"m{n}": BASE for n in range(DOCUMENT_LIMIT + 1)}
    listed = ", ".join(f"{name}.yaml" for name in many)
    assert "a policy is made of at most" in refused(f"{PROD}include: [{listed}]\n", **many)
    # Each doubles what the next one does: far more reads than documents.
    wide = {f"w{n}": f"{PART}include: [w{n + 1}.yaml, w{n + 1}.yaml]\n" for n in range(7)}
    assert "a policy is made of at most" in refused(f"{PROD}include: [w0.yaml]\n", **wide, w7=BASE)


def test_a_part_is_no_policy() -> None:
    assert "the policy needs 'environment'" in refused(BASE)


def test_the_order_of_includes_changes_nothing_of_what_is_demanded() -> None:
    other = f"{PART}rules: [vulnerabilities: {{severity: low}}]\n"
    one = composed(f"{PROD}include: [base.yaml, other.yaml]\n", base=BASE, other=other)
    two = composed(f"{PROD}include: [other.yaml, base.yaml]\n", base=BASE, other=other)
    assert set(one.rules) == set(two.rules)


rules = st.lists(st.sampled_from(RULES), min_size=1, max_size=3, unique=True)


@given(dossiers(), rules, rules, rules)
def test_a_policy_is_never_weaker_than_one_that_it_includes(
    dossier: Dossier, deep: list[str], base: list[str], own: list[str]
) -> None:
    def text(items: list[str]) -> str:
        return "rules:\n" + "".join(f"  - {item}\n" for item in items)

    documents = {
        "base": f"{PART}include: [deep.yaml]\n{text(base)}",
        "deep": f"{PROD}{text(deep)}",
    }
    whole = composed(f"{PROD}include: [base.yaml]\n{text(own)}", **documents)
    included = composed(documents["base"].replace(PART, PROD), **documents)

    def verdict(policy: Policy) -> Verdict:
        return evaluate(dossier, policy, subject=dossier.subject, environment="prod", at=AT).verdict

    if verdict(whole) is Verdict.ALLOW:
        assert verdict(included) is Verdict.ALLOW
        assert verdict(composed(documents["deep"])) is Verdict.ALLOW
    assert set(whole.rules) >= set(included.rules)


def test_a_warning_beside_a_demand_of_the_same_leaves_the_demand() -> None:
    policy = composed(
        f"{PROD}include: [base.yaml]\nrules: [{{warn: true, sbom: {{}}}}]\n", base=BASE
    )
    assert [entry.terms.warn for entry in policy.rules if entry.rule.name == "sbom"] == [
        False,
        True,
    ]


def test_the_canonical_form_has_keys_of_included_documents_written_in() -> None:
    policy = composed(
        f"{PROD}include: [base.yaml]\n", base=f"{PART}rules: [signature: {{keys: [r.pub]}}]\n"
    )
    rule = policy.rules[0].rule
    assert isinstance(rule, Signature)
    written = json.loads(policy.canonical())["rules"][0]["signature"]["keys"]
    assert written == [{"name": "r.pub", "pem": rule.keys[0].pem}]
