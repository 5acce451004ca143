"""A scan as people and programs read it."""

from __future__ import annotations

from typing import Any

from supplychain.cli.console import Paint
from supplychain.cli.findings import scan_document, scan_lines
from supplychain.model.finding import Severity
from tests.kit.runs import manifest_run, platform_record, scan_record
from tests.kit.scans import DATABASE, SUBJECT, make_component, make_finding

PLAIN = Paint(enabled=False)
JINJA = make_component("Jinja2", "2.10", ecosystem="python-pkg")
LOW = make_finding(severity=Severity.LOW, vulnerability_id="CVE-2024-0001", fixed_version="")
CRITICAL = make_finding(JINJA, severity=Severity.CRITICAL, vulnerability_id="CVE-2019-10906")
UNRATED = make_finding(severity=Severity.UNKNOWN, vulnerability_id="CVE-2025-0001")


def test_the_worst_comes_first_and_counts_come_last() -> None:
    run = manifest_run(scan=scan_record(findings=(LOW, CRITICAL)))
    head, *findings, counts = scan_lines(run, PLAIN)
    assert head == "linux/amd64  debian 12.5, 1 components"
    assert [line.split()[:2] for line in findings] == [
        ["critical", "CVE-2019-10906"],
        ["low", "CVE-2024-0001"],
    ]
    assert findings[0].endswith("dist-info/METADATA")
    assert "no fix" in findings[1]
    assert counts == f"  1 critical, 1 low  (database {DATABASE.digest.short})"


def test_what_nobody_rated_is_not_shown_as_harmless() -> None:
    run = manifest_run(scan=scan_record(findings=(CRITICAL, UNRATED)))
    assert "CVE-2025-0001" in list(scan_lines(run, PLAIN))[1]


def test_nothing_found_is_said() -> None:
    run = manifest_run(scan=scan_record(findings=()))
    assert list(scan_lines(run, PLAIN))[-1].startswith("  no findings  ")


def test_a_package_cannot_drive_the_terminal() -> None:
    evil = make_component("\x1b[2Jevil\nALLOW", "1", ecosystem="python-pkg", path="a\rb")
    run = manifest_run(scan=scan_record(components=(evil,), findings=(make_finding(evil),)))
    assert all(line.isprintable() for line in scan_lines(run, PLAIN))


def test_a_platform_that_was_not_scanned_is_left_out_of_the_text_and_null_in_the_data() -> None:
    run = manifest_run(scan=scan_record())
    unscanned = type(run)(run.subject, run.media_type, (platform_record(),), tag=None)
    assert list(scan_lines(unscanned, PLAIN)) == []
    assert scan_document(unscanned)["platforms"] == [
        {"digest": str(SUBJECT.digest), "platform": "linux/amd64", "scan": None}
    ]


def test_as_data_everything_is_whole() -> None:
    run = manifest_run(scan=scan_record(findings=(CRITICAL,)))
    document: dict[str, Any] = scan_document(run)
    scan = document["platforms"][0]["scan"]
    assert scan["database"]["digest"] == str(DATABASE.digest)
    assert scan["scanned_at"] == "2026-01-15T12:00:00Z"
    assert scan["component_count"] == 1
    assert scan["findings"] == [
        {
            "vulnerability_id": "CVE-2019-10906",
            "severity": "critical",
            "severity_source": "ghsa",
            "package": "Jinja2",
            "purl": JINJA.purl,
            "installed_version": "2.10",
            "fixed_version": "3.0.13-1~deb12u1",
            "path": JINJA.path,
            "status": "fixed",
        }
    ]
