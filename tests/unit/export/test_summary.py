"""Decisions as SLSA verification summaries."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from supplychain.export.summary import render
from supplychain.model.decision import Decision, EvidenceReference, Verdict
from supplychain.model.digest import Digest
from supplychain.model.evidence import SUMMARY_PREDICATE, EvidenceKind, Producer
from supplychain.model.subject import Subject
from supplychain.signing import statement
from tests.kit.runs import make_decision
from tests.kit.scans import AT, SUBJECT

PRODUCT = Producer("supplychain", "1.2.3")
POLICY = Digest.of(b"a policy")
BUNDLE = Digest.of(b"a bundle")
DECISION = replace(
    make_decision(),
    subject=SUBJECT,
    environment="prod",
    verdict=Verdict.ALLOW,
    policy=POLICY,
    decided_at=AT + timedelta(milliseconds=5),
    evidence=(EvidenceReference(EvidenceKind.SIGNATURE, BUNDLE, AT, 1.0),),
)


def test_an_allow_has_passed_and_claims_no_level() -> None:
    assert json.loads(render(DECISION, verifier="https://ci.example", product=PRODUCT)) == {
        "verifier": {"id": "https://ci.example", "version": {"supplychain": "1.2.3"}},
        "timeVerified": "2026-01-15T12:00:00.005000Z",
        "resourceUri": f"pkg:oci/web@{SUBJECT.digest}?repository_url={SUBJECT.name}",
        "policy": {
            "uri": "pkg:generic/supplychain#policy/prod",
            "digest": {"sha256": POLICY.hex},
        },
        "inputAttestations": [{"name": "signature", "digest": {"sha256": BUNDLE.hex}}],
        "verificationResult": "PASSED",
        "verifiedLevels": ["SLSA_BUILD_LEVEL_UNEVALUATED"],
        "slsaVersion": "1.1",
    }


def test_what_was_judged_is_named_as_one_document_too() -> None:
    inputs = Digest.of(b"the inputs")
    said = json.loads(render(replace(DECISION, inputs=inputs), verifier="x:y", product=PRODUCT))
    assert said["inputAttestations"][1:] == [{"name": "inputs", "digest": {"sha256": inputs.hex}}]
    assert said["policy"]["digest"] == {"sha256": POLICY.hex}


@pytest.mark.parametrize("verdict", [one for one in Verdict if one is not Verdict.ALLOW])
def test_whatever_is_no_allow_has_failed(verdict: Verdict) -> None:
    said = json.loads(render(replace(DECISION, verdict=verdict), verifier="x:y", product=PRODUCT))
    assert (said["verificationResult"], said["verifiedLevels"]) == ("FAILED", ["FAILED"])


@pytest.mark.parametrize(
    "decision",
    [
        DECISION,
        replace(DECISION, policy=None, evidence=(), verdict=Verdict.DENY),
        replace(DECISION, subject=Subject("image", SUBJECT.digest)),
    ],
)
def test_every_decision_makes_a_summary_that_can_be_signed(decision: Decision) -> None:
    predicate = render(decision, verifier="x:y", product=PRODUCT)
    assert predicate == render(decision, verifier="x:y", product=PRODUCT)
    statement.write(SUBJECT, SUMMARY_PREDICATE, predicate)
