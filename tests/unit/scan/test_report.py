from __future__ import annotations

import copy
import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from supplychain.errors import ToolOutputError
from supplychain.model.digest import Digest
from supplychain.model.finding import CvssScore, Rating, Severity
from supplychain.scan.report import Report, read_report
from tests.kit.reports import LAYER, OPENSSL, document, large


def read(doc: dict[str, Any]) -> Report:
    return read_report(json.dumps(doc).encode())


def test_packages_of_the_operating_system() -> None:
    components = {c.name: c for c in read(document()).components}
    openssl = components["openssl"]
    assert (openssl.purl, openssl.key, openssl.path) == (OPENSSL, OPENSSL, "")
    assert (openssl.version, openssl.kind, openssl.ecosystem) == ("1:3.0.1-2", "os", "debian")
    assert (openssl.source_name, openssl.source_version) == ("openssl-src", "1:3.0.1-2")
    assert openssl.licences == ("OpenSSL", "MIT")
    assert openssl.hashes == (("MD5", "0123456789abcdef0123456789abcdef"),)
    assert (openssl.layer, openssl.supplier) == (LAYER, "Debian")
    assert openssl.depends_on == (components["libc6"].key,)


def test_the_operating_system_is_a_component_of_its_own() -> None:
    report = read(document())
    (system,) = [c for c in report.components if c.kind == "operating-system"]
    assert (system.name, system.version, system.purl) == ("debian", "12.5", "")
    assert report.system is not None
    assert system.key == report.system.key == "operating-system:debian@12.5"


def test_language_packages_lie_where_their_file_does() -> None:
    components = {c.name: c for c in read(document()).components}
    django = components["Django"]
    assert (django.path, django.kind) == ("usr/lib/Django/METADATA", "library")
    assert django.key == "pkg:pypi/django@2.2 usr/lib/Django/METADATA"
    assert components["stdlib"].path == "usr/bin/server"
    assert components["stdlib"].key == "pkg:golang/stdlib@v1.26.8 usr/bin/server"


def test_a_program_is_an_application_with_a_key_although_it_has_no_purl() -> None:
    components = {c.name: c for c in read(document()).components}
    server = components["server"]
    assert (server.kind, server.key) == ("application", "gobinary:server@ usr/bin/server")
    assert server.depends_on == (components["stdlib"].key,)


def test_findings() -> None:
    findings = {f.vulnerability_id: f for f in read(document()).findings}
    fixed = findings["CVE-2023-0286"]
    assert (fixed.purl, fixed.package, fixed.component) == (OPENSSL, "openssl", OPENSSL)
    assert (fixed.installed_version, fixed.fixed_version) == ("1:3.0.1-2", "3.0.8-1")
    assert (fixed.severity, fixed.severity_source, fixed.status) == (Severity.HIGH, "nvd", "fixed")
    assert fixed.published_at == datetime(2023, 2, 8, 20, 15, 0, 123456, tzinfo=UTC)
    assert (fixed.title, fixed.url, fixed.layer) == ("a title", "https://example.org/x", LAYER)
    unrated = findings["CVE-2000-0001"]
    assert (unrated.severity, unrated.status) == (Severity.UNKNOWN, "will_not_fix")
    assert (unrated.fixable, unrated.published_at, unrated.layer) == (False, None, None)
    assert findings["CVE-2019-14234"].path == "usr/lib/Django/METADATA"


def test_who_says_how_bad_it_is() -> None:
    findings = {f.vulnerability_id: f for f in read(document()).findings}
    rated = findings["CVE-2023-0286"]
    assert rated.ratings == (
        Rating("debian", Severity.UNKNOWN),
        Rating("ghsa", Severity.CRITICAL),
        Rating("nvd", Severity.HIGH),
    )
    vectors = [s.vector for s in rated.scores]
    assert [v.partition("/")[0] for v in vectors] == ["CVSS:3.1", "CVSS:4.0", "AV:N"]
    assert rated.scores == (
        CvssScore("nvd", 3, 7.4, vectors[0]),
        CvssScore("nvd", 4, None, vectors[1]),
        CvssScore("redhat", 2, 7.1, vectors[2]),
    )
    assert (rated.aliases, rated.weaknesses) == (("DSA-5343-1",), ("CWE-843",))
    unrated = findings["CVE-2000-0001"]
    assert (unrated.ratings, unrated.scores, unrated.aliases, unrated.weaknesses) == ((),) * 4


