"""What each rule demands, as Markdown: the sections of docs/policy.md are made from this."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from textwrap import indent

from supplychain.gate.case import Rule
from supplychain.gate.options import Option, options_of


def describe(rule: type[Rule]) -> str:
    """A rule's section: what its docstring says, its options as a table, and its examples."""
    parts = [f"### `{rule.name}`", inspect.cleandoc(rule.__doc__ or ""), _table(rule)]
    parts += [f"```yaml\n{item}```" for item in map(example_item, rule.examples)]
    return "\n\n".join(part for part in parts if part) + "\n"


def example_item(example: str) -> str:
    """An example as an item of a policy's `rules`; its leading comments stay above it."""
    lines = inspect.cleandoc(example).splitlines(keepends=True)
    comments = [line for line in lines if line.startswith("#")]
    text = "".join(lines[len(comments) :]).rstrip("\n") + "\n"
    return "".join(comments) + "- " + indent(text, "  ")[2:]


def _table(rule: type[Rule]) -> str:
    options = options_of(rule)
    if not options:
        return ""
    rows = [f"| `{name}` | {_meaning(option)} |" for name, option in options.items()]
    return "\n".join(["| option | meaning |", "| --- | --- |", *rows])


def _meaning(option: Option) -> str:
    text = option.text.replace("|", "\\|")
    return text + ("; required" if option.required else "")


def describe_all(rules: dict[str, type[Rule]]) -> str:
    """The sections of all rules, by name."""
    return "\n".join(_sections(rules))


def _sections(rules: dict[str, type[Rule]]) -> Iterator[str]:
    for name in sorted(rules):
        yield describe(rules[name])
