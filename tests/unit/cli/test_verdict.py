"""A verdict in a terminal: complete, short where it is long, and harmless."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from supplychain.cli.console import Paint
from supplychain.cli.verdict import lines
from supplychain.model.decision import (
    Decision,
    EvidenceReference,
    Outcome,
    RuleResult,
    Verdict,
    Violation,
)
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.model.finding import Finding, Severity
from supplychain.model.subject import Platform, Subject

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SUBJECT = Subject("registry.example/shop", Digest.of(b"shop"))
SCAN = EvidenceReference(EvidenceKind.SCAN, Digest.of(b"scan"), NOW - timedelta(hours=3), 10800.0)
FINDING = Finding(
    "CVE-2019-19844",
    "pkg:pypi/django@2.2",
    "Django",
    "2.2",
    "2.2.9",
    Severity.CRITICAL,
    path="site-packages/Django-2.2.dist-info/METADATA",
)


def violation(finding: Finding = FINDING) -> Violation:
    return Violation(
        f"{finding.vulnerability_id} in {finding.package}",
        f"upgrade {finding.package} to {finding.fixed_version} or later",
        finding,
        NOW - timedelta(days=214),
        None,
        SCAN,
    )


def decision(*violations: Violation) -> Decision:
    denied = RuleResult("vulnerabilities", Outcome.VIOLATED, "1 finding", violations)
    passed = RuleResult("signature", Outcome.PASSED, "key 1f3c, 2 d ago")
    return Decision(
        SUBJECT,
        "prod",
        Verdict.DENY if violations else Verdict.ALLOW,
        (denied, passed) if violations else (passed,),
        (SCAN,),
        Digest.of(b"policy"),
        (Digest.of(b"db"),),
        NOW,
        NOW + timedelta(hours=21),
    )


def text(of: Decision, *, colour: bool = False, everything: bool = False) -> str:
    paint = Paint(enabled=colour)
    return "\n".join(lines(of, Digest.of(b"id"), paint, now=NOW, everything=everything))


def test_a_denial_names_subject_rule_finding_age_and_remedy() -> None:
    shown = text(decision(violation()))
    assert f"DENY  {SUBJECT} in prod" in shown
    finding = "CVE-2019-19844  critical  Django 2.2 → 2.2.9"
    path = "site-packages/Django-2.2.dist-info/METADATA"
    assert f" ✗ vulnerabilities  {finding}  {path}  known 214 d" in shown
    assert " ✓ signature        key 1f3c, 2 d ago" in shown
    assert "To allow it:\n  upgrade Django to 2.2.9 or later" in shown
    assert "Evidence: scan 3 h ago. Time alone changes this verdict in 21 h." in shown


def test_what_a_finding_was_judged_by_stands_beside_it() -> None:
    judged = replace(violation(), beside=("KEV", "grace 7 d"), notes=("in KEV since 2021-12-10",))
    shown = text(decision(judged))
    assert "METADATA  known 214 d, KEV, grace 7 d\n     in KEV since 2021-12-10" in shown


def test_what_a_waiver_bears_is_marked_and_says_by_whose_word() -> None:
    note = "waived by bob until 2026-12-31T00:00:00Z: it cannot be reached"
    borne = replace(violation(), waiver="WV-17", remedy="", notes=(note,))
    other = violation(replace(FINDING, vulnerability_id="CVE-2020-7471"))
    shown = text(decision(borne, other))
    assert " ~ vulnerabilities  CVE-2019-19844" in shown
    assert f"(WV-17)  known 214 d\n     {note}" in shown or f"(WV-17)\n     {note}" in shown
    assert " ✗ vulnerabilities  CVE-2020-7471" in shown
    allowed = decision()
    waived = RuleResult("vulnerabilities", Outcome.WAIVED, "1 finding", (borne,))
    assert " ~ vulnerabilities  CVE-2019-19844" in text(replace(allowed, results=(waived,)))


def test_an_allow_asks_for_nothing() -> None:
    shown = text(decision())
    assert shown.startswith("ALLOW")
    assert "To allow it" not in shown


def test_a_long_denial_is_cut_and_says_so_and_all_of_it_can_be_had() -> None:
    many = [violation(replace(FINDING, vulnerability_id=f"CVE-2020-{n}")) for n in range(30)]
    short = text(decision(*many))
    assert short.count("CVE-2020-") == 12
    assert "… and 18 more (--all shows them)" in short
    assert text(decision(*many), everything=True).count("CVE-2020-") == 30


def test_a_finding_without_a_fix_says_so_and_the_platform_is_named() -> None:
    unfixed = replace(
        violation(replace(FINDING, fixed_version="")), platform=Platform("linux", "arm64")
    )
    shown = text(decision(unfixed))
    assert "Django 2.2, no fix" in shown
    assert "[linux/arm64]" in shown


def test_a_hostile_package_name_cannot_drive_the_terminal() -> None:
    hostile = replace(FINDING, package="x\x1b[2J\x1b]0;owned\x07", path="a\r\nALLOW b")
    shown = text(decision(violation(hostile)), colour=True)
    escapes = {part.split("m")[0] for part in shown.split("\x1b")[1:]}
    assert escapes <= {"[31", "[32", "[2", "[1", "[0"}
    assert "\r" not in shown
    assert "\nALLOW" not in shown


def test_without_colour_there_is_no_escape_at_all() -> None:
    assert "\x1b" not in text(decision(violation()))
    assert "\x1b[31mDENY" in text(decision(violation()), colour=True)
