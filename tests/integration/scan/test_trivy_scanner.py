"""Images scanned with the real Trivy."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from demo.vulndb import load_advisories, write_database
from supplychain.errors import ToolOutputError, VulnerabilityDatabaseError
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.model.finding import Severity
from supplychain.model.subject import Platform
from supplychain.scan.caches import CachePool
from supplychain.scan.database import DatabaseStore
from supplychain.scan.fingerprints import Fingerprints
from supplychain.scan.scanner import DatabaseGeneration, ScanResult, ScanTarget
from supplychain.scan.trivy import Trivy, TrivyScanner
from tests.kit.scanlayout import debian, node_package, python_package, write_image
from tests.kit.vulndb import (
    now,
    write_sample,
    write_without,
)

VULNERABLE = (
    debian(openssl="1.1.1n-0", zlib="1.2.12-1"),
    python_package("Django", "2.2") | node_package("lodash", "4.17.4"),
)


@pytest.fixture
def target(tmp_path: Path) -> ScanTarget:
    return write_image(tmp_path / "image", *VULNERABLE)


def ids(result: ScanResult) -> set[str]:
    return {finding.vulnerability_id for finding in result.scan.findings}


def content(result: ScanResult) -> tuple[object, object, str]:
    return result.scan.components, result.scan.findings, result.scan.operating_system


def test_finds_what_is_known_in_every_kind_of_package(
    trivy_scanner: TrivyScanner,
    sample_database: DatabaseGeneration,
    target: ScanTarget,
    workspace: Path,
) -> None:
    result = trivy_scanner.scan(target, database=sample_database, workspace=workspace)
    assert {"CVE-2022-0778", "CVE-2019-14234", "CVE-2019-10744", "CVE-2023-45853"} <= ids(result)
    found = {f.vulnerability_id: f for f in result.scan.findings}
    django = found["CVE-2019-14234"]
    assert (django.package, django.installed_version) == ("Django", "2.2")
    assert (django.severity, django.severity_source) == (Severity.CRITICAL, "ghsa")
    assert "2.2.4" in django.fixed_version
    assert django.layer == target.diff_ids[1]
    unfixed = found["CVE-2023-45853"]
    assert (unfixed.status, unfixed.fixable) == ("will_not_fix", False)
    assert result.scan.operating_system == "debian 12.5"
    assert {c.kind for c in result.scan.components} == {"os", "library", "operating-system"}
    assert {f.component for f in result.scan.findings} <= {c.key for c in result.scan.components}


def test_a_scan_is_evidence_of_who_found_it_when_and_with_what(
    trivy: Trivy,
    fingerprints: Fingerprints,
    sample_database: DatabaseGeneration,
    target: ScanTarget,
    tmp_path: Path,
    workspace: Path,
) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    pool = CachePool(tmp_path / "caches")
    scanner = TrivyScanner(trivy, pool, fingerprints, clock=lambda: at)
    result = scanner.scan(target, database=sample_database, workspace=workspace)
    evidence = result.scan.evidence
    assert (evidence.subject, evidence.kind) == (target.subject, EvidenceKind.SCAN)
    assert evidence.digest == Digest.of(result.report)
    assert (evidence.produced_at, evidence.verified_by) == (at, "first-hand")
    assert (evidence.producer.name, evidence.producer.version) == ("trivy", trivy.binary.version)
    assert evidence.producer.digest == trivy.binary.digest
    assert result.scan.database == sample_database.database


def test_the_repaired_image_is_clean(
    trivy_scanner: TrivyScanner,
    sample_database: DatabaseGeneration,
    tmp_path: Path,
    workspace: Path,
) -> None:
    repaired = write_image(
        tmp_path / "image",
        python_package("Django", "2.2.28") | node_package("lodash", "4.17.21"),
    )
    result = trivy_scanner.scan(repaired, database=sample_database, workspace=workspace)
    assert result.scan.findings == ()
    assert {c.name for c in result.scan.components} == {"Django", "lodash"}


def test_a_cached_image_is_scanned_to_the_same_result_and_an_uncached_one_too(
    trivy: Trivy,
    fingerprints: Fingerprints,
    sample_database: DatabaseGeneration,
    target: ScanTarget,
    tmp_path: Path,
    workspace: Path,
) -> None:
    scanners = [TrivyScanner(trivy, CachePool(tmp_path / n), fingerprints) for n in ("a", "b")]
    cold, warm, elsewhere = (
        scanner.scan(target, database=sample_database, workspace=workspace)
        for scanner in (scanners[0], scanners[0], scanners[1])
    )
    assert content(cold) == content(warm) == content(elsewhere)


def test_a_cache_warmed_by_one_image_says_nothing_about_another(
    trivy_scanner: TrivyScanner,
    sample_database: DatabaseGeneration,
    target: ScanTarget,
    tmp_path: Path,
    workspace: Path,
) -> None:
    trivy_scanner.scan(target, database=sample_database, workspace=workspace)
    # It shares its first layer with the other one.
    other = write_image(tmp_path / "other", VULNERABLE[0], python_package("requests", "2.19.0"))
    result = trivy_scanner.scan(other, database=sample_database, workspace=workspace)
    assert {"CVE-2022-0778", "CVE-2018-18074"} <= ids(result)
    assert not {"CVE-2019-14234", "CVE-2019-10744"} & ids(result)


def test_a_cached_image_is_judged_by_the_database_of_today(
    trivy: Trivy,
    trivy_scanner: TrivyScanner,
    sample_database: DatabaseGeneration,
    target: ScanTarget,
    tmp_path: Path,
    workspace: Path,
) -> None:
    before = trivy_scanner.scan(target, database=sample_database, workspace=workspace)
    document = load_advisories()
    django = next(a for a in document["advisories"] if a["id"] == "CVE-2019-14234")
    document["advisories"].append({**django, "id": "CVE-2099-0001"})
    folder = write_database(tmp_path / "tomorrow", document, now())
    store = DatabaseStore(tmp_path / "vulndb")
    tomorrow = store.import_database(folder, trivy=trivy, at=now())
    after = trivy_scanner.scan(target, database=tomorrow, workspace=workspace)
    assert ids(after) - ids(before) == {"CVE-2099-0001"}
    assert after.scan.database != before.scan.database


def test_scans_at_once_do_not_wait_for_each_others_cache(
    trivy_scanner: TrivyScanner,
    sample_database: DatabaseGeneration,
    target: ScanTarget,
    workspace: Path,
) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(
            pool.map(
                lambda _: trivy_scanner.scan(target, database=sample_database, workspace=workspace),
                range(4),
            )
        )
    assert len({repr(content(result)) for result in made}) == 1


def test_nothing_around_it_changes_what_it_says(
    trivy_scanner: TrivyScanner,
    sample_database: DatabaseGeneration,
    target: ScanTarget,
    tmp_path: Path,
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of these makes a bare Trivy find less, and end with 0."""
    plain = trivy_scanner.scan(target, database=sample_database, workspace=workspace)
    around = tmp_path / "around"
    around.mkdir()
    (around / "trivy.yaml").write_text("severity: [LOW]\npkg: {types: [os]}\n")
    (around / ".trivyignore").write_text("\n".join(ids(plain)))
    (around / "trivy-secret.yaml").write_text("{}")
    monkeypatch.chdir(around)
    for name, value in {
        "TRIVY_SEVERITY": "LOW",
        "TRIVY_IGNORE_UNFIXED": "true",
        "TRIVY_PKG_TYPES": "os",
        "TRIVY_SKIP_DIRS": "app,usr",
        "TRIVY_IGNOREFILE": str(around / ".trivyignore"),
        "TRIVY_CACHE_DIR": str(around),
        "HOME": str(around),
    }.items():
        monkeypatch.setenv(name, value)
    result = trivy_scanner.scan(target, database=sample_database, workspace=workspace)
    assert content(result) == content(plain)


