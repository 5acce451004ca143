"""What makes two decisions the same, and a decision that comes out again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.errors import InputError, VerificationError
from supplychain.gate.decision_document import to_document
from supplychain.gate.durations import ageless, span
from supplychain.gate.essence import essence_of
from supplychain.gate.evaluate import evaluate
from supplychain.gate.inputs import Inputs
from supplychain.gate.inputs import to_document as inputs_document
from supplychain.gate.policy import Policy
from supplychain.gate.replay import replay
from supplychain.model.decision import Decision
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier
from supplychain.model.evidence import EvidenceKind
from supplychain.model.finding import Severity
from tests.kit.policies import (
    OTHER_KEY,
    known,
    make_attestation,
    make_dossier,
    make_platform,
    make_policy,
)
from tests.kit.scans import AT, SUBJECT, make_finding

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
POLICY = make_policy(
    "signature: {keys: [release.pub]}",
    "freshness: {scan: 24h, database: 48h}",
    "vulnerabilities: {severity: high, grace: 7d}",
)
SPANS = st.timedeltas(timedelta(), timedelta(days=400)).map(span)


def decide(
    dossier: Dossier | None = None, *, after: timedelta = timedelta(), policy: Policy = POLICY
) -> Decision:
    dossier = dossier or make_dossier()
    return evaluate(dossier, policy, subject=SUBJECT, environment="prod", at=AT + after)


@given(SPANS, SPANS)
def test_a_sentence_is_the_same_whatever_time_has_passed(one: str, other: str) -> None:
    assert ageless(f"scanned {one} ago, limit {other}") == ageless(
        f"scanned {other} ago, limit {one}"
    )


@pytest.mark.parametrize(
    "text", ["CVE-2019-1 in libssl3 3.0.11", "1.2.3 dpkg", "v2 d", "3 days", "12 sources", "1:2 s"]
)
def test_nothing_else_is_taken_for_an_age(text: str) -> None:
    assert ageless(text) == text


def test_time_alone_makes_no_other_decision_as_long_as_it_holds() -> None:
    stale = make_platform(findings=[known(make_finding(severity=Severity.HIGH), for_=9 * DAY)])
    for dossier in (make_dossier(), make_dossier(stale)):
        before, after = decide(dossier), decide(dossier, after=61 * MINUTE)
        assert to_document(before) != to_document(after)
        assert essence_of(before) == essence_of(after)


def test_a_new_reason_other_evidence_another_policy_and_another_name_do() -> None:
    finding = known(make_finding(severity=Severity.HIGH), for_=9 * DAY)
    denied = make_dossier(make_platform(findings=[finding]))
    unsigned = replace(denied, attestations=())
    foreign = replace(denied, attestations=(make_attestation(key=OTHER_KEY),))
    stricter = make_policy("signature: {keys: [release.pub]}", "sbom: {}")
    renamed = replace(make_dossier(), subject=replace(SUBJECT, name="mirror.test/web"))
    found = [
        decide(),
        decide(denied),
        decide(denied, after=2 * DAY),  # denied as before, and stale now
        decide(unsigned),
        decide(foreign),
        decide(policy=stricter),
        decide(renamed),
        decide(make_dossier(attestations=[make_attestation(verified_at=AT - DAY)])),
    ]
    assert len({essence_of(one) for one in found}) == len(found)


def test_a_waiver_and_what_is_awaited_are_of_the_essence() -> None:
    denied = decide(make_dossier(make_platform(scan=None)))
    (result,) = [r for r in denied.results if r.rule == "freshness"]
    for change in ({"waiver": "WV-1"}, {"awaits": EvidenceKind.SBOM}, {"notes": ("a claim",)}):
        violations = tuple(replace(v, **change) for v in result.violations)
        other = replace(denied, results=(replace(result, violations=violations),))
        same = replace(denied, results=(result,))
        assert essence_of(other) != essence_of(same)


def replayable(decision: Decision, dossier: Dossier | None, policy: Policy) -> tuple[bytes, bytes]:
    inputs = inputs_document(Inputs(SUBJECT, "prod", policy.digest, dossier))
    return to_document(replace(decision, inputs=Digest.of(inputs))), inputs


def test_a_decision_comes_out_again_byte_for_byte() -> None:
    finding = known(make_finding(severity=Severity.HIGH), for_=9 * DAY)
    for dossier in (None, make_dossier(), make_dossier(make_platform(findings=[finding]))):
        made = evaluate(dossier, POLICY, subject=SUBJECT, environment="prod", at=AT)
        document, inputs = replayable(made, dossier, POLICY)
        assert to_document(replay(document, inputs, POLICY)) == document


def test_a_decision_that_was_forged_does_not_come_out_again() -> None:
    finding = known(make_finding(severity=Severity.CRITICAL), for_=9 * DAY)
    dossier = make_dossier(make_platform(findings=[finding]))
    document, inputs = replayable(decide(dossier), dossier, POLICY)
    forged = json.loads(document) | {"verdict": "allow", "results": [], "remedies": []}
    text = json.dumps(forged, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    with pytest.raises(VerificationError, match="it was allow, now deny") as caught:
        replay(text, inputs, POLICY)
    assert '- "results": [],' in str(caught.value.because)


def test_documents_that_do_not_belong_together_are_refused() -> None:
    document, inputs = replayable(decide(), make_dossier(), POLICY)
    other = inputs_document(Inputs(SUBJECT, "prod", POLICY.digest, None))
    with pytest.raises(InputError, match="not the inputs"):
        replay(document, other, POLICY)
    for policy in (None, make_policy("sbom: {}")):
        with pytest.raises(InputError, match="not the policy"):
            replay(document, inputs, policy)
