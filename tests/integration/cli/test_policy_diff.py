"""`supplychain policy diff`, typed: whose verdict another policy changes, and by which rule."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from supplychain.model.digest import Digest
from supplychain.model.finding import Severity
from supplychain.model.subject import Subject
from tests.kit.runs import manifest_run, scan_record
from tests.kit.scans import SUBJECT, make_finding
from tests.kit.typist import HOUR, Typist

OTHER = Subject("registry.test/shop/api", Digest.of(b"another manifest"))


def examined(typist: Typist) -> None:
    """Two images on record: one with a high finding, one without any."""
    typist.examined()
    high = make_finding(severity=Severity.HIGH)
    scan = scan_record(
        subject=OTHER,
        components=(),
        findings=(high,),
        report=b"of the other",
        produced_at=typist.now - HOUR,
    )
    with typist.record() as record:
        record.save_run(manifest_run(OTHER, scan=scan), at=typist.now - HOUR)


def test_every_image_whose_verdict_would_change_is_named_with_the_rule(typist: Typist) -> None:
    examined(typist)
    old = typist.policy("freshness: {scan: 24h}", "vulnerabilities: {severity: critical}")
    draft = "freshness: {scan: 24h}", "vulnerabilities: {severity: high}"
    new = typist.policy(*draft, name="draft")
    with closing(sqlite3.connect(typist.data / "supplychain.db")) as connection:
        before = list(connection.iterdump())
    told = typist.type("policy", "diff", old, new, "--recorded").ended(10)
    assert f"ALLOW → DENY  {OTHER} in prod" in told.stdout
    assert "vulnerabilities: CVE-2024-0727 high" in told.stdout
    assert str(SUBJECT.digest) not in told.stdout
    assert "1 of 2 verdicts would change" in told.stdout
    assert '- {"vulnerabilities": {"severity": "critical"}}' in told.stdout

    data = typist.type("policy", "diff", old, new, "--recorded", "-o", "json").ended(10).json()
    (change,) = data["changes"]
    assert (change["digest"], change["before"], change["after"]) == (
        str(OTHER.digest),
        "allow",
        "deny",
    )
    assert change["reasons"][0]["rule"] == "vulnerabilities"
    assert data["judged"] == 2
    # The other way round it is what the new policy complains of no longer.
    data = typist.type("policy", "diff", new, old, "--recorded", "-o", "json").ended(10).json()
    assert [r["rule"] for r in data["changes"][0]["reasons"]] == ["vulnerabilities"]
    with closing(sqlite3.connect(typist.data / "supplychain.db")) as connection:
        assert list(connection.iterdump()) == before


def test_folders_are_compared_by_environment_and_rules_without_a_record(typist: Typist) -> None:
    examined(typist)
    for environment in ("prod", "staging"):
        typist.policy("freshness: {scan: 24h}", environment=environment)
    drafts = typist.folder / "drafts"
    (typist.folder / "policies").rename(drafts)
    typist.policy("freshness: {scan: 24h}")
    typist.policy("freshness: {scan: 1h}", environment="staging")
    told = typist.type("policy", "diff", drafts, "policies", "--recorded").ended(10)
    assert "prod: the same policy" in told.stdout
    assert f"ALLOW → DENY  {SUBJECT} in staging" in told.stdout
    assert "of 4 verdicts would change" in told.stdout
    (typist.data / "supplychain.db").unlink()
    typist.type("policy", "diff", drafts, "policies").ended(0)
    typist.type("policy", "diff", drafts, "policies/prod.yaml").refused(2, "cannot be compared")
    pair = "policies/staging.yaml", "policies/prod.yaml"
    typist.type("policy", "diff", *pair).refused(2, "is for staging")
