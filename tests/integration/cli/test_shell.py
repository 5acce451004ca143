"""What the program owes to shells and terminals: completion, and letters that they can show."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.kit.cli import PROGRAM


def typed(home: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    base = {"HOME": str(home), "PATH": os.defpath}
    return subprocess.run(
        [PROGRAM, *arguments],
        env=base | environ,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )


def completed(home: Path, line: str) -> list[str]:
    """What bash would offer for the last word of a line."""
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    return typed(home, _SUPPLYCHAIN_COMPLETE="complete_bash", **asked).stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("supplychain vu", ["vulndb"]),
        ("supplychain vulndb ", ["import", "pull", "status"]),
        ("supplychain run --ins", ["--insecure-registry"]),
        ("supplychain gate --output ", ["text", "json"]),
        (
            "supplychain attest --type slsa",
            ["slsaprovenance", "slsaprovenance02", "slsaprovenance1"],
        ),
        ("supplychain attestations ", ["list", "download", "record"]),
        ("supplychain attestations download --type v", ["vsa", "vuln"]),
        ("supplychain nothing", []),
    ],
)
def test_bash_completes_commands_options_and_choices(
    line: str, offered: list[str], tmp_path: Path
) -> None:
    assert completed(tmp_path, line) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_script_that_asks_us(shell: str, tmp_path: Path) -> None:
    script = typed(tmp_path, _SUPPLYCHAIN_COMPLETE=f"source_{shell}").stdout
    assert "supplychain" in script
    assert f"complete_{shell}" in script


def test_a_terminal_without_our_letters_still_gets_the_result(tmp_path: Path) -> None:
    done = typed(tmp_path, "doctor", PYTHONIOENCODING="ascii")
    assert "Traceback" not in done.stderr
    assert "supplychain has a bug" not in done.stderr
    assert " ? python " in done.stdout
