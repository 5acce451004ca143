from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from supplychain.errors import VulnerabilityDatabaseError
from supplychain.model.digest import Digest
from supplychain.model.finding import Severity
from supplychain.scan.coverage import blind_spots
from supplychain.scan.kinds import ecosystem_kind, kinds, system_kind
from supplychain.scan.report import OperatingSystem, Report
from supplychain.scan.scanner import DatabaseGeneration

DATABASE = DatabaseGeneration(
    Digest.of(b"database"),
    datetime(2026, 1, 1, tzinfo=UTC),
    Path("/nowhere"),
    ("debian 12", "npm", "pip"),
)
EMPTY = Report(
    version="0.76.0",
    config_digest=Digest.of(b"config"),
    diff_ids=(),
    os="linux",
    architecture="amd64",
    system=None,
    has_system_packages=False,
    ecosystems=(),
    components=(),
    findings=(),
)


def of_system(family: str, release: str, *, end_of_life: bool = False) -> Report:
    system = OperatingSystem(family, release, end_of_life)
    return replace(EMPTY, system=system, has_system_packages=True)


def test_what_the_database_is_proven_for_has_no_blind_spot() -> None:
    assert blind_spots(EMPTY, DATABASE) == ()
    known = replace(of_system("debian", "12.5"), ecosystems=("node-pkg", "python-pkg"))
    assert blind_spots(known, DATABASE) == ()


@pytest.mark.parametrize(
    ("report", "missing"),
    [
        (of_system("debian", "11.9"), "debian 11"),
        (of_system("alpine", "3.20.3"), "alpine 3.20"),
        (of_system("amazon", "2023.5.1 (Amazon Linux)"), "amazon 2023"),
        (of_system("wolfi", "20230201"), "wolfi"),
        (replace(EMPTY, ecosystems=("gobinary",)), "go"),
        (replace(of_system("debian", "12.5"), ecosystems=("jar",)), "maven"),
    ],
)
def test_what_another_database_would_know_is_a_refusal(report: Report, missing: str) -> None:
    with pytest.raises(VulnerabilityDatabaseError, match=f"nothing of {missing}$") as caught:
        blind_spots(report, DATABASE)
    assert "look clean and be unknown" in str(caught.value.because)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("report", "identifier"),
    [
        (of_system("debian", "12.5", end_of_life=True), "END-OF-LIFE"),
        (replace(of_system("debian", "12.5"), has_system_packages=False), "NO-PACKAGE-DATABASE"),
        (replace(of_system("alpine", "3.20"), has_system_packages=False), "NO-PACKAGE-DATABASE"),
        (of_system("none", ""), "UNKNOWN-SYSTEM"),
        (of_system("fedora", "43"), "UNPROVEN-SYSTEM"),
        (of_system("debian", "9.1"), "UNPROVEN-SYSTEM"),
        (of_system("alpine", "3.2"), "UNPROVEN-SYSTEM"),
        (replace(EMPTY, ecosystems=("conda-pkg",)), "UNPROVEN-ECOSYSTEM"),
    ],
)
def test_what_nobody_can_see_is_the_worst_of_findings(report: Report, identifier: str) -> None:
    (spot,) = blind_spots(report, DATABASE)
    assert spot.vulnerability_id == identifier
    assert spot.severity is Severity.UNKNOWN
    assert (spot.status, spot.fixable) == ("unexamined", False)
    assert spot.title


def test_a_system_can_be_blind_in_two_ways() -> None:
    report = replace(of_system("debian", "11.1", end_of_life=True), has_system_packages=False)
    found = [(spot.vulnerability_id, spot.component) for spot in blind_spots(report, DATABASE)]
    key = "operating-system:debian@11.1"
    assert found == [("END-OF-LIFE", key), ("NO-PACKAGE-DATABASE", key)]


def test_a_release_is_matched_whole() -> None:
    assert system_kind("alpine", "3.2") is None
    for family, release, name in [
        ("alpine", "3.20.3", "alpine 3.20"),
        ("debian", "12", "debian 12"),
        ("amazon", "2 (Karoo)", "amazon 2"),
        ("rocky", "9.4", "rocky 9"),
    ]:
        kind = system_kind(family, release)
        assert kind is not None
        assert kind.name == name


def test_every_kind_has_a_canary_and_a_name_of_its_own() -> None:
    names = [kind.name for kind in kinds()]
    assert len(names) == len(set(names))
    assert all(kind.expect and kind.purl.startswith("pkg:") for kind in kinds())
    types = [package_type for kind in kinds() for package_type in kind.types]
    assert len(types) == len(set(types))
    assert ecosystem_kind("conda-pkg") is None


def test_a_kind_is_in_a_database_that_has_its_bucket() -> None:
    debian, pip = system_kind("debian", "12"), ecosystem_kind("python-pkg")
    assert debian is not None
    assert pip is not None
    assert debian.is_in({"debian 12"})
    assert not debian.is_in({"debian 11", "debian 120"})
    assert pip.is_in({"npm::x", "pip::GitHub Security Advisory pip"})
    assert not pip.is_in({"pipenv::x", "npm::x"})
