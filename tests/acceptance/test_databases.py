"""The record in other places than a file of its own: PostgreSQL, and a content store elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.cli import Desk
from tests.kit.shop import digest_of


def test_the_whole_way_on_either_engine(
    desk: Desk, repaired: Path, vulnerable: Path, empty_database: str
) -> None:
    settings = {
        "SUPPLYCHAIN_DATABASE": empty_database,
        "SUPPLYCHAIN_CONTENT": str(desk.folder / "content"),
    }
    asked = desk.type("db", "status", **settings).ended(1)
    assert asked.stdout.splitlines()[1].endswith(": empty")
    assert "try: supplychain db upgrade" in asked.stderr
    desk.type("db", "upgrade", **settings).ended(0)
    again = desk.type("db", "upgrade", "-o", "json", **settings).ended(0).json()
    assert again["state"] == "current"

    desk.type("run", f"oci:{repaired}", "-e", "prod", **settings).ended(0)
    desk.type("run", f"oci:{vulnerable}", "-e", "prod", **settings).ended(10)
    desk.type("gate", digest_of(repaired), "-e", "prod", **settings).ended(0)
    desk.type("gate", digest_of(vulnerable), "-e", "prod", **settings).ended(10)
    exported = desk.type("export", "sbom", digest_of(repaired), **settings).ended(0).stdout
    assert "pkg:pypi/jinja2@" in exported
    found = desk.type("images", "list", "-o", "json", **settings).ended(0).json()["images"]
    assert [one["digest"] for one in found] == [digest_of(vulnerable), digest_of(repaired)]
    assert not (desk.data / "supplychain.db").exists()


@pytest.mark.parametrize("empty_database", ["postgresql"], indirect=True)
def test_a_server_is_not_changed_without_being_asked(
    desk: Desk, repaired: Path, empty_database: str
) -> None:
    settings = {"SUPPLYCHAIN_DATABASE": empty_database}

    with desk.nothing_changes(repaired):
        done = desk.type("run", f"oci:{repaired}", "-e", "prod", **settings)
    done.refused(1, "is empty", "try: type `supplychain db upgrade`")
    assert desk.type("db", "status", **settings).ended(1).stdout.splitlines()[1].endswith(": empty")


@pytest.mark.parametrize(
    ("url", "code", "word"),
    [
        ("postgresql://me:hush@127.0.0.1:1/record?connect_timeout=2", 1, "127.0.0.1"),
        ("mysql://me:hush@127.0.0.1/record", 2, "'mysql'"),
        ("://me:hush", 2, "does not parse"),
    ],
)
def test_a_database_that_cannot_be_used(
    desk: Desk, repaired: Path, url: str, code: int, word: str
) -> None:
    with desk.nothing_changes(repaired):
        done = desk.type("run", f"oci:{repaired}", "-e", "prod", SUPPLYCHAIN_DATABASE=url)
    done.refused(code, word)
    assert "hush" not in done.stderr
