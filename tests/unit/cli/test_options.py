"""How a function becomes a command: its own options, and those that are settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from supplychain.cli import options
from supplychain.cli.context import Context, OutputFormat

app = typer.Typer()


@app.command("show")
@options.command(options.RECORD, options.REGISTRY, options.SCANNING)
def show(
    shared: Context,
    count: Annotated[int, typer.Option()] = 3,
    output: options.Output = OutputFormat.TEXT,
) -> None:
    """Show what arrived."""
    names = ("data_dir", "registry_username", "insecure_registry", "scan_timeout", "environment")
    values = {
        name: [shared.settings.text(name), shared.settings.value(name).origin] for name in names
    }
    print(json.dumps([values, count, str(output), shared.verbose, shared.quiet]))


@app.command("other")
@options.command()
def other(shared: Context) -> None:
    """Take no settings."""


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(tmp_path)
    for name in ("SUPPLYCHAIN_DATA_DIR", "SUPPLYCHAIN_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    return CliRunner(env={"XDG_CONFIG_HOME": str(tmp_path)})


def shown(runner: CliRunner, *arguments: str) -> list[Any]:
    done = runner.invoke(app, ["show", *arguments])
    assert done.exit_code == 0, done.output
    result: list[Any] = json.loads(done.stdout)
    return result


def test_nothing_given_is_nothing_set(runner: CliRunner) -> None:
    settings, *own = shown(runner)
    assert settings == {
        "data_dir": [None, "not set"],
        "registry_username": [None, "not set"],
        "insecure_registry": [None, "not set"],
        "scan_timeout": ["10m", "default"],
        "environment": [None, "not set"],
    }
    assert own == [3, "text", False, False]


def test_flags_become_settings_and_win_over_the_environment(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPPLYCHAIN_DATA_DIR", "/elsewhere")
    monkeypatch.setenv("SUPPLYCHAIN_ENVIRONMENT", "staging")
    settings, *own = shown(
        runner,
        *("--data-dir", "/here", "--timeout", "90s", "--registry-username", "me"),
        *("--insecure-registry", "a:5000", "--insecure-registry", "b"),
        *("--count", "7", "--output", "json", "--verbose", "--no-progress"),
    )
    assert settings == {
        "data_dir": ["/here", "flag"],
        "registry_username": ["me", "flag"],
        "insecure_registry": ["a:5000,b", "flag"],
        "scan_timeout": ["90s", "flag"],
        "environment": ["staging", "environment SUPPLYCHAIN_ENVIRONMENT"],
    }
    assert own == [7, "json", True, True]


def test_an_empty_flag_sets_nothing(runner: CliRunner) -> None:
    settings, *_ = shown(runner, "--registry-username", "")
    assert settings["registry_username"] == [None, "not set"]


def test_a_command_has_only_the_groups_that_it_asked_for(runner: CliRunner) -> None:
    assert runner.invoke(app, ["other", "--data-dir", "/here"]).exit_code == 2
    assert runner.invoke(app, ["other", "--quiet"]).exit_code == 0
