"""A `Scanner` without Trivy: it plays back what Trivy reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from supplychain.errors import ToolOutputError
from supplychain.model.digest import Digest
from supplychain.model.evidence import Evidence, EvidenceKind, Producer, Scan
from supplychain.scan.process import nothing
from supplychain.scan.report import read_report
from supplychain.scan.scanner import DatabaseGeneration, ScanResult, ScanTarget
from supplychain.scan.trivy import REPORT_MEDIA_TYPE
from tests.kit.scans import AT


@dataclass(frozen=True, slots=True)
class RecordedScanner:
    """Answers with stored reports.

    Attributes:
        reports: Reports by the digest of the image configuration that they are about.
        at: When it claims to scan.
    """

    reports: Mapping[Digest, bytes]
    at: datetime = AT

    def scan(
        self,
        target: ScanTarget,
        *,
        database: DatabaseGeneration,
        workspace: Path,
        meanwhile: Callable[[], None] = nothing,
    ) -> ScanResult:
        """See `Scanner.scan`; an image of which there is no report is refused."""
        meanwhile()
        raw = self.reports.get(target.config_digest, b"")
        report = read_report(raw)
        if (report.diff_ids, report.os, report.architecture) != (
            target.diff_ids,
            target.platform.os,
            target.platform.architecture,
        ):
            raise ToolOutputError("the recorded report is not about this image")
        system = report.system
        evidence = Evidence(
            subject=target.subject,
            kind=EvidenceKind.SCAN,
            digest=Digest.of(raw),
            media_type=REPORT_MEDIA_TYPE,
            producer=Producer("recorded", report.version),
            produced_at=self.at,
            verified_by="first-hand",
        )
        scan = Scan(
            evidence=evidence,
            database=database.database,
            operating_system=f"{system.family} {system.release}" if system else "",
            components=report.components,
            findings=report.findings,
            secrets=report.secrets,
        )
        return ScanResult(scan, raw)
