"""Which provenance counts: of what builder and source, by whose word, reviewed by whom."""

from __future__ import annotations

from datetime import timedelta

import pytest

from supplychain.errors import PolicyError
from supplychain.gate.evaluate import evaluate
from supplychain.model.decision import Decision, Verdict
from supplychain.model.evidence import (
    PIPELINE_BUILD_TYPE,
    PROVENANCE_02_PREDICATE,
    PROVENANCE_PREDICATE,
    Build,
    VerifiedAttestation,
)
from tests.kit.policies import (
    ARM_SUBJECT,
    INDEX,
    OTHER_KEY,
    RELEASE_KEY,
    make_attestation,
    make_dossier,
    make_index,
    make_platform,
    make_policy,
)
from tests.kit.scans import AT, SUBJECT

SHOP = "https://github.com/acme/shop"
RUNNER = "https://github.com/actions/runner/github-hosted"
GOOD = Build(RUNNER, "https://example.com/build/v1", SHOP, "refs/heads/main", "ab" * 20)
DEMAND = f"builders: [{RUNNER}], sources: [{SHOP}], refs: [refs/heads/main], keys: [release.pub]"
REVIEW = "https://example.com/review/v1"


def told(
    build: Build = GOOD,
    *,
    key: bytes = RELEASE_KEY,
    kind: str = PROVENANCE_PREDICATE,
    ago: timedelta = timedelta(),
) -> VerifiedAttestation:
    return make_attestation(predicate_type=kind, build=build, key=key, verified_at=AT - ago)


def judge(options: str, *attestations: VerifiedAttestation) -> Decision:
    policy = make_policy(f"provenance: {{{options}}}")
    dossier = make_dossier(attestations=attestations)
    return evaluate(dossier, policy, subject=SUBJECT, environment="prod", at=AT)


@pytest.mark.parametrize("kind", [PROVENANCE_PREDICATE, PROVENANCE_02_PREDICATE])
def test_what_was_built_as_demanded_is_allowed(kind: str) -> None:
    decision = judge(DEMAND, told(kind=kind))
    assert decision.verdict is Verdict.ALLOW
    assert decision.results[-1].summary == f"built by {RUNNER} from {SHOP} at refs/heads/main"


@pytest.mark.parametrize(
    ("build", "note"),
    [
        (Build("https://evil.example", GOOD.kind, SHOP, GOOD.ref), "by https://evil.example"),
        (Build(RUNNER, GOOD.kind, f"{SHOP}-fork", GOOD.ref), f"from {SHOP}-fork"),
        (Build(RUNNER, GOOD.kind, SHOP, "refs/heads/mainly"), "from refs/heads/mainly"),
        (Build(RUNNER, GOOD.kind), "from a source it does not name"),
        (Build(RUNNER, GOOD.kind, SHOP), "from a ref it does not name"),
    ],
)
def test_any_other_build_is_none(build: Build, note: str) -> None:
    decision = judge(DEMAND, told(build))
    assert decision.verdict is Verdict.DENY
    (violation,) = decision.violations
    assert violation.notes == (f"there is provenance of another build: built {note}",)


def test_our_own_steps_are_no_build() -> None:
    own = Build(RUNNER, PIPELINE_BUILD_TYPE, SHOP, "refs/heads/main")
    assert judge("keys: [release.pub]", told(own)).verdict is Verdict.DENY
    assert judge("keys: [release.pub]", told()).verdict is Verdict.ALLOW


def test_a_stranger_says_nothing() -> None:
    assert judge(DEMAND, told(key=OTHER_KEY)).verdict is Verdict.DENY


def test_a_pattern_matches_the_whole_ref() -> None:
    tagged = Build(RUNNER, GOOD.kind, SHOP, "refs/tags/v1.2")
    rule = "ref_regexp: 'refs/tags/v[0-9.]+', keys: [release.pub]"
    assert judge(rule, told(tagged)).verdict is Verdict.ALLOW
    evil = Build(RUNNER, GOOD.kind, SHOP, "refs/tags/v1.2-evil")
    assert judge(rule, told(evil)).verdict is Verdict.DENY
    assert judge(rule, told(Build(RUNNER, GOOD.kind, SHOP))).verdict is Verdict.DENY


def test_it_grows_old() -> None:
    rule = f"{DEMAND}, max_age: 7d"
    decision = judge(rule, told(ago=timedelta(days=6)))
    assert decision.holds_until == AT + timedelta(days=1)
    assert judge(rule, told(ago=timedelta(days=8))).verdict is Verdict.DENY


def test_a_review_is_somebody_elses_word() -> None:
    rule = f"{DEMAND}, review_type: {REVIEW}, reviewed_by: {{keys: [other.pub]}}"
    review = make_attestation(predicate_type=REVIEW, key=OTHER_KEY)
    assert judge(rule, told(), review).verdict is Verdict.ALLOW
    assert judge(rule, told()).verdict is Verdict.DENY
    own = make_attestation(predicate_type=REVIEW, key=RELEASE_KEY)
    assert judge(rule, told(), own).verdict is Verdict.DENY
    assert judge(rule, review).verdict is Verdict.DENY


def test_each_platform_may_have_its_own() -> None:
    index = make_index()
    policy = make_policy(f"provenance: {{{DEMAND}}}")

    def verdict(*subjects: object) -> Verdict:
        platforms = [
            make_platform(
                p.subject,
                platform=p.platform,
                attestations=[
                    make_attestation(p.subject, predicate_type=PROVENANCE_PREDICATE, build=GOOD)
                ]
                if p.subject in subjects
                else [],
            )
            for p in index.platforms
        ]
        dossier = make_dossier(*platforms, subject=INDEX, attestations=())
        return evaluate(dossier, policy, subject=INDEX, environment="prod", at=AT).verdict

    assert verdict(SUBJECT, ARM_SUBJECT) is Verdict.ALLOW
    assert verdict(SUBJECT) is Verdict.DENY


@pytest.mark.parametrize(
    "options",
    ["builders: [https://x.example]", f"{DEMAND}, review_type: {REVIEW}"],
)
def test_half_a_demand_is_refused(options: str) -> None:
    with pytest.raises(PolicyError):
        make_policy(f"provenance: {{{options}}}")
