"""The stored form of a decision: stable bytes, complete, and read back to the same decision."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta, timezone

import pytest

from supplychain.errors import InputError
from supplychain.gate.decision_document import from_document, to_document
from supplychain.gate.evaluate import evaluate
from supplychain.model.decision import Decision
from supplychain.model.finding import CvssScore, Rating, Severity
from tests.kit.policies import INDEX, known, make_dossier, make_index, make_platform, make_policy
from tests.kit.scans import AT, SUBJECT, make_finding

POLICY = make_policy(
    "signature: {keys: [release.pub]}",
    "sbom: {keys: [release.pub]}",
    "freshness: {scan: 24h}",
    "vulnerabilities: {severity: high}",
)


def denied() -> Decision:
    findings = [
        known(
            make_finding(
                severity=Severity.CRITICAL,
                ratings=(Rating("nvd", Severity.HIGH),),
                scores=(CvssScore("nvd", 3, 7.5, "CVSS:3.1/…"),),
                aliases=("DSA-1-1",),
                weaknesses=("CWE-79",),
            ),
            for_=timedelta(days=3),
        ),
        known(make_finding(vulnerability_id="CVE-1", layer=None, published_at=None)),
    ]
    return evaluate(make_index(findings=findings), POLICY, subject=INDEX, environment="prod", at=AT)


def allowed() -> Decision:
    return evaluate(make_dossier(), POLICY, subject=SUBJECT, environment="prod", at=AT)


def unseen() -> Decision:
    return evaluate(None, POLICY, subject=SUBJECT, environment="prod", at=AT)


def without_policy() -> Decision:
    return evaluate(make_dossier(), None, subject=SUBJECT, environment="prod", at=AT)


@pytest.mark.parametrize("decide", [denied, allowed, unseen, without_policy])
def test_it_reads_back_to_the_same_decision_and_the_same_bytes(
    decide: Callable[[], Decision],
) -> None:
    decision = decide()
    document = to_document(decision)
    assert from_document(document) == decision
    assert to_document(decide()) == document


def test_its_form_is_fixed() -> None:
    # Fields are added within a version, never renamed: a decision is kept for years.
    assert json.loads(to_document(unseen())) == {
        "schemaVersion": 1,
        "subject": {"name": SUBJECT.name, "digest": str(SUBJECT.digest)},
        "environment": "prod",
        "verdict": "deny",
        "decided_at": "2026-01-15T12:00:00Z",
        "holds_until": None,
        "policy": str(POLICY.digest),
        "inputs": None,
        "databases": [],
        "evidence": [],
        "results": [
            {
                "rule": "record",
                "outcome": "violated",
                "summary": "nothing is recorded about this digest",
                "notes": [],
                "violations": [
                    {
                        "message": "nothing is recorded about this digest",
                        "remedy": f"supplychain run {SUBJECT}",
                        "finding": None,
                        "first_seen_at": None,
                        "platform": None,
                        "evidence": None,
                        "purl": "",
                        "awaits": None,
                        "waiver": "",
                        "notes": [],
                        "beside": [],
                    }
                ],
                "id": "",
                "bites_at": None,
            }
        ],
        "remedies": [f"supplychain run {SUBJECT}"],
    }


def test_a_document_from_before_ratings_were_kept_reads_back() -> None:
    document = json.loads(to_document(denied()))
    for result in document["results"]:
        for violation in result["violations"]:
            violation.pop("beside")
            for name in ("ratings", "scores", "aliases", "weaknesses"):
                (violation["finding"] or {}).pop(name, None)
    read = from_document(json.dumps(document).encode())
    assert [v.message for v in read.violations] == [v.message for v in denied().violations]


def test_a_finding_is_whole() -> None:
    results = json.loads(to_document(denied()))["results"]
    violation = next(r for r in results if r["rule"] == "vulnerabilities")["violations"][0]
    assert violation["platform"] == "linux/arm64"
    assert violation["first_seen_at"] == "2026-01-12T12:00:00Z"
    assert violation["evidence"]["kind"] == "scan"
    assert violation["evidence"]["age_seconds"] == 0
    assert violation["finding"] == {
        "vulnerability_id": "CVE-2024-0727",
        "purl": "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12.5",
        "package": "libssl3",
        "installed_version": "3.0.11-1~deb12u2",
        "fixed_version": "3.0.13-1~deb12u1",
        "severity": "critical",
        "severity_source": "debian",
        "path": "",
        "status": "fixed",
        "title": "libssl3: something an attacker can use",
        "url": "https://example.org/CVE-2024-0727",
        "published_at": "2025-10-17T12:00:00Z",
        "layer": str(make_finding().layer),
        "component": make_finding().component,
        "ratings": [{"source": "nvd", "severity": "high"}],
        "scores": [{"source": "nvd", "version": 3, "score": 7.5, "vector": "CVSS:3.1/…"}],
        "aliases": ["DSA-1-1"],
        "weaknesses": ["CWE-79"],
    }


def test_the_instant_may_come_in_any_zone_and_is_kept_in_utc() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    decision = evaluate(make_dossier(), POLICY, subject=SUBJECT, environment="prod", at=elsewhere)
    assert to_document(decision) == to_document(allowed())
    with pytest.raises(InputError, match="no time zone"):
        evaluate(
            make_dossier(),
            POLICY,
            subject=SUBJECT,
            environment="prod",
            at=AT.replace(tzinfo=None),
        )


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"schemaVersion": 1}',
        b'{"schemaVersion": 2}',
        to_document(allowed()).replace(b'"allow"', b'"maybe"'),
        to_document(allowed()).replace(b"sha256:", b"md5:"),
    ],
)
def test_what_is_no_decision_document_is_refused(document: bytes) -> None:
    with pytest.raises(InputError):
        from_document(document)


def test_hostile_names_survive() -> None:
    finding = make_finding(path="a\nb\x1b[31m\u202e\ud800", severity=Severity.CRITICAL)
    dossier = make_dossier(make_platform(findings=[known(finding)]))
    decision = evaluate(dossier, POLICY, subject=SUBJECT, environment="prod", at=AT)
    document = to_document(decision)
    assert document.isascii()
    assert document.count(b"\n") == 1
    assert from_document(document) == decision
