"""Only a verifier makes a `VerifiedAttestation`, and only the record gives one back."""

from __future__ import annotations

import ast
from pathlib import Path

import supplychain

ROOT = Path(supplychain.__file__).parent


def _makers(name: str) -> set[str]:
    """The modules that call `name(…)`, or hand it on under another name."""
    found = set()
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name:
                found.add(path.relative_to(ROOT).as_posix())
            if isinstance(node, ast.alias) and node.name.split(".")[-1] == name and node.asname:
                found.add(path.relative_to(ROOT).as_posix())
    return found


def test_only_the_verifier_makes_verified_attestations() -> None:
    makers = _makers("VerifiedAttestation")
    assert "signing/verification.py" in makers
    assert {m for m in makers if not m.startswith("records/")} == {"signing/verification.py"}
