"""Keys that count for a while: what rotation leaves valid, and what it does not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from supplychain.errors import PolicyError
from supplychain.gate.evaluate import evaluate
from supplychain.gate.policy import Policy
from supplychain.gate.rules.signature import Signature
from supplychain.model.decision import Decision, Verdict
from supplychain.model.evidence import VerifiedAttestation
from tests.kit.policies import (
    OTHER_KEY,
    load,
    make_attestation,
    make_dossier,
    make_platform,
    make_policy,
)
from tests.kit.scans import AT, SUBJECT

DAY = timedelta(days=1)
END = AT - 10 * DAY
ROTATED = make_policy(
    f"signature: {{keys: [other.pub, {{file: release.pub, not_after: {END.isoformat()}}}]}}"
)


def judge(policy: Policy, *attestations: VerifiedAttestation) -> Decision:
    dossier = make_dossier(attestations=attestations)
    return evaluate(dossier, policy, subject=SUBJECT, environment="prod", at=AT)


def old(*, signed_at: datetime | None = None, verified_at: datetime = AT) -> VerifiedAttestation:
    return make_attestation(signed_at=signed_at, verified_at=verified_at)


@pytest.mark.parametrize(
    ("times", "verdict"),
    [
        ({"verified_at": END - DAY}, Verdict.ALLOW),
        ({"verified_at": END}, Verdict.ALLOW),
        ({"verified_at": END + timedelta(microseconds=1)}, Verdict.DENY),
        # A trusted timestamp tells when it was signed, whenever we came to see it.
        ({"signed_at": END - DAY, "verified_at": AT}, Verdict.ALLOW),
        ({"signed_at": END + DAY, "verified_at": AT}, Verdict.DENY),
    ],
)
def test_what_an_old_key_signed_in_its_window_stays_valid(
    times: dict[str, datetime], verdict: Verdict
) -> None:
    assert judge(ROTATED, old(**times)).verdict is verdict


def test_the_new_key_signs_from_now_on() -> None:
    decision = judge(ROTATED, make_attestation(key=OTHER_KEY))
    assert decision.verdict is Verdict.ALLOW
    assert "signed with other.pub, 0 s ago" in [r.summary for r in decision.results]


def test_one_that_counts_is_not_hidden_by_a_later_one_that_does_not() -> None:
    later = judge(ROTATED, old(verified_at=END - DAY), old(verified_at=AT))
    assert later.verdict is Verdict.ALLOW


def test_the_remedy_names_only_keys_that_may_sign_now() -> None:
    (violation,) = judge(ROTATED, old()).violations
    assert violation.remedy.startswith("sign it with other.pub: supplychain sign ")
    retired = make_policy("signature: {keys: [{file: release.pub, revoked: true}]}")
    (violation,) = judge(retired, old()).violations
    assert violation.remedy.startswith("sign it with a key that the policy still has to name: ")


def test_nothing_that_a_revoked_key_signed_counts_whenever_it_was() -> None:
    entry = "{file: release.pub, not_after: 2099-01-01T00:00:00Z, revoked: true}"
    policy = make_policy(f"signature: {{keys: [{entry}]}}")
    early = old(signed_at=AT - 1000 * DAY, verified_at=AT - 999 * DAY)
    assert judge(policy, early).verdict is Verdict.DENY
    assert judge(make_policy("signature: {keys: [release.pub]}"), early).verdict is Verdict.ALLOW


def test_an_sbom_is_judged_by_the_same_window() -> None:
    entry = f"{{file: release.pub, not_after: {(AT - DAY).isoformat()}}}"
    policy = make_policy(f"sbom: {{keys: [{entry}]}}")
    dossier = make_dossier(make_platform())
    decision = evaluate(dossier, policy, subject=SUBJECT, environment="prod", at=AT)
    assert decision.verdict is Verdict.DENY
    assert "attestation with release.pub was first verified at" in decision.violations[0].message


def test_the_canonical_form_keeps_the_window_and_changes_no_older_policy() -> None:
    rules = "signature: {keys: [{file: a.pub, not_before: 2026-01-01T02:00:00+02:00}, b.pub]}"
    policy = make_policy(rules)
    assert load(policy.canonical().decode()) == policy
    (rule,) = json.loads(policy.canonical())["rules"]
    first, second = rule["signature"]["keys"]
    assert first["not_before"] == "2026-01-01T00:00:00Z"
    assert sorted(first) == ["name", "not_before", "pem"]
    assert sorted(second) == ["name", "pem"]
    assert make_policy("signature: {keys: [{file: a.pub}]}") == make_policy(
        "signature: {keys: [a.pub]}"
    )


def test_a_window_is_told_to_people() -> None:
    policy = make_policy(
        "signature: {keys: [{file: a.pub, not_before: 2026-01-01T00:00:00Z, "
        "not_after: 2026-12-01T00:00:00Z}, {file: b.pub, revoked: true}, c.pub]}"
    )
    (rule,) = (entry.rule for entry in policy.rules)
    assert isinstance(rule, Signature)
    assert [key.window for key in rule.keys] == [
        "from 2026-01-01T00:00:00Z until 2026-12-01T00:00:00Z",
        "revoked",
        "",
    ]
    assert rule.keys[0].not_after == datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{file: a.pub, not_after: tomorrow}", "is not an instant"),
        ("{file: a.pub, not_after: 2026-12-01T00:00:00}", "is not an instant"),
        ("{file: a.pub, not_after: 20261201T000000Z}", "is not an instant"),
        ("{file: a.pub, not_after: 2026-13-01T00:00:00Z}", "is not an instant"),
        ("{file: a.pub, not_after: }", "expected an instant"),
        ("{file: a.pub, revoked: maybe}", "is not true or false"),
        ("{file: a.pub, revoked_at: 2026-12-01T00:00:00Z}", "knows no 'revoked_at'"),
        ("{file: a.pub, pem: x}", "one of 'file' and 'pem'"),
        ("{file: a.pub, name: x}", "one of 'file' and 'pem'"),
        (
            "{file: a.pub, not_before: 2026-12-01T00:00:00Z, not_after: 2026-11-01T00:00:00Z}",
            "a.pub ends before it begins",
        ),
    ],
)
def test_what_restricts_nothing_clearly_is_refused(entry: str, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        make_policy(f"signature: {{keys: [{entry}]}}")


def test_a_key_cannot_stand_beside_its_own_restriction() -> None:
    with pytest.raises(PolicyError, match="is the same key as"):
        make_policy("signature: {keys: [{file: release.pub, revoked: true}, ./release.pub]}")
