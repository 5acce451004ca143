"""Rules that only warn, for good or until a date, in one environment or in all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from supplychain.errors import PolicyError
from supplychain.gate.evaluate import evaluate
from supplychain.model.decision import Decision, Outcome, Verdict
from tests.kit.policies import load, make_dossier
from tests.kit.scans import AT, SUBJECT

# Nobody signed this with the other key.
UNSIGNED = "signature: {keys: [other.pub]}"
NEXT_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
JUST = timedelta(microseconds=1)


def judge(terms: str, *, environment: str = "prod", at: datetime = AT) -> Decision:
    policy = load(
        f"schemaVersion: 1\nenvironment: {environment}\nrules:\n"
        f"  - sbom: {{}}\n  - {UNSIGNED}\n    {terms}\n"
    )
    return evaluate(make_dossier(), policy, subject=SUBJECT, environment=environment, at=at)


def test_a_rule_that_warns_is_shown_and_never_denies() -> None:
    decision = judge("warn: true", at=NEXT_YEAR)
    said = decision.results[-1]
    assert decision.verdict is Verdict.ALLOW
    assert said.outcome is Outcome.WARNED
    assert said.violations
    assert decision.violations == ()
    assert said.bites_at is None


def test_a_rollout_warns_up_to_its_instant_and_denies_from_it_on() -> None:
    terms = 'warn_until: "2027-01-01T00:00:00Z"'
    before = judge(terms)
    assert before.verdict is Verdict.ALLOW
    assert before.results[-1].bites_at == NEXT_YEAR
    assert before.holds_until == NEXT_YEAR - JUST
    assert judge(terms, at=NEXT_YEAR - JUST).verdict is Verdict.ALLOW
    on = judge(terms, at=NEXT_YEAR)
    assert on.verdict is Verdict.DENY
    assert on.results[-1].bites_at is None


def test_a_rollout_by_environment_denies_at_once_where_none_is_named() -> None:
    terms = 'warn_until: {prod: "2027-01-01T00:00:00Z"}'
    assert judge(terms).verdict is Verdict.ALLOW
    assert judge(terms, environment="staging").verdict is Verdict.DENY


def test_a_rule_has_a_name_of_its_own() -> None:
    assert judge("{id: two-keys}".strip("{}")).results[-1].id == "two-keys"


def test_a_policy_of_which_no_rule_is_in_force_yet_denies() -> None:
    policy = load(
        "schemaVersion: 1\nenvironment: prod\nrules:\n"
        '  - sbom: {}\n    warn_until: "2027-01-01T00:00:00Z"\n'
    )
    decision = evaluate(make_dossier(), policy, subject=SUBJECT, environment="prod", at=AT)
    assert decision.verdict is Verdict.DENY
    assert decision.violations[0].message == "no rule of the policy for prod is in force yet"


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("  - sbom: {}\n    warn: true\n", "every rule of the policy for prod only warns"),
        (
            '  - sbom: {}\n    warn: true\n    warn_until: "2027-01-01T00:00:00Z"\n',
            "warn and warn_until contradict one another",
        ),
        ("  - sbom: {}\n    wran: true\n", "stands beside rule sbom"),
        ("  - sbom: {}\n    warn_until: {}\n", "no environment is named"),
        ("  - sbom: {}\n    warn_until: soon\n", "'soon'"),
        ("  - warn: true\n", "there is no rule"),
    ],
)
def test_terms_that_make_no_sense_are_refused(rules: str, said: str) -> None:
    with pytest.raises(PolicyError) as refused:
        load(f"schemaVersion: 1\nenvironment: prod\nrules:\n{rules}")
    assert said in str(refused.value)


def test_the_canonical_form_keeps_the_terms() -> None:
    policy = load(
        "schemaVersion: 1\nenvironment: prod\nrules:\n"
        '  - sbom: {}\n    id: parts\n    warn_until: {prod: "2027-01-01T00:00:00Z"}\n'
    )
    assert load(policy.canonical().decode()) == policy
