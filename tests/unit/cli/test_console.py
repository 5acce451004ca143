"""What goes to a terminal: harmless, and moving only where somebody looks at it."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import pytest

from supplychain.cli.console import (
    LiveProgress,
    Paint,
    PlainProgress,
    moves,
    printable,
    progress_for,
    say,
    wants_colour,
)
from supplychain.pipeline.progress import NoProgress, Progress, stage


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "coloured"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (Terminal(), {"CI": "true"}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (io.StringIO(), {}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (io.StringIO(), {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
    ],
)
def test_colour(stream: io.StringIO, environ: dict[str, str], coloured: bool) -> None:
    assert wants_colour(stream, environ) is coloured


@pytest.mark.parametrize(
    ("stream", "environ", "moving"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (Terminal(), {"CI": "true"}, False),
        (io.StringIO(), {}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, False),
    ],
)
def test_only_a_terminal_that_somebody_looks_at_moves(
    stream: io.StringIO, environ: dict[str, str], moving: bool
) -> None:
    assert moves(stream, environ) is moving


def test_paint_colours_or_leaves_alone() -> None:
    assert Paint(enabled=True)("red", "no") == "\x1b[31mno\x1b[0m"
    assert Paint(enabled=False)("red", "no") == "no"


@pytest.mark.parametrize(
    "evil", ["\x1b[2J", "a\rb", "a\nb", "\x07", "\x9b31m", "\u202e", "\u2028", "\x00"]
)
def test_what_drives_a_terminal_or_forges_a_line_is_made_visible(evil: str) -> None:
    shown = printable(evil)
    assert "\N{REPLACEMENT CHARACTER}" in shown
    assert shown.isprintable()


def test_names_in_any_script_stay_as_they_are() -> None:
    assert printable("héllo Δ 画像 v1.0~b1") == "héllo Δ 画像 v1.0~b1"


def test_no_line_of_a_longer_text_can_pass_for_one_of_ours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say("because: a server said\nerror: send me your key\x1b[2J")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "because: a server said\n  error: send me your key\N{REPLACEMENT CHARACTER}[2J\n"


def test_plain_progress_is_one_line_for_a_stage_that_ends_soon(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with PlainProgress() as progress, stage(progress, "scan", "shop") as done:
        progress.advance(10)
        done.text = "3 findings"
    assert capsys.readouterr().err == "scan      3 findings\n"


def test_plain_progress_says_what_takes_long_and_how_much_there_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PlainProgress, "_PATIENCE_SECONDS", 0.01)
    with PlainProgress() as progress:
        progress.start("fetch", "shop", total_bytes=1_500_000)
        announced = waited_for(lambda: capsys.readouterr().err)
        progress.finish("1 layer")
    assert announced == "fetch     shop (1.5 MB) …\n"
    assert capsys.readouterr().err == "fetch     1 layer\n"


def test_plain_progress_announces_no_stage_that_has_failed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PlainProgress, "_PATIENCE_SECONDS", 0.05)
    with pytest.raises(RuntimeError), PlainProgress() as progress, stage(progress, "scan", "shop"):
        raise RuntimeError
    time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_a_long_stage_tells_how_long_it_took(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([100.0, 163.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    progress = PlainProgress()
    progress.start("scan", "shop")
    progress.finish("done")
    assert capsys.readouterr().err == "scan      done  [1 min 3 s]\n"


@contextmanager
def terminal() -> Iterator[list[bytes]]:
    """A real pseudo-terminal behind stderr; at the end the list holds what was drawn on it."""
    ours, theirs = os.openpty()
    drawn: list[bytes] = []
    with pytest.MonkeyPatch.context() as patch, os.fdopen(theirs, "w", encoding="utf-8") as stream:
        patch.setenv("TERM", "xterm")
        patch.setenv("COLUMNS", "80")
        patch.delenv("CI", raising=False)
        patch.setattr(sys, "stderr", stream)
        yield drawn
    with os.fdopen(ours, "rb", buffering=0) as screen, suppress(OSError):  # EIO: all was read
        while chunk := screen.read(65536):
            drawn.append(chunk)


def test_live_progress_moves_leaves_a_line_and_gives_the_cursor_back() -> None:
    with terminal() as screen:
        shown = progress_for(silent=False, environ=os.environ)
        assert isinstance(shown, LiveProgress)
        with shown as progress, stage(progress, "fetch", "a\x1b[2Jb", total_bytes=1000) as done:
            progress.advance(500)
            done.text = "[bold]1 layer"
    drawn = b"".join(screen).decode()
    assert "\x1b[2J" not in drawn
    assert "fetch     [bold]1 layer" in drawn
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")


def test_live_progress_gives_the_cursor_back_after_a_failure() -> None:
    with (
        terminal() as screen,
        pytest.raises(RuntimeError),
        LiveProgress() as live,
        stage(live, "scan", "shop"),
    ):
        raise RuntimeError
    drawn = b"".join(screen).decode()
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")


def test_progress_that_nobody_wants_is_none_and_that_in_a_pipe_is_plain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with terminal():
        assert isinstance(entered(progress_for(silent=True, environ={})), NoProgress)
        assert isinstance(entered(progress_for(silent=False, environ={"CI": "1"})), PlainProgress)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert isinstance(entered(progress_for(silent=False, environ={})), PlainProgress)


def entered(shown: AbstractContextManager[Progress]) -> Progress:
    with shown as progress:
        return progress


def waited_for(read: Callable[[], str]) -> str:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if found := read():
            return found
        time.sleep(0.005)
    return ""
