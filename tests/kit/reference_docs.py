"""The tables of `docs/` that are made from the code: `make docs` writes them, a test compares."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from supplychain.access.roles import MEANINGS, PERMISSIONS
from supplychain.gate.describe import describe_all
from supplychain.gate.evidence_document import KEYS
from supplychain.gate.rules import RULES
from supplychain.gate.schema import policy_schema
from supplychain.model.access import Permission, Role
from supplychain.server.problems import FOREIGN, STATUSES
from supplychain.settings import SETTINGS, Setting
from tests.kit.command_tree import PROGRAM, Option, commands, flags
from tests.kit.failing_matrix import matrix

DOCS = Path(__file__).resolve().parents[2] / "docs"
SCHEMA = DOCS / "policy.schema.json"


def tables() -> dict[tuple[Path, str], str]:
    """Each table, by its file and the name in its markers."""
    return {
        (DOCS / "settings.md", "settings"): _table(
            ("setting", "flag", "environment", "default", "meaning"), map(_setting, SETTINGS)
        ),
        (DOCS / "command-line.md", "commands"): _table(
            ("command", "what it does"),
            ((f"`{PROGRAM} {c.words}`", c.sentence.removesuffix(".")) for c in commands()),
        ),
        (DOCS / "command-line.md", "options"): _table(
            ("option", "what it does", "commands"), _options()
        ),
        (DOCS / "policy.md", "evidence"): _table(
            ("key", "what it holds"), ((f"`{key}`", text) for key, text in KEYS.items())
        ),
        (DOCS / "policy.md", "rules"): f"\n{describe_all(RULES)}\n",
        (DOCS / "fail-closed.md", "matrix"): matrix(),
        (DOCS / "http.md", "statuses"): _table(("code", "status"), _statuses()),
        (DOCS / "access.md", "roles"): _table(
            ("permission", "what it lets somebody do", *(f"`{role}`" for role in Role)),
            map(_permission, Permission),
        ),
    }


def _statuses() -> Iterator[tuple[str, str]]:
    known = dict(STATUSES) | {code: status for status, code in FOREIGN.items()}
    for code, status in sorted(known.items()):
        yield f"`{code}`", str(int(status))  # Python's versions differ in the words


def block(text: str, name: str) -> str:
    """What a document has between the markers of this name."""
    return _between(name).search(text)[2]  # type: ignore[index]  # a page without them is a fault


def main() -> None:
    """Write every table anew, and the schema of policies."""
    for (path, name), table in tables().items():
        page = path.read_text()
        start, end = _between(name).search(page).span(2)  # type: ignore[union-attr]  # as above
        path.write_text(page[:start] + table + page[end:])
    SCHEMA.write_text(schema())


def schema() -> str:
    """The JSON Schema of policies, as it is published."""
    return json.dumps(policy_schema(), indent=2, sort_keys=True) + "\n"


def _between(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {name}: begin[^\n]*-->\n)(.*?)(<!-- {name}: end -->)", re.DOTALL)


def _setting(setting: Setting) -> tuple[str, ...]:
    variables = [setting.variable, *setting.also]
    if setting.secret or setting.mounted:
        variables.insert(1, f"{setting.variable}_FILE")
    notes = [setting.help]
    if setting.secret:
        notes.append("secret: in no file of settings")
    if setting.trusted_only:
        notes.append("not in a project's file")
    flag = flags().get(setting.name)
    return (
        f"`{setting.name}`",
        f"`{flag}`" if flag else "",
        " ".join(f"`{variable}`" for variable in variables),
        f"`{setting.default}`" if setting.default else "",
        "; ".join(notes),
    )


def _permission(permission: Permission) -> tuple[str, ...]:
    has = ("✓" if permission in PERMISSIONS[role] else "" for role in Role)
    return (f"`{permission}`", MEANINGS[permission], *has)


def _options() -> Iterator[tuple[str, ...]]:
    """Every option once for each meaning; those that all commands have say so."""
    takers: dict[Option, list[str]] = {}
    for command in commands():
        for option in command.options:
            takers.setdefault(option, []).append(command.words)
    for option, words in sorted(takers.items(), key=lambda item: min(_long(item[0]))):
        names = ", ".join(f"`{name}`" for name in option.names)
        takes = option.metavar.strip("<>").replace("|", "\\|")
        yield f"{names} {takes}".strip(), option.help, _takers(words)


def _takers(words: list[str]) -> str:
    others = [command.words for command in commands() if command.words not in words]
    if not others:
        return "all"
    return f"all but {', '.join(others)}" if len(others) < len(words) else ", ".join(words)


def _long(option: Option) -> list[str]:
    return [name for name in option.names if name.startswith("--")]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


if __name__ == "__main__":
    main()
