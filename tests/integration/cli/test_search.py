"""`supplychain search`, typed."""

from __future__ import annotations

from datetime import timedelta

from supplychain.model.history import Event, Report
from tests.kit.runs import manifest_run, scan_record
from tests.kit.scans import SUBJECT, make_component, make_finding
from tests.kit.typist import HOUR, IMAGE, Typist

DJANGO = make_component("Django", "2.2", ecosystem="python-pkg", licences=("AGPL-3.0-only",))
FINDING = make_finding(DJANGO, vulnerability_id="CVE-2019-19844", fixed_version="2.2.9")


def recorded(typist: Typist) -> None:
    at = typist.now - 3 * HOUR
    scan = scan_record(components=(DJANGO,), findings=(FINDING,), produced_at=at)
    with typist.record() as record:
        record.save_run(manifest_run(scan=scan), at=at)
        record.history.deployed(Report(Event.STARTED, SUBJECT, "prod", at, "ci"), at=at)
    typist.policy("vulnerabilities: {severity: high}")
    typist.type("gate", IMAGE, "-e", "prod").ended(10)


def test_images_are_found_by_what_they_contain(typist: Typist) -> None:
    recorded(typist)
    told = typist.type("search", "component", "pkg:pypi/django", "--versions", "<2.2.9").ended(0)
    assert f"{SUBJECT.name}@{SUBJECT.digest}\n  linux/amd64    Django 2.2\n" in told.stdout
    assert "  deny in prod, decided " in told.stdout
    assert "runs there" in told.stdout
    assert told.stdout.endswith("1 image\n")
    for query in (
        ("vulnerability", "CVE-2019-19844"),
        ("licence", "network-copyleft"),
        ("component", "pkg:pypi/*"),
    ):
        found = typist.type("search", *query, "-e", "prod", "--output", "json").ended(0).json()
        (image,) = found["images"]
        assert image["digest"] == str(SUBJECT.digest)
        assert image["running_in"] == ["prod"]
        assert [d["verdict"] for d in image["decisions"]] == ["deny"]
        assert image["platforms"][0]["found"][0]["purl"] == DJANGO.purl


def test_nothing_found_is_said_and_is_no_fault(typist: Typist) -> None:
    recorded(typist)
    before = (typist.now - timedelta(days=2)).isoformat()
    for query in (
        ("component", "pkg:pypi/flask"),
        ("component", "pkg:pypi/django", "--at", before),
        ("component", "pkg:pypi/django", "-e", "staging"),
        ("vulnerability", "CVE-2000-0001"),
        ("licence", "MIT"),
    ):
        assert typist.type("search", *query).ended(0).stdout == "0 images\n"


def test_what_is_no_pattern_is_refused_with_the_right_form(typist: Typist) -> None:
    typist.type("search", "component", "django").refused(2, "not a package URL", "pkg:pypi/django")
    typist.type("search", "component", "pkg:pypi/x", "--versions", "^1").refused(
        2, "not a range of versions"
    )
    typist.type("search", "component", "pkg:pypi/x", "--at", "yore").refused(2, "not a moment")
