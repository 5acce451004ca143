"""What Trivy or its database cannot see: it ends with 0 and finds nothing, and we do not."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from supplychain.errors import VulnerabilityDatabaseError
from supplychain.model.finding import Severity
from supplychain.scan.database import DatabaseStore
from supplychain.scan.scanner import DatabaseGeneration, ScanResult
from supplychain.scan.trivy import Trivy, TrivyScanner
from tests.kit.scanlayout import alpine, debian, node_package, write_image
from tests.kit.vulndb import (
    now,
    write_every_kind,
    write_java_database,
    write_without,
)


def ids(result: ScanResult) -> set[str]:
    return {finding.vulnerability_id for finding in result.scan.findings}


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        (alpine("3.22.1", openssl="3.0.0-r0"), "alpine 3.22"),
        (debian("13.1", openssl="3.5.0-1"), "debian 13"),
        ({"app/vendor/x/Gemfile.lock": ""} | node_package("lodash", "4.17.4"), "npm"),
    ],
)
def test_what_the_database_does_not_know_is_refused_and_not_clean(
    trivy_scanner: TrivyScanner,
    trivy: Trivy,
    tmp_path: Path,
    workspace: Path,
    files: dict[str, str],
    missing: str,
) -> None:
    store = DatabaseStore(tmp_path / "vulndb")
    folder = write_without(tmp_path / "a", "npm")
    generation = store.import_database(folder, trivy=trivy, at=now())
    target = write_image(tmp_path / "image", files)
    with pytest.raises(VulnerabilityDatabaseError, match=f"knows nothing of {missing}"):
        trivy_scanner.scan(target, database=generation, workspace=workspace)


def changed(files: dict[str, str], *without: str, **also: str) -> dict[str, str]:
    return {path: text for path, text in files.items() if path not in without} | also


_DEBIAN = debian(openssl="1.1.1n-0")


@pytest.mark.parametrize(
    ("files", "identifier"),
    [
        (changed(_DEBIAN, "var/lib/dpkg/status"), "NO-PACKAGE-DATABASE"),
        (changed(_DEBIAN, "etc/os-release", "etc/debian_version"), "UNKNOWN-SYSTEM"),
        (
            {
                "etc/os-release": "ID=fedora\nVERSION_ID=39\n",
                "etc/fedora-release": "Fedora release 39",
            },
            "UNPROVEN-SYSTEM",
        ),
    ],
    ids=["package database deleted", "system unknown", "system unsupported"],
)
def test_an_image_that_hides_what_it_is_has_the_worst_of_findings(
    trivy_scanner: TrivyScanner,
    sample_database: DatabaseGeneration,
    tmp_path: Path,
    workspace: Path,
    files: dict[str, str],
    identifier: str,
) -> None:
    target = write_image(tmp_path / "image", files)
    result = trivy_scanner.scan(target, database=sample_database, workspace=workspace)
    (finding,) = result.scan.findings
    assert (finding.vulnerability_id, finding.severity) == (identifier, Severity.UNKNOWN)


def test_a_system_past_its_end_of_life_is_not_clean(
    trivy_scanner: TrivyScanner,
    trivy: Trivy,
    tmp_path: Path,
    workspace: Path,
    sample_database: DatabaseGeneration,
) -> None:
    target = write_image(tmp_path / "image", debian("8.1", openssl="3.0.99-1"))
    result = trivy_scanner.scan(target, database=sample_database, workspace=workspace)
    assert "END-OF-LIFE" in ids(result)


def test_java_archives_are_told_apart_with_a_java_database(
    trivy_scanner: TrivyScanner, trivy: Trivy, tmp_path: Path, workspace: Path
) -> None:
    jar = BytesIO()
    with zipfile.ZipFile(jar, "w") as archive:
        named = "groupId=org.apache.logging.log4j\nartifactId=log4j-core\nversion=2.14.0\n"
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
        archive.writestr("META-INF/maven/org.apache.logging.log4j/log4j-core/pom.properties", named)
    target = write_image(tmp_path / "image", {"app/log4j-core-2.14.0.jar": jar.getvalue()})
    store = DatabaseStore(tmp_path / "vulndb")
    every = write_every_kind(tmp_path / "every")
    without = store.import_database(every, trivy=trivy, at=now())
    with pytest.raises(VulnerabilityDatabaseError, match="no Java database") as caught:
        trivy_scanner.scan(target, database=without, workspace=workspace)
    assert "vulndb/java" in str(caught.value.hint)
    write_java_database(tmp_path / "vulndb" / "java")
    result = trivy_scanner.scan(target, database=store.current(), workspace=workspace)
    assert ids(result) == {"CVE-2021-44228"}
