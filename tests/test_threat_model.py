"""The threat model names tests that there are, and every test of a forgery is named in it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.kit.prose import REPOSITORY
from tests.kit.reference_docs import DOCS

PAGE = DOCS / "security" / "threat-model.md"
_COLLECT = (sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider")
# What has to stand on the page: the published ways of fooling a verifier.
PUBLISHED = {
    "CVE-2022-23649",
    "CVE-2022-35929",
    "CVE-2022-36056",
    "CVE-2023-46737",
    "CVE-2024-29902",
    "CVE-2024-29903",
    "CVE-2024-45395",
    "CVE-2026-22703",
    "CVE-2026-24122",
    "CVE-2026-39395",
    "CVE-2026-54787",
}


@pytest.fixture(scope="module")
def named() -> set[str]:
    """The tests that the page names."""
    return set(re.findall(r"`(tests/[^`]+)`", PAGE.read_text("utf-8")))


@pytest.fixture(scope="module")
def collected(named: set[str]) -> set[str]:
    """The tests that there are, in the files that it names and among the forgeries."""
    files = {name.partition("::")[0] for name in named} | {"tests/forgeries"}
    found = subprocess.run(
        [*_COLLECT, *sorted(files)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout[-2000:] + found.stderr[-2000:]
    return {line for line in found.stdout.splitlines() if "::" in line}


def test_every_test_that_is_named_is_collected(named: set[str], collected: set[str]) -> None:
    functions = {name.partition("[")[0] for name in collected}
    assert len(named) > 80
    assert sorted(named - collected - functions) == []


def test_every_forgery_is_named(named: set[str], collected: set[str]) -> None:
    functions = {name.partition("[")[0] for name in collected}
    forgeries = {name for name in functions if name.startswith("tests/forgeries/")}
    assert sorted(forgeries - {name.partition("[")[0] for name in named}) == []


def test_every_published_way_is_there() -> None:
    assert set(re.findall(r"CVE-\d+-\d+", PAGE.read_text("utf-8"))) >= PUBLISHED
