"""What somebody mistypes is answered as every other error: what, and what to type."""

from __future__ import annotations

import sys

import pytest

from supplychain.cli import _run


def typed(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["supplychain", *arguments])
    return _run()


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["rnu"], "no such command 'rnu'. Did you mean 'run'?", "supplychain --help"),
        (["images", "lst"], "no such command 'lst'.", "supplychain images --help"),
        (["run"], "missing argument 'SOURCE'", "supplychain run --help"),
        (["run", "x", "y"], "got unexpected extra argument", "supplychain run --help"),
        (["run", "--enviroment", "x"], "no such option: --enviroment", "did you mean --env"),
        (["gate", "x", "-o", "xml"], "invalid value for '--output'", "supplychain gate --help"),
        (["images", "list", "--limit", "0"], "invalid value for '--limit'", "supplychain images"),
        *(
            (["runs", "list", "--limit", text], "invalid value for '--limit'", "supplychain runs")
            for text in ("1_0", "+5", " 5", "٣", "1e2", "1.0", "9" * 5000, "100001", "")
        ),
        (["serve", "--port", "8_080"], "invalid value for '--port'", "supplychain serve"),
        (["serve", "--processes", "+2"], "invalid value for '--processes'", "supplychain serve"),
        (["run", "x", "--ignore-unfixed"], "no such option", "say it in the policy, as a rule"),
        (["scan", "x", "--severity", "HIGH"], "no such option", "{severity: high}"),
        (["gate", "x", "--severity=HIGH"], "no such option", "{severity: high}"),
        (["run", "x", "--exit-code", "1"], "no such option", "exit codes are fixed"),
        (["scan", "x", "--offline-scan"], "no such option", "never use the network"),
        (["sign", "x", "--registry-password", "p"], "no such option", "_PASSWORD_FILE"),
        (["sign", "x", "--allow-insecure-registry"], "no such option", "--insecure-registry HOST"),
    ],
)
def test_a_slip_says_what_is_wrong_and_what_to_do(
    arguments: list[str],
    error: str,
    hint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert typed(*arguments, monkeypatch=monkeypatch) == 2
    out, err = capsys.readouterr()
    assert out == ""
    first, second = err.splitlines()
    assert first.startswith(f"error: {error}")
    assert second.startswith("try: ")
    assert hint in second


def test_a_group_alone_shows_its_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed("vulndb", monkeypatch=monkeypatch) == 2
    out, err = capsys.readouterr()
    assert "error" not in err
    assert "import" in out + err


def test_the_program_alone_shows_the_first_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(monkeypatch=monkeypatch) == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()[2:7]] == [
        *("doctor", "vulndb", "keys", "run", "gate")
    ]
