"""Keys and identities together: any of them, all of them, and what they come with."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import jsonschema_rs
import pytest
import yaml

from supplychain.errors import PolicyError
from supplychain.gate.authorities import trusted_by
from supplychain.gate.evaluate import evaluate
from supplychain.gate.schema import policy_schema
from supplychain.model.decision import Decision, Verdict
from supplychain.model.dossier import Dossier
from supplychain.model.evidence import (
    PIPELINE_BUILD_TYPE,
    PROVENANCE_02_PREDICATE,
    PROVENANCE_PREDICATE,
    VULNERABILITY_PREDICATE,
    Build,
    VerifiedAttestation,
)
from tests.kit.policies import (
    ARM,
    ARM_SUBJECT,
    CI,
    INDEX,
    OTHER_KEY,
    PERSON,
    TRUST_CI,
    TRUST_PERSON,
    load,
    make_attestation,
    make_dossier,
    make_platform,
    make_policy,
)
from tests.kit.scans import AT, SUBJECT

DAY = timedelta(days=1)
KEY = "{keys: [release.pub]}"
BY_CI = f"{{identities: [{TRUST_CI}]}}"
BY_PERSON = f"{{identities: [{TRUST_PERSON}]}}"
VULN = VULNERABILITY_PREDICATE


def judge(rule: str, *attestations: VerifiedAttestation) -> Decision:
    return judge_dossier(rule, make_dossier(attestations=attestations))


def judge_dossier(rule: str, dossier: Dossier) -> Decision:
    policy = make_policy(rule)
    return evaluate(dossier, policy, subject=dossier.subject, environment="prod", at=AT)


by_key, by_ci, by_person = (
    make_attestation(),
    make_attestation(identity=CI),
    make_attestation(identity=PERSON),
)


@pytest.mark.parametrize(
    ("rule", "attestations", "allowed"),
    [
        (f"signature: {{keys: [release.pub], identities: [{TRUST_CI}]}}", [by_key], True),
        (f"signature: {{keys: [release.pub], identities: [{TRUST_CI}]}}", [by_ci], True),
        (f"signature: {{keys: [release.pub], identities: [{TRUST_CI}]}}", [by_person], False),
        (f"signature: {{all_of: [{KEY}, {BY_CI}]}}", [by_key, by_ci], True),
        (f"signature: {{all_of: [{KEY}, {BY_CI}]}}", [by_key], False),
        (f"signature: {{all_of: [{KEY}, {BY_CI}]}}", [by_ci], False),
        (f"signature: {{any_of: [{KEY}, {BY_CI}]}}", [by_ci], True),
        (f"signature: {{any_of: [{KEY}, {BY_CI}]}}", [by_person], False),
        (f"signature: {{all_of: [{BY_CI}, {{any_of: [{KEY}, {BY_PERSON}]}}]}}", [by_ci], False),
        (
            f"signature: {{all_of: [{BY_CI}, {{any_of: [{KEY}, {BY_PERSON}]}}]}}",
            [by_ci, by_person],
            True,
        ),
        (f"signature: {{any_of: [{{all_of: [{KEY}, {BY_CI}]}}, {BY_PERSON}]}}", [by_key], False),
        (f"signature: {{any_of: [{{all_of: [{KEY}, {BY_CI}]}}, {BY_PERSON}]}}", [by_person], True),
    ],
)
def test_authorities_go_together_as_they_say(
    rule: str, attestations: list[VerifiedAttestation], allowed: bool
) -> None:
    decision = judge(rule, *attestations)
    assert (decision.verdict is Verdict.ALLOW) is allowed
    assert all(violation.remedy for violation in decision.violations)


def test_all_of_tells_each_that_is_missing() -> None:
    decision = judge(f"signature: {{all_of: [{KEY}, {BY_CI}, {BY_PERSON}]}}", by_ci)
    assert [v.message for v in decision.violations] == [
        f"not signed with release.pub, only by {CI}",
        f"not signed by {PERSON}, only by {CI}: the name is {CI.name}, not {PERSON.name}",
    ]
    assert [v.remedy.partition(":")[0] for v in decision.violations] == [
        "sign it with release.pub",
        f"sign it as {PERSON}".partition(":")[0],
    ]
    assert decision.violations[1].remedy.endswith(f"supplychain sign {SUBJECT} --keyless")


def test_an_allow_names_everybody_whose_word_was_needed() -> None:
    decision = judge(f"signature: {{all_of: [{KEY}, {BY_CI}]}}", by_key, by_ci)
    (said,) = [r.summary for r in decision.results if r.rule == "signature"]
    assert said == (
        f"signed with release.pub, 0 s ago, by {CI}, 0 s ago "
        "(timestamp authority https://tsa.test; entry 7 of https://log.test)"
    )
    assert {e.digest for e in decision.evidence} == {by_key.envelope, by_ci.envelope}


def test_a_log_is_demanded_of_identities_unless_the_policy_says_otherwise() -> None:
    unlogged = make_attestation(identity=CI, logged=False)
    assert judge(f"signature: {BY_CI}", unlogged).verdict is Verdict.DENY
    optional = f"signature: {{identities: [{TRUST_CI}], transparency_log: optional}}"
    assert judge(optional, unlogged).verdict is Verdict.ALLOW
    required = "signature: {keys: [release.pub], transparency_log: required}"
    assert judge(required, by_key).verdict is Verdict.DENY
    assert judge(required, make_attestation(logged=True)).verdict is Verdict.ALLOW
    timed = "signature: {keys: [release.pub], timestamp: required}"
    assert judge(timed, by_key).verdict is Verdict.DENY
    assert judge(timed, make_attestation(signed_at=AT)).verdict is Verdict.ALLOW


@pytest.mark.parametrize("demand", ["transparency_log", "timestamp"])
def test_the_remedy_for_a_key_without_a_log_is_to_sign_in_public(demand: str) -> None:
    (violation,) = judge(
        f"signature: {{keys: [release.pub], {demand}: required}}", by_key
    ).violations
    assert violation.remedy.endswith(f"supplychain sign {SUBJECT} --key FILE --logged")


def test_one_entry_takes_not_back_what_another_restricts() -> None:
    pattern = f"{{identity_regexp: 'https://github.com/acme/.*', issuer: {CI.issuer}}}"
    revoked = f"{TRUST_CI[:-1]}, revoked: true}}"
    for entries in (f"{pattern}, {revoked}", f"{revoked}, {pattern}"):
        decision = judge(f"signature: {{identities: [{entries}]}}", by_ci)
        assert decision.verdict is Verdict.DENY
        assert "the identity is revoked" in decision.violations[0].message


def test_what_a_certificate_signed_is_no_keys_word() -> None:
    """Though its key be the trusted one: the policy trusts the key's holder, and no issuer."""
    assert by_ci.key_fingerprint == by_key.key_fingerprint
    assert judge("signature: {keys: [release.pub]}", by_ci).verdict is Verdict.DENY


