"""What the tree may hold, and what `pyproject.toml` says of it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.kit.prose import REPOSITORY

REQUIREMENTS = sorted((REPOSITORY / "requirements").glob("*.txt"))


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    """The `[project]` table."""
    table: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    return table


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_every_requirement_is_pinned_with_hashes_and_names_no_address(path: Path) -> None:
    text = path.read_text()
    assert "://" not in text
    lines = text.replace("\\\n", " ").splitlines()
    requirements = [line for line in lines if line and not line.startswith("#")]
    assert len(requirements) > 10
    for line in requirements:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+ ", line), f"{line[:60]} is not pinned"
        assert "--hash=sha256:" in line, f"{line[:60]} has no hash"


def test_what_the_product_and_the_demo_need_is_what_tests_install() -> None:
    runtime, demo, dev = (pins(REPOSITORY / f"requirements/{n}.txt") for n in NAMES)
    assert runtime <= dev
    assert demo <= dev


def test_every_dependency_is_pinned(project: dict[str, Any]) -> None:
    extras = project["optional-dependencies"]
    declared = [*project["dependencies"], *extras["postgresql"], *extras["server"]]
    names = {re.sub(r"[._-]+", "-", re.split(r"[\[<>=~;! ]", text)[0]) for text in declared}
    assert names <= {name for name, _ in pins(REPOSITORY / "requirements/runtime.txt")}


def test_no_file_holds_a_path_of_this_machine() -> None:
    if shutil.which("git") is None:
        pytest.skip("needs git for the list of files")
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={REPOSITORY}", "ls-files", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip(f"git lists no files here: {listed.stderr.strip()}")
    paths = [REPOSITORY / name for name in listed.stdout.split("\0") if name]
    assert len(paths) > 100
    homes = rb"(?<![\w.])/(?:root|home/\w+|Users/\w+)/[\w.]"
    machine = re.compile(homes + rb"|" + re.escape(str(REPOSITORY).encode()) + rb"/")
    files = [path for path in paths if path.is_file()]
    found = [str(path) for path in files if machine.search(path.read_bytes())]
    assert found == []


def test_only_pythons_that_ci_has_run_are_claimed(project: dict[str, Any]) -> None:
    floor = project["requires-python"].removeprefix(">=")
    claimed = {
        text.rpartition(" ")[2]
        for text in project["classifiers"]
        if re.search(r":: \d+\.\d+$", text)
    }
    # CI runs the oldest one that is supported; whoever adds a run adds its claim, here and there.
    assert claimed == {floor}


def test_the_licence_is_there_and_is_the_one_that_is_claimed(project: dict[str, Any]) -> None:
    assert project["license"] == "Apache-2.0"
    for name in project["license-files"]:
        text = (REPOSITORY / name).read_text()
        assert "Apache License" in text
        assert "Version 2.0, January 2004" in text


def test_the_makefile_says_what_each_of_its_targets_does() -> None:
    text = (REPOSITORY / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    explained = re.findall(r"^([a-z-]+):.*## .+$", text, re.MULTILINE)
    assert sorted(explained) == sorted(phony.split())
    shown = set(re.findall(r"\bmake ([a-z-]+)", (REPOSITORY / ".ci/run").read_text()))
    assert shown == {"check", "test", "faults-short", "test-interop", "test-image"}


NAMES = ("runtime", "demo", "dev")


def pins(path: Path) -> set[tuple[str, str]]:
    """Every requirement's name and version."""
    return set(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", path.read_text(), re.MULTILINE))
