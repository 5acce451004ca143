"""The README says what is so. That its commands parse and its links lead somewhere, `test_docs`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from supplychain.cli.failures import Exit
from tests.kit.command_tree import commands
from tests.kit.prose import REPOSITORY

README = (REPOSITORY / "README.md").read_text("utf-8")


def section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def block(after: str, language: str) -> str:
    """The first code block in this language after these words."""
    return README.split(after)[1].split(f"```{language}\n")[1].split("```")[0]


def test_exit_codes() -> None:
    codes = re.findall(r"^\| (\d+) \|", section("Exit codes"), re.MULTILINE)
    assert [int(code) for code in codes] == [*Exit]


def test_commands() -> None:
    listed = set()
    for row in re.findall(r"^\| (`supplychain .+?) \|", section("Commands"), re.MULTILINE):
        first, *others = re.findall(r"`([a-z -]+)`", row)
        group = first.split()[1:-1]
        listed |= {" ".join([*group, name.split()[-1]]) for name in (first, *others)}
    assert listed == {command.words for command in commands()}


def test_key_and_policy_can_be_made_as_written(tmp_path: Path) -> None:
    policy = tmp_path / "policies" / "prod.yaml"
    policy.parent.mkdir()
    policy.write_text(block("**A policy**", "yaml"), "utf-8")
    check = block("**Run and ask.**", "sh").splitlines()[0]
    programs = Path(sys.executable).parent
    done = subprocess.run(
        ["sh", "-euc", f"{block('**A key**', 'sh')}\n{check}"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "policies/prod.yaml: environment prod, 5 rules" in done.stdout
    assert (tmp_path / "release.password").stat().st_mode & 0o077 == 0
