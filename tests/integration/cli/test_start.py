"""What a command loads before it begins."""

from __future__ import annotations

import subprocess
import sys


def test_other_commands_are_not_even_loaded() -> None:
    program = (
        "import sys; from supplychain.cli.app import tree; tree(['verify']);"
        "print(*(name for name in sys.modules if name.startswith('supplychain.cli.commands.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["supplychain.cli.commands.stages"]


def test_verifying_by_a_key_in_a_registry_loads_nothing_that_it_does_not_need() -> None:
    program = (
        "import sys;"
        "from supplychain.bootstrap.believed import Believed, _identities; _identities(Believed());"
        "import supplychain.images.registry.repository, supplychain.signing.verification;"
        "print(*({'requests', 'sigstore', 'sqlalchemy', 'pydantic', 'rich', 'yaml',"
        "'supplychain.gate.identities', 'cryptography.x509'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
