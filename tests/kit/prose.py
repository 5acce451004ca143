"""What the documents of this repository say: their command lines, their code spans, their links."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_SHELLS = {"", "sh", "console", "bash", "shell", "text"}
# What a shell would not hand to the program.
_AFTER = re.compile(r"\s(\|\|?|&&|;|>>?|2>|#)(\s|$)")
_ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")


def documents() -> list[Path]:
    """Every page that people read."""
    pages = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]
    return sorted(pages)


def templates() -> list[Path]:
    """The CI templates."""
    return sorted((REPOSITORY / "ci-templates").rglob("*.yml"))


def command_lines(text: str) -> Iterator[list[str]]:
    """The arguments of every `supplychain …` in a page's shell blocks and code spans."""
    blocks = [block for language, block in _FENCE.findall(text) if language in _SHELLS]
    spans = _SPAN.findall(_FENCE.sub("", text).replace("\n", " "))
    for line in itertools.chain(_lines("\n".join(blocks)), spans):
        yield from arguments(line)


def script_lines(text: str) -> Iterator[list[str]]:
    """The arguments of every `supplychain …` in a script or a template."""
    for line in _lines(text):
        yield from arguments(line.strip().removeprefix("- "))


def arguments(line: str) -> Iterator[list[str]]:
    """What follows the program's name in a line that begins with it; alternatives one by one."""
    words = line.strip().removeprefix("$ ")
    while assignment := _ASSIGNMENT.match(words):
        words = words[assignment.end() :].lstrip()
    if not words.startswith("supplychain ") or words.startswith("supplychain COMMAND"):
        return
    command = _AFTER.split(words, maxsplit=1)[0]
    first, *rest = shlex.split(command)[1:] or [""]
    choices = [part.split("|") if part.islower() else [part] for part in (first, *rest[:1])]
    for chosen in itertools.product(*choices):
        yield [word for word in (*chosen, *rest[1:]) if word]


def code_spans(text: str) -> list[str]:
    """Every code span, and every line of every block."""
    blocks = [line for _, block in _FENCE.findall(text) for line in _lines(block)]
    return [*_SPAN.findall(_FENCE.sub("", text)), *blocks]


def links(text: str) -> list[str]:
    """The targets of every link."""
    return _LINK.findall(_SPAN.sub("", _FENCE.sub("", text)))


def anchors(text: str) -> set[str]:
    """The fragments that GitHub makes of a page's headings."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in _HEADING.findall(_FENCE.sub("", text))
    }


def _lines(text: str) -> list[str]:
    return text.replace("\\\n", " ").splitlines()
