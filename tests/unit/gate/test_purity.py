"""The gate judges by what it is given: no clock, no randomness, no files, no network of its own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import supplychain.gate

ROOM = Path(supplychain.gate.__file__).parent
MODULES = sorted(ROOM.rglob("*.py"))
ALLOWED = {
    "__future__",
    "base64",
    "cel_expr_python",
    "collections",
    "dataclasses",
    "datetime",
    "difflib",
    "enum",
    "functools",
    "inspect",
    "itertools",
    "license_expression",
    "operator",
    "json",
    "msgspec",
    "posixpath",
    "re",
    "re2",
    "supplychain",
    "textwrap",
    "types",
    "typing",
    "yaml",
}
# Of what is allowed, the ways to a clock and to files.
FORBIDDEN = {"now", "utcnow", "today", "fromtimestamp", "open", "eval", "exec", "__import__"}


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(ROOM)))
def test_it_has_no_clock_and_does_no_input_or_output(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= ALLOWED
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    # As a method, `eval` is that of a compiled CEL expression; a variable `now` is no clock.
    assert not attributes & (FORBIDDEN - {"eval"})
    assert not names & (FORBIDDEN - {"now", "today"})


def test_the_scan_would_find_a_clock() -> None:
    assert len(MODULES) > 10
    tree = ast.parse("from datetime import datetime\ndatetime.now()")
    assert any(isinstance(n, ast.Attribute) and n.attr in FORBIDDEN for n in ast.walk(tree))
