"""A scan as people and programs read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from supplychain.cli.console import Paint, printable
from supplychain.cli.context import rfc3339
from supplychain.model.evidence import Scan
from supplychain.model.finding import Finding, Severity
from supplychain.model.subject import Platform

if TYPE_CHECKING:
    from supplychain.records.run import RunRecord

_COLOUR = {Severity.CRITICAL: "red", Severity.UNKNOWN: "red", Severity.HIGH: "yellow"}


def scan_lines(run: RunRecord, paint: Paint) -> Iterator[str]:
    """The findings of every platform that was scanned, the worst first."""
    for platform in run.platforms:
        if platform.scan is not None:
            yield from _platform(platform.platform, platform.scan.scan, paint)


def scan_document(run: RunRecord) -> dict[str, object]:
    """The same as data, with everything whole."""
    return {
        "subject": {"name": run.subject.name, "digest": str(run.subject.digest)},
        "platforms": [
            {
                "digest": str(p.subject.digest),
                "platform": str(p.platform),
                "scan": _document(p.scan.scan) if p.scan else None,
            }
            for p in run.platforms
        ],
    }


def _platform(platform: Platform, scan: Scan, paint: Paint) -> Iterator[str]:
    counts = Counter(finding.severity for finding in scan.findings)
    shown = ", ".join(f"{counts[s]} {s}" for s in sorted(counts, reverse=True))
    system = printable(scan.operating_system) or "no operating system"
    yield paint("bold", f"{printable(str(platform))}  {system}, {len(scan.components)} components")
    for finding in sorted(scan.findings, key=lambda f: (-f.severity, f.vulnerability_id, f.path)):
        yield _line(finding, paint)
    yield f"  {shown or 'no findings'}  (database {scan.database.digest.short})"


def _line(finding: Finding, paint: Paint) -> str:
    severity = paint(_COLOUR.get(finding.severity, "dim"), f"{finding.severity!s:<10}")
    fix = f"\N{RIGHTWARDS ARROW} {finding.fixed_version}" if finding.fixable else "no fix"
    what = f"{finding.vulnerability_id:<18} {finding.package} {finding.installed_version} {fix}"
    return f"  {severity} {printable(what)}  {paint('dim', printable(finding.path))}".rstrip()


def _document(scan: Scan) -> dict[str, object]:
    return {
        "scanned_at": rfc3339(scan.evidence.produced_at),
        "scanner": f"{scan.evidence.producer.name} {scan.evidence.producer.version}",
        "database": {
            "digest": str(scan.database.digest),
            "updated_at": rfc3339(scan.database.updated_at),
        },
        "report": str(scan.evidence.digest),
        "operating_system": scan.operating_system,
        "component_count": len(scan.components),
        "findings": [
            {
                "vulnerability_id": finding.vulnerability_id,
                "severity": str(finding.severity),
                "severity_source": finding.severity_source,
                "package": finding.package,
                "purl": finding.purl,
                "installed_version": finding.installed_version,
                "fixed_version": finding.fixed_version,
                "path": finding.path,
                "status": finding.status,
            }
            for finding in scan.findings
        ],
    }
