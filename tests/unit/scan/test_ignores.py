"""What other programs were told to ignore: read as they do, or told why no waiver can say it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from supplychain.errors import InputError
from supplychain.scan.ignores import Ignored, read_ignores

PLAIN = b"""\
# Accepted until the release.
# See SEC-7.
CVE-2018-14618 exp:2027-01-31

CVE-2019-14697
AVD-DS-0002
CVE-2019-1543 exp:soon
"""
YAML = b"""\
vulnerabilities:
  - id: CVE-2022-40897
    paths: ["usr/local/lib/python3.9/site-packages/setuptools-58.1.0.dist-info/METADATA"]
    statement: Accept the risk
  - id: CVE-2023-2650
  - id: CVE-2023-3817
    purls: ["pkg:deb/debian/libssl1.1", "pkg:deb/debian/openssl"]
    expired_at: 2027-01-31
    statement: Not reachable
  - id: CVE-2023-9
    until: tomorrow
misconfigurations:
  - id: AVD-DS-0001
secrets:
licenses:
  - id: GPL-3.0
"""


def finding(state: str | None = "NOT_AFFECTED", **changes: Any) -> dict[str, Any]:
    made = {
        "component": {"name": "timespan", "version": "2.3.0", "purl": "pkg:npm/timespan@2.3.0"},
        "vulnerability": {"source": "NVD", "vulnId": "CVE-2017-16115", "severity": "LOW"},
        "analysis": {"state": state, "isSuppressed": True},
        "matrix": "a:b:c",
    }
    return {**made, **changes}


def findings(*items: dict[str, Any]) -> bytes:
    meta = {"application": "Dependency-Track", "version": "4.11.0"}
    return json.dumps({"version": "1.2", "meta": meta, "findings": items}).encode()


def test_each_line_of_an_ignore_file() -> None:
    until, plain, other, wrong = read_ignores(PLAIN, ".trivyignore")
    ends = datetime(2027, 1, 31, tzinfo=UTC)
    why = "Accepted until the release. See SEC-7."
    assert until == Ignored("line 3", "CVE-2018-14618", (), ends, why)
    assert plain == Ignored("line 5", "CVE-2019-14697")
    assert (other.place, other.problem) == ("line 6", "it is not the ID of a vulnerability")
    assert wrong.problem == "'soon' is not a date"


def test_each_item_of_a_yaml_ignore_file() -> None:
    paths, plain, purls, unknown, misconfiguration, licence = read_ignores(
        YAML, ".trivyignore.yaml"
    )
    assert "it is for some paths" in paths.problem
    assert plain == Ignored("line 5", "CVE-2023-2650")
    assert purls.packages == ("pkg:deb/debian/libssl1.1", "pkg:deb/debian/openssl")
    assert (purls.expires_at, purls.reason) == (datetime(2027, 1, 31, tzinfo=UTC), "Not reachable")
    assert "'until'" in unknown.problem
    assert "about misconfigurations" in misconfiguration.problem
    assert "about licenses" in licence.problem


def test_the_suppressed_findings_of_dependency_track() -> None:
    alias = finding(vulnerability={"vulnId": "533", "aliases": [{"ghsaId": "GHSA-f523-2f5j-gfcg"}]})
    nameless = finding(vulnerability={"vulnId": "533", "source": "NPM"})
    unset = {**finding(), "analysis": {"isSuppressed": True}}
    shown = finding(analysis={"state": "EXPLOITABLE", "isSuppressed": False})
    bare = finding(component={"name": "own.jar"})
    read = read_ignores(findings(finding(), alias, nameless, unset, shown, bare), "findings.json")
    assert [(i.place, i.vulnerability) for i in read] == [
        ("finding 1", "CVE-2017-16115"),
        ("finding 2", "GHSA-f523-2f5j-gfcg"),
        ("finding 3", "533"),
        ("finding 4", "CVE-2017-16115"),
        ("finding 6", "CVE-2017-16115"),
    ]
    assert read[0].packages == ("pkg:npm/timespan@2.3.0",)
    assert read[0].reason == "suppressed in Dependency-Track as NOT_AFFECTED"
    assert read[3].reason == "suppressed in Dependency-Track as NOT_SET"
    assert [bool(i.problem) for i in read] == [False, False, True, False, True]


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"\xff", ".trivyignore", "not UTF-8"),
        (b"- a\n", "x.yaml", "expected a mapping"),
        (b"vulns: []\n", "x.yaml", "nothing that Trivy ignores"),
        (b"vulnerabilities: all\n", "x.yaml", "expected a list"),
        (b"vulnerabilities: &a [*a]\n", "x.yaml", "aliases"),
        (b"{", "x.json", "not JSON"),
        (b"[" * 100_000, "x.json", "not JSON"),
        (b"[]", "x.json", "no export of Dependency-Track"),
        (b'{"findings": {}}', "x.json", "no list"),
        (b'{"bomFormat": "CycloneDX"}', "x.json", "no export of Dependency-Track"),
    ],
)
def test_what_is_no_such_file_is_refused(data: bytes, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_ignores(data, name)


@pytest.mark.parametrize("part", ["component", "vulnerability", "analysis"])
@pytest.mark.parametrize("value", [None, [], "text", 7, {}])
def test_a_part_of_another_shape_is_a_problem_and_no_fault(part: str, value: Any) -> None:
    read = read_ignores(findings({**finding(), part: value}), "findings.json")
    assert all(item.problem for item in read)
