"""The documents say what is so, and everything that they should say."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from supplychain.cli.app import _WELCOME
from supplychain.cli.failures import Exit
from supplychain.settings import SETTINGS
from tests.kit.command_tree import Command, commands, option_names, parse, root
from tests.kit.prose import (
    REPOSITORY,
    anchors,
    code_spans,
    command_lines,
    documents,
    links,
    script_lines,
    templates,
)
from tests.kit.reference_docs import DOCS, block, tables

SOURCES = sorted((REPOSITORY / "supplychain").rglob("*.py"))
VARIABLES = {
    name
    for setting in SETTINGS
    for name in (
        setting.variable,
        *([f"{setting.variable}_FILE"] if setting.secret or setting.mounted else []),
    )
}
# Options of cosign's and openssl's that the documents show.
FOREIGN = {
    "--insecure-ignore-tlog",
    "--new-bundle-format",
    "--no-healthcheck",
    "--tlog-upload",
    "--trusted-root",
    "--use-signing-config",
}
# Where `pip`, `make` or the tests read something of ours.
OF_THE_TESTS = {
    "SUPPLYCHAIN_BENCH_COSIGN",
    "SUPPLYCHAIN_FAULTS",
    "SUPPLYCHAIN_MANY",
    "SUPPLYCHAIN_TEST_CACHE",
}


def read(path: Path) -> str:
    return path.read_text("utf-8")


def named(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@pytest.mark.parametrize("place", tables(), ids=lambda place: f"{place[0].name}:{place[1]}")
def test_tables_made_from_the_code_are_up_to_date(place: tuple[Path, str]) -> None:
    path, name = place
    assert block(read(path), name) == tables()[place], "type: make docs"


def test_every_exit_code_is_documented_and_no_other() -> None:
    section = read(DOCS / "command-line.md").split("## Exit codes")[1].split("\n## ")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)] == [*Exit]


@pytest.mark.parametrize("page", [*documents(), *templates()], ids=named)
def test_every_command_line_in_a_document_parses(page: Path) -> None:
    find = command_lines if page.suffix == ".md" else script_lines
    for line in find(read(page)):
        accepted(line)


def test_documents_have_command_lines_to_check() -> None:
    shown = {accepted(line) for page in documents() for line in command_lines(read(page))}
    assert shown >= {"run", "gate", "doctor", "vulndb pull", "keys generate", "export sbom"}
    run = {accepted(line) for page in templates() for line in script_lines(read(page))}
    assert run == {"db upgrade", "vulndb pull", "doctor", "run", "gate", "export sbom"}


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.words)
def test_every_help_has_examples_that_work_as_they_stand(command: Command) -> None:
    examples = [*script_lines(command.help)]
    assert examples
    assert {accepted(line) for line in examples} == {command.words}


def test_the_first_words_of_the_program_name_commands() -> None:
    lines = re.findall(r"^  (supplychain .+?)  ", _WELCOME, re.MULTILINE)
    shown = [accepted(arguments) for line in lines for arguments in script_lines(line)]
    assert shown == ["doctor", "vulndb pull", "keys generate", "run", "gate"]


def test_hints_in_the_code_name_commands_that_exist() -> None:
    groups = {name for name, command in root().commands.items() if hasattr(command, "commands")}
    known = {command.words for command in commands()}
    pattern = re.compile(rf"supplychain ((?:{'|'.join(groups)}) [a-z]+)")
    hints = [words for path in SOURCES for text in texts(path) for words in pattern.findall(text)]
    assert len(hints) > 10
    assert set(hints) <= known


@pytest.mark.parametrize("page", [*documents(), *templates()], ids=named)
def test_every_variable_in_a_document_is_a_setting(page: Path) -> None:
    text = read(page)
    found = set(re.findall(r"SUPPLYCHAIN_[A-Z0-9_]*[A-Z0-9]", text))
    assert found <= VARIABLES | OF_THE_TESTS


def test_every_variable_that_the_code_reads_is_documented() -> None:
    text = read(DOCS / "command-line.md") + read(DOCS / "settings.md")
    pattern = re.compile(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"")
    looked_up = {name for path in SOURCES for name in pattern.findall(read(path))}
    assert {"NO_COLOR", "CI", "DOCKER_CONFIG"} <= looked_up
    assert {name for name in looked_up - {"PATH"} if f"`{name}`" not in text} == set()
    assert {name for name in VARIABLES if f"`{name}`" not in text} == set()


@pytest.mark.parametrize("page", documents(), ids=named)
def test_every_option_in_a_document_exists(page: Path) -> None:
    shown = {
        option
        for span in code_spans(read(page))
        if re.match(r"-|\$ supplychain |supplychain ", span)
        for option in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", span)
    }
    assert shown <= option_names() | FOREIGN | REFUSED


# Options that a page names in order to say that they are none of ours.
REFUSED = {"--severity", "--ignore-unfixed", "--exit-code"}


def test_what_is_refused_with_a_hint_is_no_option() -> None:
    assert REFUSED.isdisjoint(option_names())


@pytest.mark.parametrize("page", documents(), ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(read(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        if fragment:
            assert fragment in anchors(read(target)), f"{link} leads to no heading"


def test_every_page_of_docs_is_linked_from_somewhere() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in documents()
        for link in links(read(page))
    }
    pages = {page for page in documents() if DOCS in page.parents}
    assert sorted(map(named, pages - linked)) == []


def test_the_rooms_in_the_architecture_are_those_of_the_package() -> None:
    table = re.findall(r"^\| `(\w+)(?:/|\.py)` \|", read(DOCS / "architecture.md"), re.MULTILINE)
    there = {
        path.stem for path in (REPOSITORY / "supplychain").iterdir() if path.suffix in {"", ".py"}
    }
    assert set(table) == {name for name in there if not name.startswith("_")}


def test_the_changelog_keeps_to_its_form() -> None:
    text = read(REPOSITORY / "CHANGELOG.md")
    assert text.startswith("# Changelog\n")
    versions = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert versions[0] == "[Unreleased]"
    for version in versions[1:]:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", version)
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= kinds
    unreleased = text.split("## [Unreleased]")[1].split("\n## [")[0]
    assert re.search(r"^- \w", unreleased, re.MULTILINE)


def accepted(line: list[str]) -> str:
    """The command that a line calls, which must parse; a command's bare name is enough."""
    if {"--install-completion", "--show-completion"} & set(line):
        return ""  # to parse them is to do them
    words = " ".join(word for word in line if word != "--help")
    if not words or words in {c.words for c in commands()} | set(root().commands):
        return words
    try:
        return parse(line)
    except Exception as error:
        raise AssertionError(f"supplychain {' '.join(line)}: {error}") from error


def texts(path: Path) -> list[str]:
    """Every text in a module, docstrings included."""
    nodes = ast.walk(ast.parse(read(path)))
    return [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
