"""What every `Scanner` has to keep to: the real Trivy, and the one that plays back its reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from supplychain.errors import ToolOutputError
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.model.subject import Platform
from supplychain.scan.scanner import DatabaseGeneration, Scanner, ScanTarget
from supplychain.scan.trivy import TrivyScanner
from tests.kit.scanlayout import debian, python_package, write_image
from tests.kit.scanner import RecordedScanner


@pytest.fixture
def target(tmp_path: Path) -> ScanTarget:
    return write_image(
        tmp_path / "image", debian(openssl="1.1.1n-0"), python_package("Django", "2.2")
    )


@pytest.fixture(params=["trivy", "recorded"])
def scanner(
    request: pytest.FixtureRequest,
    trivy_scanner: TrivyScanner,
    target: ScanTarget,
    sample_database: DatabaseGeneration,
    workspace: Path,
) -> Scanner:
    if request.param == "trivy":
        return trivy_scanner
    result = trivy_scanner.scan(target, database=sample_database, workspace=workspace)
    return RecordedScanner({target.config_digest: result.report})


def test_a_scan_is_of_the_target_with_the_database_and_its_report_is_whole(
    scanner: Scanner, target: ScanTarget, sample_database: DatabaseGeneration, workspace: Path
) -> None:
    result = scanner.scan(target, database=sample_database, workspace=workspace)
    evidence = result.scan.evidence
    assert (evidence.subject, evidence.kind) == (target.subject, EvidenceKind.SCAN)
    assert evidence.digest == Digest.of(result.report)
    assert evidence.produced_at.tzinfo is UTC
    assert evidence.verified_by
    assert evidence.producer.name
    assert result.scan.database == sample_database.database


def test_everything_is_sorted_and_hangs_together(
    scanner: Scanner, target: ScanTarget, sample_database: DatabaseGeneration, workspace: Path
) -> None:
    scan = scanner.scan(target, database=sample_database, workspace=workspace).scan
    keys = [component.key for component in scan.components]
    assert keys == sorted(set(keys))
    assert len(keys) == 3
    order = [(f.vulnerability_id, f.purl, f.path, f.component) for f in scan.findings]
    assert order == sorted(set(order))
    assert len(order) > 5
    assert {f.component for f in scan.findings} <= set(keys)
    assert {key for c in scan.components for key in c.depends_on} <= set(keys)
    assert {c.layer for c in scan.components} <= {None, *target.diff_ids}


def test_the_same_image_is_found_to_be_the_same(
    scanner: Scanner, target: ScanTarget, sample_database: DatabaseGeneration, workspace: Path
) -> None:
    first, second = (
        scanner.scan(target, database=sample_database, workspace=workspace).scan for _ in range(2)
    )
    assert (first.components, first.findings) == (second.components, second.findings)


def test_a_report_about_another_image_is_refused(
    scanner: Scanner, target: ScanTarget, sample_database: DatabaseGeneration, workspace: Path
) -> None:
    for other in (
        replace(target, config_digest=Digest.of(b"another")),
        replace(target, diff_ids=target.diff_ids[:1]),
        replace(target, platform=Platform("linux", "arm64")),
    ):
        with pytest.raises(ToolOutputError):
            scanner.scan(other, database=sample_database, workspace=workspace)


def test_the_workspace_is_left_as_it_was_found(
    scanner: Scanner, target: ScanTarget, sample_database: DatabaseGeneration, workspace: Path
) -> None:
    (workspace / "mine").write_text("")
    scanner.scan(target, database=sample_database, workspace=workspace)
    assert [entry.name for entry in workspace.iterdir()] == ["mine"]
