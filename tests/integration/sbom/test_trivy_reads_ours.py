"""What Trivy found in the image it finds in our document again, without the image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from supplychain.model.evidence import Scan
from supplychain.sbom.cyclonedx import ImageDescription, SpecVersion, make
from supplychain.sbom.schema import validate
from supplychain.scan.caches import CachePool
from supplychain.scan.scanner import DatabaseGeneration, ScanTarget
from supplychain.scan.trivy import SOURCE, Trivy, TrivyScanner
from tests.kit.sboms import SERIAL, TOOL
from tests.kit.scanlayout import debian, node_package, python_package, write_image
from tests.kit.scans import AT

# Packages whose advisories are published for their source: by its name, and by its version,
# which is not the package's own.
STATUS = """\
Package: libssl3
Status: install ok installed
Maintainer: Debian OpenSSL Team <openssl@example.org>
Architecture: amd64
Source: openssl
Version: 3.0.9-1
Depends: libc6

Package: libc6
Status: install ok installed
Maintainer: GNU Libc Maintainers <libc@example.org>
Architecture: amd64
Source: glibc
Version: 2.36-9+deb12u1
Depends: libgcc-s1

Package: libgcc-s1
Status: install ok installed
Maintainer: Debian GCC Maintainers <gcc@example.org>
Architecture: amd64
Source: gcc-12 (12.2.0-14)
Version: 12.2.0-14+b2
Depends: libc6

Package: openssh-client
Status: install ok installed
Maintainer: Debian OpenSSH Maintainers <ssh@example.org>
Architecture: amd64
Source: openssh (1:9.2p1-2+deb12u2)
Version: 1:9.2p1-2+deb12u2+b1

Package: libexpat1
Status: install ok installed
Maintainer: Expat <expat@example.org>
Architecture: amd64
Source: expat (2.5.0-1)
Version: 99-1

"""

Key = tuple[str, str, str, str, str, str, str]


@pytest.fixture
def target(tmp_path: Path) -> ScanTarget:
    """Debian below, Node and the same Python package in two places above."""
    django = python_package("Django", "2.2")
    elsewhere = {f"opt/venv/{path}": text for path, text in django.items()}
    return write_image(
        tmp_path / "image",
        debian("12.5") | {"var/lib/dpkg/status": STATUS},
        django | elsewhere | node_package("lodash", "4.17.10") | node_package("@a/b", "1.0.0"),
    )


@pytest.fixture
def scan(
    target: ScanTarget,
    trivy_scanner: TrivyScanner,
    sample_database: DatabaseGeneration,
    workspace: Path,
) -> Scan:
    return trivy_scanner.scan(target, database=sample_database, workspace=workspace).scan


def document(scan: Scan, target: ScanTarget, spec_version: SpecVersion) -> bytes:
    image = ImageDescription(
        target.subject,
        target.platform,
        target.config_digest,
        tuple((diff_id, diff_id) for diff_id in target.diff_ids),
    )
    made = make(scan, image, spec_version=spec_version, serial=SERIAL, made_at=AT, tool=TOOL)
    validate(made)
    return made


def found_in(report: dict[str, Any]) -> set[Key]:
    return {
        (
            one["VulnerabilityID"],
            one["PkgIdentifier"]["PURL"],
            one.get("PkgPath", ""),
            one["InstalledVersion"],
            one.get("FixedVersion", ""),
            one["Severity"].lower(),
            one["Layer"]["DiffID"],
        )
        for result in report["Results"]
        for one in result.get("Vulnerabilities", ())
    }


def found_by(scan: Scan) -> set[Key]:
    return {
        (
            one.vulnerability_id,
            one.purl,
            one.path,
            one.installed_version,
            one.fixed_version,
            str(one.severity),
            str(one.layer),
        )
        for one in scan.findings
    }


@pytest.mark.parametrize("spec_version", ["1.6", "1.7"])
def test_the_same_findings_come_out_of_the_document(
    scan: Scan,
    target: ScanTarget,
    trivy: Trivy,
    sample_database: DatabaseGeneration,
    tmp_path: Path,
    spec_version: SpecVersion,
) -> None:
    file = tmp_path / "sbom.json"
    file.write_bytes(document(scan, target, spec_version))
    (tmp_path / "again").mkdir()

    with CachePool(tmp_path / "caches").cache(sample_database.path) as cache:
        report = json.loads(trivy.report(("sbom", SOURCE), file, cache, tmp_path / "again"))

    packages = {one.package for one in scan.findings}
    assert {"libssl3", "libc6", "Django", "lodash"} <= packages
    assert found_in(report) == found_by(scan)
    assert {one.path for one in scan.findings if one.package == "Django"} == {
        path for _, _, path, *_ in found_in(report) if "ango" in path
    }
    assert report["Metadata"]["OS"] == {"Family": "debian", "Name": "12.5"}


def test_real_scan_makes_a_graph_in_which_everything_is_reached(
    scan: Scan, target: ScanTarget
) -> None:
    parsed = json.loads(document(scan, target, "1.6"))
    graph = {one["ref"]: one["dependsOn"] for one in parsed["dependencies"]}
    keys = {component.name: component.key for component in scan.components}

    assert graph[keys["libssl3"]] == [keys["libc6"]]
    assert graph[keys["debian"]] == sorted(
        keys[name] for name in ("libexpat1", "libssl3", "openssh-client")
    )
    assert keys["lodash"] not in graph
    assert keys["lodash"] in parsed["compositions"][0]["dependencies"]
