"""`--help` on a terminal of 80 columns, as most people have it."""

from __future__ import annotations

from functools import cache

import pytest
from typer.testing import CliRunner

from supplychain.cli.app import tree
from tests.kit.command_tree import Command, commands

RUNNER = CliRunner(env={"COLUMNS": "80", "TERMINAL_WIDTH": "80", "NO_COLOR": "1", "TERM": "dumb"})


@cache
def page(words: str) -> str:
    done = RUNNER.invoke(tree(), [*words.split(), "--help"])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.words)
def test_help_is_a_sentence_then_examples_then_options(command: Command) -> None:
    text = page(command.words)
    places = [text.index(mark) for mark in ("Usage:", "Examples:", "─ Options ─")]
    assert places == sorted(places)
    words = " ".join(text[: places[1]].split())
    assert command.sentence in words
    assert command.sentence.endswith(".")
    assert command.sentence.count(". ") == 0


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.words)
def test_nothing_in_help_is_cut_or_broken_at_80_columns(command: Command) -> None:
    text = page(command.words)
    assert max(len(line) for line in text.splitlines()) <= 80
    # An ellipsis of ours stands in a word of ours; one of Rich's means that something was cut.
    assert [w for w in text.split() if w.endswith("…") and not is_ours(w)] == []
    for line in command.help.split("\n\n", 1)[1].splitlines():
        assert line.strip("\b ") in text


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.words)
def test_every_option_says_what_it_takes_and_what_it_is_for(command: Command) -> None:
    for option in command.options:
        assert option.help, f"{option.names} says nothing"
        assert not option.help.endswith("."), f"{option.names} is no sentence"
        assert option.metavar not in {"<str>", "<path>", "TEXT", "PATH"}


def is_ours(word: str) -> bool:
    return word.endswith(("_…", "sha256:…", "@sha256:1f3c…")) or word == "…"
