"""What a command loads before it begins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import typer

from supplychain.cli.app import tree
from supplychain.records.record import Record
from supplychain.records.stores import open_content_store
from tests.kit.runs import manifest_run
from tests.kit.scans import AT, SUBJECT


def printed(program: str) -> list[str]:
    """The words that a program prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_other_commands_are_not_even_loaded() -> None:
    program = (
        "import sys; from supplychain.cli.app import tree; tree(['verify']);"
        "print(*(name for name in sys.modules if name.startswith('supplychain.cli.commands.')))"
    )
    assert printed(program) == ["supplychain.cli.commands.stages"]


def test_the_record_loads_nothing_of_postgresql_before_it_is_in_one() -> None:
    program = (
        "import sys; from supplychain.records.record import Record;"
        "print(*(name for name in sys.modules if 'postgresql' in name or 'psycopg' in name))"
    )
    assert printed(program) == []


def test_help_of_all_commands_loads_none_of_them(tmp_path: Path) -> None:
    """Nor does completion, or a word that was mistyped."""
    for arguments, environ in (
        (["--help"], {}),
        (["gaet"], {}),
        ([], {"_SUPPLYCHAIN_COMPLETE": "complete_bash", "COMP_WORDS": "supplychain ga"}),
    ):
        program = (
            f"import sys; sys.argv[1:] = {arguments}\n"
            "from supplychain.cli import main\n"
            "try: main()\n"
            "finally: print(*(name for name in sys.modules if name.startswith("
            "('supplychain.cli.commands', 'supplychain.model.decision'))))"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=False,
            env={"HOME": str(tmp_path), "COMP_CWORD": "1", **environ},
        )
        assert "Traceback" not in done.stderr
        assert done.stdout.splitlines()[-1] == ""


def test_what_help_says_of_a_command_is_its_own_first_sentence() -> None:
    def said(root: Any) -> set[tuple[str, ...]]:
        return {
            (name, command.rich_help_panel, " ".join(command.help.split("\n\n")[0].split()))
            for name, command in root.commands.items()
        }

    assert said(typer.main.get_command(tree([]))) == said(typer.main.get_command(tree()))


def test_verifying_by_a_key_in_a_registry_loads_nothing_that_it_does_not_need() -> None:
    program = (
        "import sys;"
        "from supplychain.bootstrap.believed import Believed, _identities; _identities(Believed());"
        "import supplychain.images.registry.repository, supplychain.signing.verification;"
        "print(*({'requests', 'sigstore', 'sqlalchemy', 'pydantic', 'rich', 'yaml',"
        "'supplychain.gate.identities', 'cryptography.x509'} & set(sys.modules)))"
    )
    assert printed(program) == []


def what_gate_says(folder: Path, before: str, at_last: str) -> str:
    """What it writes to stderr that answers, and so went through all that a verdict takes.

    Args:
        folder: For its record.
        before: What the process does first.
        at_last: The value that it shows at the end.
    """
    (folder / "prod.yaml").write_text(
        "schemaVersion: 1\nenvironment: prod\nrules:\n  - freshness: {scan: 24h, database: 7d}\n"
    )
    url = f"sqlite:///{folder / 'supplychain.db'}"
    with Record.open(url, open_content_store(str(folder / "content")), create=True) as record:
        record.save_run(manifest_run(), at=AT)
    program = (
        f"import gc, sys; sys.argv[1:] = ['gate', '{SUBJECT}', '--environment', 'prod']\n"
        "from supplychain.cli import main\n"
        f"{before}\n"
        "try: main()\n"
        f"finally: print({at_last}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={
            "HOME": str(folder),
            "SUPPLYCHAIN_DATA_DIR": str(folder),
            "SUPPLYCHAIN_POLICIES": str(folder),
        },
    )
    assert done.returncode == 10, done.stderr
    return done.stderr


def test_gate_loads_nothing_that_it_does_not_ask(tmp_path: Path) -> None:
    """Nor what makes tables of PostgreSQL's, which loads all that SQLAlchemy knows of it."""
    parts = "access evidence handed_in history kept repeats runs search staging writing"
    doors = "evidence exports looking reports risks runs"
    unwanted = {
        *(f"supplychain.records.{part}" for part in parts.split()),
        *(f"supplychain.bootstrap.{door}" for door in doors.split()),
        "sqlalchemy.dialects.postgresql",
        "sqlalchemy.orm",
        "cryptography",
        "pydantic",
        "requests",
        "sigstore",
    }
    said = what_gate_says(tmp_path, "", f"*sorted({unwanted} & set(sys.modules))")
    assert said == "\n"


def test_gate_never_looks_for_garbage(tmp_path: Path) -> None:
    """It makes none worth a look, and each look goes through all that was loaded."""
    looks = "sum(generation['collections'] for generation in gc.get_stats())"
    assert what_gate_says(tmp_path, f"gc.collect(); before = {looks}", f"{looks} - before") == "0\n"
