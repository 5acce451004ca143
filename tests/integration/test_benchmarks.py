"""The benchmarks can be called, and their arithmetic is right; what they measure is not judged."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.__main__ import NAMES, main, with_results
from benchmarks.table import Row, as_text, skipped
from benchmarks.timing import Contestant, Process, Times, alternate


def _clock(*readings: float) -> Callable[[], float]:
    left: Iterator[float] = iter(readings)
    return lambda: next(left)


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_can_be_called(name: str) -> None:
    assert callable(importlib.import_module(f"benchmarks.{name}").measure)


def test_contestants_take_turns_and_only_their_own_work_is_timed() -> None:
    done: list[str] = []
    a = Contestant(lambda: done.append("A"), lambda: done.append("before A"))
    b = Contestant(lambda: done.append("B"))
    # A start and an end for each of two contestants: one round that does not count, then two.
    clock = _clock(0, 50, 60, 90, 100, 101, 110, 112, 200, 203, 210, 214)
    taken = alternate(a, b, rounds=2, clock=clock)
    assert done == ["before A", "A", "B"] * 3
    assert taken == (Times((1, 3)), Times((2, 4)))


def test_ratios_are_taken_round_by_round() -> None:
    ours, theirs = Times((1.0, 30.0, 3.0)), Times((2.0, 40.0, 3.0))
    assert ours.ratio(theirs) == 0.75
    assert ours.median == 3.0
    assert Times((5.0, 9.0)).beyond(Times((1.0, 2.0)), Times((0.5, 0.5))) == Times((3.5, 6.5))


def test_times_show_their_spread() -> None:
    assert str(Times((0.25, 0.125, 2.0))) == "250 ms (125 ms–2.00 s)"


def test_a_process_that_fails_is_no_measurement(tmp_path: Path) -> None:
    answer = Process((sys.executable, "-c", "import sys; sys.exit(10)"), tmp_path, {})
    with pytest.raises(RuntimeError, match="ended with 10"):
        answer()
    assert Process(answer.arguments, tmp_path, {}, frozenset({10}))() == ""


def test_a_process_gets_no_variable_that_slows_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    script = "import os; print(sorted(n for n in os.environ if n.startswith(('PYTHON', 'OURS'))))"
    process = Process((sys.executable, "-c", script), tmp_path, {"OURS": "1"})
    assert process() == "['OURS']\n"


def test_the_table_lines_up_and_says_what_was_missed() -> None:
    rows = [Row("slow", "2 s", "1 s", 2.0, "at most 1", False), skipped("other", "no cosign")]
    assert as_text(rows).splitlines() == [
        "| what  | ours               | beside | ratio | target    | met |",
        "|-------|--------------------|--------|-------|-----------|-----|",
        "| slow  | 2 s                | 1 s    | 2.00  | at most 1 | NO  |",
        "| other | skipped: no cosign |        |       |           |     |",
    ]


@pytest.mark.parametrize(("met", "code"), [(True, 0), (False, 1), (None, 0)])
def test_a_missed_target_fails_the_run(
    met: bool | None,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stub = SimpleNamespace(measure=lambda: [Row("a row", "1 s", met=met)])
    monkeypatch.setitem(sys.modules, "benchmarks.startup", stub)
    monkeypatch.setattr(sys, "argv", ["bench", "startup", "--json", str(tmp_path / "rows.json")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert "a row" in capsys.readouterr().out
    (row,) = json.loads((tmp_path / "rows.json").read_bytes())["rows"]
    assert (row["name"], row["met"]) == ("a row", met)


def test_an_unknown_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "sideways"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2


def test_results_replace_earlier_ones_and_nothing_else() -> None:
    page = "# Before\n<!-- results -->\nold\n<!-- /results -->\nafter\n"
    written = with_results(page, "new\n")
    assert written == "# Before\n<!-- results -->\nnew\n<!-- /results -->\nafter\n"
    assert with_results(written, "new\n") == written
