"""The command line as Typer sees it: every command, its options, and whether a line would parse."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import typer

from supplychain.cli.app import tree
from supplychain.cli.place import Works

PROGRAM = "supplychain"


@dataclass(frozen=True, slots=True)
class Option:
    """An option: every name it has, what it takes ("" for a switch), and what it is for."""

    names: tuple[str, ...]
    metavar: str
    help: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command that does something, by its words: `vulndb pull`."""

    words: str
    sentence: str
    help: str
    options: tuple[Option, ...]


@cache
def root() -> Any:
    """The whole tree."""
    return typer.main.get_command(tree())


def commands() -> tuple[Command, ...]:
    """Every command in the order of `--help`."""
    return tuple(_below(root(), ()))


def flags() -> dict[str, str]:
    """For each parameter's name the option that sets it: `data_dir` → `--data-dir`."""
    found: dict[str, str] = {}
    for command in (root(), *_leaves(root())):
        for parameter in command.params:
            long = [name for name in parameter.opts if name.startswith("--")]
            if long:
                found.setdefault(parameter.name, long[0])
    return found


def option_names() -> set[str]:
    """Every name of every option of every command, `--help` and those of the program included."""
    found = {name for command in commands() for option in command.options for name in option.names}
    of_the_program = {name for parameter in root().params for name in parameter.opts}
    return found | of_the_program | {"--help", "-h"}


def parse(arguments: Sequence[str]) -> str:
    """Read a command line as the program would, and run nothing; the command's words.

    Raises:
        Exception: Typer's usage error, where it would refuse.
    """
    command, name, rest, parent = root(), PROGRAM, list(arguments), None
    words: list[str] = []
    while True:
        context = command.make_context(name, rest, parent=parent)
        left = [*getattr(context, "_protected_args", ()), *context.args]
        if not hasattr(command, "commands") or not left:
            return " ".join(words)
        name, command, rest = command.resolve_command(context, left)
        words.append(name)
        parent = context


def _below(group: Any, words: tuple[str, ...]) -> Iterator[Command]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _below(command, (*words, name))
        else:
            options = [p for p in command.params if p.param_type_name == "option"]
            sentence = command.help.split("\n\n")[0].replace("\n", " ")
            yield Command(
                " ".join((*words, name)), sentence, command.help, tuple(map(_option, options))
            )


def _option(parameter: Any) -> Option:
    names = (*parameter.opts, *parameter.secondary_opts)
    takes = "" if parameter.is_flag else parameter.metavar or parameter.make_metavar(None)
    return Option(names, takes, parameter.help)


def _leaves(group: Any) -> Iterator[Any]:
    for command in group.commands.values():
        if hasattr(command, "commands"):
            yield from _leaves(command)
        else:
            yield command


def working(how: Works) -> Iterator[str]:
    """The words of the commands that work so."""
    for words, command in _paths(root(), ()):
        if vars(inspect.unwrap(command.callback))["works"] is how:
            yield " ".join(words)


def _paths(group: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _paths(command, (*words, name))
        else:
            yield (*words, name), command