def test_neither_our_environment_nor_our_folders_are_in_the_report(
    trivy_scanner: TrivyScanner,
    sample_database: DatabaseGeneration,
    target: ScanTarget,
    workspace: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COSIGN_PASSWORD", "xyzzy-secret")
    result = trivy_scanner.scan(target, database=sample_database, workspace=workspace)
    assert str(tmp_path).encode() not in result.report
    assert b"xyzzy-secret" not in result.report
    assert json.loads(result.report)["ArtifactName"] == "image"


def test_the_workspace_is_left_as_it_was_found(
    trivy_scanner: TrivyScanner,
    sample_database: DatabaseGeneration,
    target: ScanTarget,
    workspace: Path,
) -> None:
    trivy_scanner.scan(target, database=sample_database, workspace=workspace)
    with pytest.raises(ToolOutputError):
        trivy_scanner.scan(
            replace(target, diff_ids=()), database=sample_database, workspace=workspace
        )
    assert list(workspace.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"config_digest": Digest.of(b"another")}, "image configuration"),
        ({"diff_ids": (Digest.of(b"another"),)}, "layers"),
        ({"platform": Platform("linux", "arm64")}, "architecture"),
        ({"platform": Platform("windows", "amd64")}, "operating system"),
    ],
)
def test_a_report_about_another_image_is_refused(
    trivy_scanner: TrivyScanner,
    sample_database: DatabaseGeneration,
    target: ScanTarget,
    workspace: Path,
    changes: dict[str, Any],
    what: str,
) -> None:
    with pytest.raises(ToolOutputError, match="not about the image") as caught:
        trivy_scanner.scan(
            replace(target, **changes),
            database=sample_database,
            workspace=workspace,
        )
    assert str(caught.value.because).startswith(what)