@pytest.mark.parametrize(
    "rated",
    [
        {"VendorSeverity": ["nvd"]},
        {"VendorSeverity": {"nvd": "HIGH"}},
        {"VendorSeverity": {"nvd": 5}},
        {"CVSS": {"nvd": 9.8}},
        {"CVSS": {"nvd": {"V3Score": "9.8"}}},
        {"CVSS": {"nvd": {"V3Score": 98}}},
        {"CVSS": {"nvd": {"V3Vector": 3}}},
        {"VendorIDs": "DSA-1"},
    ],
)
def test_a_rating_that_is_half_understood_is_none(rated: dict[str, Any]) -> None:
    odd = document()
    odd["Results"][0]["Vulnerabilities"][0] |= rated
    with pytest.raises(ToolOutputError, match="report cannot be read"):
        read(odd)


def test_what_the_report_is_about() -> None:
    report = read(document())
    assert (report.version, report.config_digest) == ("0.76.0", Digest.of(b"config"))
    assert (report.diff_ids, report.os, report.architecture) == ((LAYER,), "linux", "amd64")
    assert report.has_system_packages
    assert report.ecosystems == ("gobinary", "python-pkg")


def test_everything_is_sorted_and_the_reports_own_order_means_nothing() -> None:
    expected = read(document())
    assert [c.key for c in expected.components] == sorted(c.key for c in expected.components)
    for seed in range(10):
        shuffled = document()
        chaos = random.Random(seed)
        chaos.shuffle(shuffled["Results"])
        for result in shuffled["Results"]:
            for name in ("Packages", "Vulnerabilities"):
                chaos.shuffle(result.get(name, []))
        assert read(shuffled) == expected


def test_what_is_told_twice_counts_once_whichever_comes_first() -> None:
    doubled = document()
    python = doubled["Results"][1]
    python["Packages"].append(python["Packages"][0] | {"Licenses": ["BSD"]})
    python["Vulnerabilities"].append(python["Vulnerabilities"][0] | {"Severity": "CRITICAL"})
    turned = copy.deepcopy(doubled)
    for name in ("Packages", "Vulnerabilities"):
        turned["Results"][1][name].reverse()
    report = read(doubled)
    assert read(turned) == report
    assert len(report.components) == len(read(document()).components)
    (finding,) = [f for f in report.findings if f.package == "Django"]
    assert finding.severity is Severity.CRITICAL


def test_an_empty_image_has_nothing_in_it() -> None:
    empty = document()
    del empty["Results"], empty["Metadata"]["OS"]
    report = read(empty)
    assert (report.components, report.findings, report.system) == ((), (), None)
    assert not report.has_system_packages


def without(*path: Any) -> dict[str, Any]:
    doc = document()
    node = doc
    for step in path[:-1]:
        node = node[step]
    del node[path[-1]]
    return doc


def replaced(value: Any, *path: Any) -> dict[str, Any]:
    doc = document()
    node = doc
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return doc


_PACKAGE = ("Results", 0, "Packages", 0)
_FINDING = ("Results", 0, "Vulnerabilities", 0)


@pytest.mark.parametrize(
    "doc",
    [
        replaced(1, "SchemaVersion"),
        replaced("2", "SchemaVersion"),
        without("SchemaVersion"),
        without("Trivy"),
        without("Metadata"),
        without("Metadata", "ImageID"),
        replaced("sha256:short", "Metadata", "ImageID"),
        replaced(["latest"], "Metadata", "DiffIDs"),
        without("Metadata", "ImageConfig"),
        replaced({"a": 1}, "Results"),
        replaced("text", "Results"),
        replaced([7], "Results"),
        without("Results", 0, "Class"),
        replaced("new-pkgs", "Results", 0, "Class"),
        replaced(7, "Results", 2, "Target"),
        replaced("MIT", *_PACKAGE, "Licenses"),
        replaced([7], *_PACKAGE, "DependsOn"),
        without(*_PACKAGE, "Name"),
        without(*_PACKAGE, "Identifier"),
        without(*_PACKAGE, "Identifier", "UID"),
        replaced(7, *_PACKAGE, "Version"),
        replaced("", *_PACKAGE, "Name"),
        replaced({"DiffID": "sha256:x"}, *_PACKAGE, "Layer"),
        without(*_FINDING, "VulnerabilityID"),
        without(*_FINDING, "PkgName"),
        replaced("no such uid", *_FINDING, "PkgIdentifier", "UID"),
        replaced("AWFUL", *_FINDING, "Severity"),
        replaced("yesterday", *_FINDING, "PublishedDate"),
        replaced("2023-02-08T20:15:00", *_FINDING, "PublishedDate"),
        replaced(7, *_FINDING, "FixedVersion"),
    ],
)
def test_a_report_of_another_shape_is_refused(doc: dict[str, Any]) -> None:
    with pytest.raises(ToolOutputError, match="cannot be read"):
        read(doc)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"7", b'{"SchemaVersion": 2'])
def test_what_is_no_report_is_refused(data: bytes) -> None:
    with pytest.raises(ToolOutputError):
        read_report(data)


def test_a_large_report_is_read_whole() -> None:
    report = read_report(large())
    assert (len(report.components), len(report.findings)) == (2001, 300)
