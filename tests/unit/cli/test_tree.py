"""A command is found without the commands that were not asked for."""

from __future__ import annotations

import pytest
import typer

from supplychain.cli.app import tree


def names(root: typer.Typer) -> list[str | None]:
    commands = [one.name for one in root.registered_commands]
    return [*commands, *(one.name for one in root.registered_groups)]


@pytest.mark.parametrize("name", names(tree()))
def test_whoever_names_a_branch_gets_that_branch(name: str) -> None:
    assert names(tree((name, "--help"))) == [name]
    assert names(tree(("--server", "https://supplychain.example", name))) == [name]
    assert names(tree(["--server=", name])) == [name]


@pytest.mark.parametrize("typed", [(), ("--help",), ("verfy",), ("", "verify"), ("--version",)])
def test_whoever_names_none_sees_all_that_there_are(typed: tuple[str, ...]) -> None:
    assert sorted(map(str, names(tree(typed)))) == sorted(map(str, names(tree())))
    assert len(names(tree())) > 20
