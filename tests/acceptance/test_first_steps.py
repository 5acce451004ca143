"""A newcomer's first commands: help, versions, settings, what is missing, and completion."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from supplychain import __version__
from tests.kit.cli import PASSWORD, Desk


def test_the_program_alone_shows_the_first_five_commands(bare_desk: Desk) -> None:
    shown = bare_desk.type().ended(0)

    for command in ("doctor", "vulndb pull", "keys generate", "run IMAGE", "gate IMAGE"):
        assert f"  supplychain {command}" in shown.stdout
    assert not bare_desk.data.exists()


def test_help_has_examples(bare_desk: Desk) -> None:
    assert "Examples:" in bare_desk.type("run", "--help").ended(0).stdout
    narrow = bare_desk.type("gate", "-h", COLUMNS="60").ended(0).stdout
    assert max(map(len, narrow.splitlines())) <= 60


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["imags", "list"], "images"),
        (["gaet"], "gate"),
        (["images", "lst"], "list"),
        (["gate", "x", "--environmnt", "prod"], "--environment"),
        (["run", "x", "--severity", "high"], "vulnerabilities: {severity: high}"),
        (["gate", "x", "--ignore-unfixed"], "fixable: true"),
        (["run"], "supplychain run --help"),
        (["run", "x", "--output", "xml"], "json"),
    ],
)
def test_a_near_miss_gets_what_was_meant(bare_desk: Desk, typed: list[str], meant: str) -> None:
    bare_desk.type(*typed).refused(2, meant)


def test_versions(desk: Desk, bare_desk: Desk) -> None:
    lines = desk.type("--version").ended(0).stdout.splitlines()
    assert lines[0] == f"supplychain {__version__}"
    assert lines[1].startswith("trivy 0.")
    assert lines[2].startswith("vulnerability database of 20")

    lines = bare_desk.type("--version").ended(0).stdout.splitlines()
    assert lines[0] == f"supplychain {__version__}"
    assert lines[1] == "trivy: Trivy is not installed"


def test_the_doctor_on_a_bare_machine(bare_desk: Desk) -> None:
    found = bare_desk.type("doctor").ended(1)
    for hint in ("install Trivy", "supplychain vulndb pull", "supplychain keys generate"):
        assert f"try: {hint}" in found.stdout
    checks = bare_desk.type("doctor", "-o", "json").ended(1).json()["checks"]
    assert {c["name"] for c in checks if c["needed"] and not c["ok"]} == {"trivy", "database"}
    assert not bare_desk.data.exists()
    assert not bare_desk.cache.exists()


def test_the_doctor_where_nothing_is_missing(desk: Desk) -> None:
    checks = desk.type("doctor", "-o", "json").ended(0).json()["checks"]
    assert {c["name"] for c in checks if not c["ok"]} <= {"docker"}
    assert "proven for" in desk.type("doctor").ended(0).stdout


def test_the_doctor_finds_a_database_that_is_too_old(desk: Desk) -> None:
    found = desk.type("doctor", SUPPLYCHAIN_DB_MAX_AGE="1m").ended(1)
    assert "supplychain vulndb pull" in found.stdout


def test_every_value_and_where_it_came_from(desk: Desk) -> None:
    (desk.folder / "supplychain.toml").write_text('environment = "prod"\nkey = "keys/ci.key"\n')
    environ = {
        "SUPPLYCHAIN_DATABASE": "postgresql://me:secret-1@db.example/record",
        "SUPPLYCHAIN_REGISTRY_TOKEN": "secret-2",
        "SUPPLYCHAIN_KEY": "",
    }

    done = desk.type("config", "show", "-o", "json", **environ).ended(0)
    shown = {one["name"]: (one["value"], one["origin"]) for one in done.json()["settings"]}
    file = str(desk.folder / "supplychain.toml")
    assert shown["environment"] == ("prod", file)
    assert shown["key"] == (str(desk.folder / "keys" / "ci.key"), file)
    assert shown["data_dir"] == (str(desk.data), "default")
    assert shown["database"][0] == "postgresql://me:********@db.example/record"
    assert shown["registry_token"] == ("********", "environment SUPPLYCHAIN_REGISTRY_TOKEN")
    for secret in ("secret-1", "secret-2", PASSWORD):
        assert secret not in done.stdout
    flagged = desk.type("config", "show", "data_dir", "--data-dir", "/srv/record").ended(0)
    assert flagged.stdout == "data_dir  /srv/record  (flag)\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('enviroment = "prod"', ("'enviroment'", "did you mean 'environment'?")),
        ('key_password = "x"', ("a secret", "SUPPLYCHAIN_KEY_PASSWORD_FILE")),
        ('insecure_registry = "evil.example"', ("may not set insecure_registry",)),
        ("environment = ", ("supplychain.toml cannot be read",)),
    ],
    ids=["unknown", "secret", "trust", "broken"],
)
def test_a_settings_file_that_is_wrong(desk: Desk, line: str, words: tuple[str, ...]) -> None:
    (desk.folder / "supplychain.toml").write_text(f"{line}\n")
    desk.type("config", "show").refused(2, *words)


def test_an_unknown_setting_is_wrong_usage(desk: Desk) -> None:
    desk.type("config", "show", "databse").refused(2, "databse")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion(bare_desk: Desk, shell: str) -> None:
    # Else the shell is taken that started all this, and a test cannot choose that.
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    script = bare_desk.type("--show-completion", shell, **named)
    assert "_SUPPLYCHAIN_COMPLETE" in script.ended(0).stdout


def test_completion_knows_the_commands(bare_desk: Desk) -> None:
    asked = {
        "_SUPPLYCHAIN_COMPLETE": "complete_bash",
        "COMP_WORDS": "supplychain ",
        "COMP_CWORD": "1",
    }
    offered = bare_desk.type(**asked).stdout.split()

    assert {"run", "gate", "doctor", "vulndb", "images"} <= set(offered)


def test_a_policy_is_checked_and_shown_with_its_keys(desk: Desk) -> None:
    checked = desk.type("policy", "check", "policies/prod.yaml").ended(0).stdout
    assert checked.startswith("policies/prod.yaml: environment prod, 4 rules, sha256:")
    shown = desk.type("policy", "show", "prod").ended(0).stdout
    assert desk.public_key.read_text().splitlines()[1] in shown
    # What is shown is a policy again, and the same one.
    (desk.folder / "shown.yaml").write_text(shown)
    desk.type("policy", "show", "gone").refused(1, "policies/gone.yaml", "try: ")
    desk.type("policy", "show").refused(2, "try: supplychain policy show prod")


def test_a_desk_elsewhere(desk: Desk, repaired: Path) -> None:
    """Data, cache and policies can each be moved by one setting."""
    elsewhere = desk.folder / "elsewhere"
    shutil.move(desk.data, elsewhere / "data")
    shutil.move(desk.folder / "policies", elsewhere / "policies")
    shutil.copy(desk.public_key, elsewhere)
    moved = {
        f"SUPPLYCHAIN_{name}": str(elsewhere / folder)
        for name, folder in (("DATA_DIR", "data"), ("CACHE_DIR", "cache"), ("POLICIES", "policies"))
    }
    moved["SUPPLYCHAIN_ENVIRONMENT"] = "prod"

    desk.type("run", f"oci:{repaired}", **moved).ended(0)
    assert not desk.data.exists()
    assert (elsewhere / "cache").is_dir()
    assert (elsewhere / "data" / "supplychain.db").is_file()