def test_strangers_are_told_by_the_handful() -> None:
    many = [make_attestation(key=b"%d" % n) for n in range(20)]
    (violation,) = judge("signature: {keys: [release.pub]}", *many).violations
    assert violation.message.endswith(" and 15 more")


def test_a_stranger_with_a_long_name_does_not_fill_the_screen() -> None:
    name = "https://evil.example/" + "x" * 60_000
    long = make_attestation(identity=replace(CI, name=name, issuer=name))
    (violation,) = judge(f"signature: {BY_CI}", long).violations
    assert len(violation.message) < 2000


def test_an_attestation_of_the_index_or_of_each_platform_will_do() -> None:
    rule = "attestation: {type: vuln, keys: [release.pub]}"
    on_index = make_attestation(INDEX, predicate_type=VULN)
    on_amd64 = make_attestation(predicate_type=VULN)
    on_arm64 = make_attestation(ARM_SUBJECT, predicate_type=VULN)

    def index(*whole: VerifiedAttestation, arm: bool, amd: bool) -> Dossier:
        return make_dossier(
            make_platform(attestations=[on_amd64] if amd else []),
            make_platform(ARM_SUBJECT, platform=ARM, attestations=[on_arm64] if arm else []),
            subject=INDEX,
            attestations=whole,
        )

    assert judge_dossier(rule, index(on_index, arm=False, amd=False)).verdict is Verdict.ALLOW
    assert judge_dossier(rule, index(arm=True, amd=True)).verdict is Verdict.ALLOW
    (violation,) = judge_dossier(rule, index(arm=True, amd=False)).violations
    assert str(violation.platform) == "linux/amd64"
    (violation,) = judge_dossier(rule, index(arm=False, amd=False)).violations
    assert violation.platform is None
    # What is about a platform is not about the index.
    assert judge_dossier(rule, make_dossier(attestations=[on_arm64])).verdict is Verdict.DENY


