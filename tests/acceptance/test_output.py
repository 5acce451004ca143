"""What goes where: the result to stdout and nothing else, talk to stderr, colour to terminals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kit.cli import Desk
from tests.kit.shop import digest_of

_COLOUR = "\x1b["


def test_every_json_result_is_whole_and_alone(desk: Desk, repaired: Path) -> None:
    image, key = f"oci:{repaired}", desk.public_key
    digest = digest_of(repaired)
    commands: list[tuple[int, tuple[str | Path, ...], str]] = [
        (0, ("run", image, "-e", "prod"), "verdict"),
        (0, ("gate", digest, "-e", "prod"), "verdict"),
        (10, ("gate", digest, "-e", "staging"), "verdict"),
        (0, ("scan", image), "platforms"),
        (0, ("sign", image), "verified"),
        (0, ("verify", image, "--key", key), "verified"),
        (0, ("images", "list"), "images"),
        (0, ("images", "show", digest), "platforms"),
        (0, ("config", "show"), "settings"),
        (0, ("doctor",), "checks"),
        (0, ("db", "status"), "state"),
        (0, ("db", "upgrade"), "state"),
        (0, ("vulndb", "status"), "updated_at"),
        (0, ("vulndb", "import", "vulndb"), "proven"),
        (0, ("policy", "check", "policies/prod.yaml"), "policies"),
        (0, ("policy", "show", "prod"), "policy"),
        (0, ("keys", "generate", "--output-key-prefix", "other"), "fingerprint"),
    ]
    for code, command, member in commands:
        done = desk.type(*command, "--output", "json").ended(code)
        assert member in done.json(), command
        assert done.stderr == "", command
        assert done.stdout.endswith("}\n"), command
        assert _COLOUR not in done.stdout


def test_a_failure_leaves_stdout_empty_in_json_too(desk: Desk) -> None:
    desk.type("run", "oci:nowhere", "-e", "prod", "-o", "json").refused(1, "nowhere")
    desk.type("images", "show", "nowhere", "-o", "json").refused(1, "supplychain images list")


def test_the_result_goes_into_a_file(desk: Desk, repaired: Path) -> None:
    file = desk.folder / "verdict.json"

    done = desk.type(
        "run", f"oci:{repaired}", "-e", "prod", "-o", "json", "--output-file", file
    ).ended(0)
    assert done.stdout == ""
    assert json.loads(file.read_text())["verdict"] == "allow"
    asked = ("gate", digest_of(repaired), "-e", "prod")
    desk.type(*asked, "--output-file", "no/such/folder").refused(2, "there is no folder")
    assert list(desk.folder.glob(".verdict*")) == []


def test_a_pipe_gets_plain_lines_and_quiet_gets_none(desk: Desk, repaired: Path) -> None:
    run = ("run", f"oci:{repaired}", "-e", "prod")

    plain = desk.type(*run).ended(0)
    stages = [line.partition(" ")[0] for line in plain.stderr.splitlines()]
    assert stages == ["fetch", "scan", "sbom", "sign", "record"]
    assert _COLOUR not in plain.stderr + plain.stdout
    assert "\r" not in plain.stderr
    for option in ("--quiet", "-q", "--no-progress"):
        assert desk.type(*run, option).ended(0).stderr == ""


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, False),
    ],
    ids=["pipe", "forced", "both", "empty"],
)
def test_colour_in_a_pipe_is_asked_for(desk: Desk, environ: dict[str, str], coloured: bool) -> None:
    done = desk.type("doctor", **environ).ended(0)
    assert (_COLOUR in done.stdout) == coloured


def test_data_is_utf_8_whatever_letters_a_terminal_has(desk: Desk) -> None:
    (desk.folder / "supplychain.toml").write_text('environment = "l\u00e4den"\n')

    done = desk.type("config", "show", "environment", "-o", "json", PYTHONIOENCODING="ascii")
    assert done.ended(0).json()["settings"][0]["value"] == "l\u00e4den"
    shown = desk.type("config", "show", "environment", PYTHONIOENCODING="ascii").ended(0)
    assert shown.stdout.startswith("environment  l?den")


def test_what_an_image_says_of_itself_cannot_drive_a_terminal(desk: Desk) -> None:
    desk.policy(environment="prod")
    name = "registry.example/shop:\x1b[2J"

    done = desk.type("run", name, "-e", "prod")
    assert done.code == 2
    assert "\x1b" not in done.stderr
