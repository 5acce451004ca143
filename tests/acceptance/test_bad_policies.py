"""Policies that cannot be used: where, why and what was probably meant; and no verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.cli import Desk

_HEAD = "schemaVersion: 1\nenvironment: prod\n"

WRONG = {
    "key": (_HEAD + "rulez:\n  - sbom: {}\n", "prod.yaml:3:1:", "did you mean rules?"),
    "rule": (
        _HEAD + "rules:\n  - vulnerability: {severity: high}\n",
        "4:5:",
        "did you mean vulnerabilities?",
    ),
    "option": (_HEAD + "rules:\n  - freshness: {scann: 24h}\n", "4:17:", "did you mean scan?"),
    "severity": (
        _HEAD + "rules:\n  - vulnerabilities: {severity: hihg}\n",
        "4:33:",
        "high",
    ),
    "duration": (_HEAD + "rules:\n  - freshness: {scan: 24 hours}\n", "4:23:", "24h"),
    "twice": (_HEAD + "environment: test\nrules:\n  - sbom: {}\n", "3:1:", "environment"),
    "no-rules": (_HEAD, "prod.yaml:", "rules"),
    "empty-rules": (_HEAD + "rules: []\n", "3:8:", "rule"),
    "tab": (_HEAD + "rules:\n\t- sbom: {}\n", "4:1:", "tab"),
    "no-key": (_HEAD + "rules:\n  - signature: {keys: [gone.pub]}\n", "4:24:", "gone.pub"),
    "private-key": (
        _HEAD + "rules:\n  - signature: {keys: [../release.key]}\n",
        "4:",
        "release.key",
    ),
    "version": ("schemaVersion: 2\nenvironment: prod\nrules:\n  - sbom: {}\n", "1:16:", "1"),
    "alias": (_HEAD + "rules:\n  - &a sbom: {}\n  - *a\n", "prod.yaml:", "alias"),
    "not-utf-8": ("\udcff", "prod.yaml", "UTF-8"),
}


@pytest.mark.parametrize(("text", "place", "word"), WRONG.values(), ids=WRONG)
def test_a_wrong_policy_is_shown_where_it_is_wrong(
    desk: Desk, repaired: Path, text: str, place: str, word: str
) -> None:
    file = desk.folder / "policies" / "prod.yaml"
    file.write_bytes(text.encode(errors="surrogateescape"))

    desk.type("policy", "check", file).refused(2, place, word)
    with desk.nothing_changes(repaired):
        done = desk.type("run", f"oci:{repaired}", "-e", "prod")
    done.refused(2, place, word)
    # It is read before anything is fetched or scanned.
    assert "fetch" not in done.stderr


def test_a_policy_that_is_not_there_though_it_was_named(desk: Desk, repaired: Path) -> None:
    with desk.nothing_changes(repaired):
        done = desk.type("run", f"oci:{repaired}", "-e", "prod", "--policy", "gone.yaml")
    done.refused(1, "there is no policy gone.yaml")


def test_a_policy_that_cannot_be_read_is_not_a_missing_one(desk: Desk, repaired: Path) -> None:
    file = desk.folder / "policies" / "prod.yaml"
    file.unlink()
    file.mkdir()

    desk.type("gate", f"oci:{repaired}", "-e", "prod").refused(2, "is a folder, not a policy")


@pytest.mark.parametrize("environment", ["../prod", ".prod", "a/b"])
def test_an_environment_that_is_no_name(desk: Desk, repaired: Path, environment: str) -> None:
    with desk.nothing_changes(repaired):
        done = desk.type("run", f"oci:{repaired}", "-e", environment)
    done.refused(2, "cannot name an environment")