def test_a_version_behind_the_type_is_the_same_type() -> None:
    versioned = make_attestation(predicate_type="https://openvex.dev/ns/v0.2.0")
    assert judge("attestation: {type: openvex, keys: [release.pub]}", versioned).verdict is (
        Verdict.ALLOW
    )


OF_IMAGE = Build("https://ci.example", "https://build.example/v1")
OF_EVIDENCE = Build("https://ci.example", PIPELINE_BUILD_TYPE)
PROVENANCES = {"slsaprovenance": PROVENANCE_02_PREDICATE, "slsaprovenance1": PROVENANCE_PREDICATE}


@pytest.mark.parametrize("name", PROVENANCES)
@pytest.mark.parametrize(
    ("options", "build", "allowed"),
    [
        ("", OF_IMAGE, True),
        ("", OF_EVIDENCE, False),
        ("", None, False),
        (", builders: [https://ci.example]", OF_IMAGE, True),
        (", builders: [https://ci.example]", OF_EVIDENCE, False),
        (", builders: [https://other.example, https://ci.example]", OF_IMAGE, True),
        (", builders: [https://ci.exampl]", OF_IMAGE, False),
        (", builders: [https://ci.example]", None, False),
        (", build_type: https://build.example/v1", OF_IMAGE, True),
        (", build_type: https://build.example/v2", OF_IMAGE, False),
        (f", build_type: '{PIPELINE_BUILD_TYPE}'", OF_EVIDENCE, True),
        (f", build_type: '{PIPELINE_BUILD_TYPE}'", OF_IMAGE, False),
        (", builders: [https://x.example], build_type: https://build.example/v1", OF_IMAGE, False),
    ],
)
def test_provenance_counts_for_the_build_that_it_tells_of(
    name: str, options: str, build: Build | None, allowed: bool
) -> None:
    """What `run` says of its own steps is no provenance of an image, whoever signed it."""
    said = make_attestation(predicate_type=PROVENANCES[name], build=build)
    decision = judge(f"attestation: {{type: {name}, keys: [release.pub]{options}}}", said)
    assert (decision.verdict is Verdict.ALLOW) is allowed
    if not allowed:
        assert decision.violations[0].message.startswith(f"no {name} of a build")


def test_what_is_no_provenance_is_asked_for_no_build() -> None:
    said = make_attestation(predicate_type=VULN)
    assert judge("attestation: {type: vuln, keys: [release.pub]}", said).verdict is Verdict.ALLOW


def test_an_age_ends_an_allow() -> None:
    old = make_attestation(predicate_type=VULN, verified_at=AT - 6 * DAY)
    decision = judge("attestation: {type: vuln, max_age: 7d, keys: [release.pub]}", old)
    assert decision.verdict is Verdict.ALLOW
    assert decision.holds_until == AT + DAY


