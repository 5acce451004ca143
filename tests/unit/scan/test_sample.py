"""The sample database's own data: nothing without a source, nothing that Trivy cannot use."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from demo.vulndb import load_advisories, write_database
from supplychain.scan.bbolt import bucket_names
from supplychain.scan.kinds import kinds

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_every_advisory_names_its_source_and_its_bucket_is_described() -> None:
    document = load_advisories()
    assert len(document["advisories"]) > 50
    for advisory in document["advisories"]:
        assert advisory["source"].startswith("https://")
        assert advisory["bucket"] in document["sources"]
        assert advisory["title"]
        assert "fixed" in advisory or "status" in advisory or advisory["vulnerable"]


def test_the_advisories_are_in_a_stable_order_and_each_is_there_once() -> None:
    names = [(a["bucket"], a["package"], a["id"]) for a in load_advisories()["advisories"]]
    assert names == sorted(set(names))


def test_same_advisories_and_date_same_bytes_and_another_date_other_bytes(tmp_path: Path) -> None:
    document = load_advisories()
    first = write_database(tmp_path / "a", document, AT)
    again = write_database(tmp_path / "b", document, AT)
    later = write_database(tmp_path / "c", document, AT.replace(hour=1))
    data = [(folder / "trivy.db").read_bytes() for folder in (first, again, later)]
    assert data[0] == data[1] != data[2]


def test_it_knows_what_the_demonstration_is_made_of(tmp_path: Path) -> None:
    folder = write_database(tmp_path, load_advisories(), AT)
    buckets = bucket_names(folder / "trivy.db")
    assert [kind.name for kind in kinds() if kind.is_in(buckets)] == [
        "debian 12",
        "pip",
        "npm",
        "go",
        "cargo",
    ]
