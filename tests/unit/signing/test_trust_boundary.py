"""Only a verifier makes a `VerifiedAttestation`, and only the record gives one back."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import supplychain

ROOT = Path(supplychain.__file__).parent


@cache
def _sources() -> dict[str, ast.Module]:
    """All that the program is, by module."""
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in ROOT.rglob("*.py")
    }


def _makers(name: str) -> set[str]:
    """The modules that call `name(…)`, or hand it on under another name."""
    found = set()
    for module, tree in _sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name:
                found.add(module)
            if isinstance(node, ast.alias) and node.name.split(".")[-1] == name and node.asname:
                found.add(module)
    return found


def test_only_the_verifier_makes_verified_attestations() -> None:
    makers = _makers("VerifiedAttestation")
    # Of what is attached to images, and of files that are signed as a whole.
    verifiers = {"signing/verification.py", "signing/signed_files.py"}
    assert verifiers <= makers
    # Beside them, the tests of policies imagine some, which are judged for a test and thrown away.
    others = {m for m in makers if not m.startswith("records/")}
    assert others == {*verifiers, "gate/imagined_signers.py"}


def test_what_is_imagined_is_imagined_for_tests_of_policies_alone() -> None:
    for name, importers in {
        "imagined": {"gate/policy_tests.py"},
        "imagined_signers": {"gate/imagined.py"},
        "imagined_values": {
            "gate/imagined.py",
            "gate/imagined_signers.py",
            "gate/policy_tests.py",
        },
        "policy_tests": {"bootstrap/policy_tests.py", "cli/policy_results.py"},
    }.items():
        module = f"supplychain.gate.{name}"
        found = {
            source
            for source, tree in _sources().items()
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == module
        }
        assert found == importers