def test_the_latest_of_several_counts() -> None:
    old = make_attestation(predicate_type=VULN, verified_at=AT - 6 * DAY)
    new = make_attestation(key=OTHER_KEY, predicate_type=VULN, verified_at=AT - DAY)
    rule = f"attestation: {{type: vuln, max_age: 7d, any_of: [{KEY}, {{keys: [other.pub]}}]}}"
    assert judge(rule, old, new).holds_until == AT + 6 * DAY


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("signature: {}", "this names nobody whose word counts"),
        ("signature: {transparency_log: required}", "this names nobody whose word counts"),
        ("signature: {any_of: []}", "the list is empty"),
        ("signature: {identities: []}", "the list is empty"),
        ("signature: {all_of: [{}]}", "this names nobody whose word counts"),
        ("signature: {all_of: [{any_of: []}]}", "the list is empty"),
        (f"signature: {{keys: [a.pub], all_of: [{KEY}]}}", "stand side by side"),
        (f"signature: {{any_of: [{KEY}], all_of: [{KEY}]}}", "stand side by side"),
        (
            f"signature: {{any_of: [{KEY}], timestamp: required}}",
            "transparency_log and timestamp are said of keys and identities",
        ),
        ("sbom: {timestamp: required}", "are said of keys and identities"),
        (
            "signature: {keys: [a.pub], timestamp: yes}",
            "'yes' is not required or optional; one of required, optional",
        ),
        ("signature: {all_of: [{keyz: [a.pub]}]}", "knows no 'keyz'; did you mean keys?"),
        ("signature: {all_of: [release.pub]}", "takes a mapping, found 'release.pub'"),
        ("attestation: {keys: [a.pub]}", "rule attestation needs 'type'"),
        ("attestation: {type: vuln}", "this names nobody whose word counts"),
        ("attestation: {type: vulnz, keys: [a.pub]}", "'vulnz' is not a predicate type"),
        (
            "attestation: {type: https://sigstore.dev/cosign/sign/v1, keys: [a.pub]}",
            "an image signature is not attested",
        ),
        ("attestation: {type: vsa, keys: [a.pub]}", "this would take either"),
        ("attestation: {type: vuln, builders: [x:y], keys: [a.pub]}", "are said of provenance"),
        ("attestation: {type: vuln, build_type: x:y, keys: [a.pub]}", "are said of provenance"),
        ("attestation: {type: slsaprovenance, builders: [me], keys: [a.pub]}", "is not a URI"),
    ],
)
def test_what_names_nobody_or_says_not_how_is_refused(rule: str, expected: str) -> None:
    with pytest.raises(PolicyError) as caught:
        make_policy(rule)
    assert expected in str(caught.value)


def test_the_canonical_form_gives_the_policy_back_and_older_ones_keep_theirs() -> None:
    rule = (
        f"signature: {{all_of: [{KEY}, {{any_of: [{{identities: [{TRUST_CI}], "
        f"transparency_log: optional}}, {BY_PERSON}]}}]}}"
    )
    policy = make_policy(rule, "attestation: {type: openvex, keys: [a.pub], max_age: 7d}")
    document = policy.canonical().decode()
    assert load(document) == policy
    validator = jsonschema_rs.validator_for(policy_schema())
    validator.validate(json.loads(document))
    assert not validator.is_valid(yaml.safe_load(document.replace("any_of", "some_of")))
    assert [str(one) for one in trusted_by(policy.rules[0].rule)] == [
        "release.pub",
        str(CI),
        str(PERSON),
    ]
    old = make_policy("signature: {keys: [release.pub]}", "sbom: {keys: [release.pub]}")
    # Made by the release before identities.
    assert (
        str(old.digest) == "sha256:e35dcdfddc64ac5e572c5e3e35b662a243bcb5f294ced2da79a871a3a9fc86e8"
    )
