"""Which environment is asked about, and how a decision is presented."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from supplychain.cli.context import Context, OutputFormat
from supplychain.cli.judgement import Presentation, environment_of, present
from supplychain.errors import InputError
from supplychain.model.decision import Verdict
from supplychain.model.digest import Digest
from supplychain.settings import Settings
from tests.kit.runs import make_decision


def shared(tmp_path: Path, **environ: str) -> Context:
    settings = Settings({}, environ, tmp_path, tmp_path / "user.toml")
    return Context(settings, verbose=False, quiet=False)


def test_the_environment_is_the_given_one_then_the_settings(tmp_path: Path) -> None:
    settled = shared(tmp_path, SUPPLYCHAIN_ENVIRONMENT="staging")
    assert environment_of(settled, "prod") == "prod"
    assert environment_of(settled, None) == "staging"


def test_without_an_environment_there_is_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no environment was given") as caught:
        environment_of(shared(tmp_path), None)
    assert caught.value.hint == "name it: --environment prod"


@pytest.mark.parametrize(
    "name",
    [
        *("../prod", "a/b", ".", "..", ".hidden", "/etc/passwd"),
        *("prod\nALLOW", "\x1b[2J", "pr\u043ed", "e" * 64, " "),
    ],
)
def test_an_environment_can_neither_leave_the_folder_of_policies_nor_forge_a_verdict(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="cannot name an environment"):
        environment_of(shared(tmp_path), name)


@pytest.mark.parametrize(
    ("verdict", "code"), [(Verdict.ALLOW, 0), (Verdict.DENY, 10), (Verdict.PENDING, 11)]
)
def test_a_decision_is_shown_and_the_exit_code_is_its_verdict(
    verdict: Verdict, code: int, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    judged = (make_decision(verdict=verdict), b'{"the": "document"}\n', Digest.of(b"document"))

    with pytest.raises(typer.Exit) as as_text:
        present(shared(tmp_path), judged, Presentation(OutputFormat.TEXT, None, everything=False))
    assert as_text.value.exit_code == code
    assert capsysbinary.readouterr().out.startswith(verdict.upper().encode())

    file = tmp_path / "decision.json"
    with pytest.raises(typer.Exit) as as_json:
        present(shared(tmp_path), judged, Presentation(OutputFormat.JSON, file, everything=False))
    assert as_json.value.exit_code == code
    assert file.read_bytes() == judged[1]
    assert capsysbinary.readouterr().out == b""