def test_a_database_that_was_exchanged_is_refused(
    trivy_scanner: TrivyScanner,
    trivy: Trivy,
    target: ScanTarget,
    tmp_path: Path,
    workspace: Path,
) -> None:
    store = DatabaseStore(tmp_path / "vulndb")
    generation = store.import_database(write_sample(tmp_path / "a"), trivy=trivy, at=now())
    other = write_without(tmp_path / "b", "pip") / "trivy.db"
    (generation.path / "trivy.db").unlink()
    (generation.path / "trivy.db").write_bytes(other.read_bytes())
    with pytest.raises(VulnerabilityDatabaseError, match="not what it was"):
        trivy_scanner.scan(target, database=generation, workspace=workspace)
    (generation.path / "trivy.db").unlink()
    with pytest.raises(VulnerabilityDatabaseError, match="cannot be read"):
        trivy_scanner.scan(target, database=generation, workspace=workspace)


@pytest.mark.parametrize("layers", [(), ({"etc/motd": "hello"},)], ids=["no layer", "no package"])
def test_an_image_with_nothing_in_it(
    trivy_scanner: TrivyScanner,
    sample_database: DatabaseGeneration,
    tmp_path: Path,
    workspace: Path,
    layers: tuple[dict[str, str], ...],
) -> None:
    target = write_image(tmp_path / "image", *layers)
    result = trivy_scanner.scan(target, database=sample_database, workspace=workspace)
    assert content(result) == ((), (), "")


def test_a_foreign_architecture(
    trivy_scanner: TrivyScanner,
    sample_database: DatabaseGeneration,
    tmp_path: Path,
    workspace: Path,
) -> None:
    target = write_image(tmp_path / "image", *VULNERABLE, architecture="s390x")
    result = trivy_scanner.scan(target, database=sample_database, workspace=workspace)
    assert "CVE-2019-14234" in ids(result)


def test_relative_folders_are_good_enough(
    trivy: Trivy,
    fingerprints: Fingerprints,
    target: ScanTarget,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("work").mkdir()
    store = DatabaseStore(Path("vulndb"))
    database = store.import_database(write_sample(Path("new")), trivy=trivy, at=now())
    scanner = TrivyScanner(trivy, CachePool(Path("caches")), fingerprints)
    relative = replace(target, layout=Path(os.path.relpath(target.layout)))
    result = scanner.scan(relative, database=database, workspace=Path("work"))
    assert "CVE-2019-14234" in ids(result)
