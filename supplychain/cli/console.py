"""What goes to the terminal: talk on stderr, the result and nothing else on stdout."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TextIO

from supplychain.cli.times import size, span
from supplychain.pipeline.progress import NoProgress, Progress

if TYPE_CHECKING:
    from rich.progress import TaskID


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether to colour (no-color.org; FORCE_COLOR wins over a pipe, NO_COLOR over everything)."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


def moves(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether lines may be redrawn: only on a real terminal, never in CI."""
    return stream.isatty() and environ.get("TERM") != "dumb" and not environ.get("CI")


_CODES = {"red": "31", "green": "32", "yellow": "33", "bold": "1", "dim": "2"}


class Paint:
    """Colours text, or leaves it as it is."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled

    def __call__(self, style: str, text: str) -> str:
        """The text in a style: `red`, `green`, `yellow`, `bold` or `dim`."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self._enabled else text


def printable(text: str) -> str:
    """The text on one line and without control characters.

    Names out of images and words of servers must neither drive a terminal nor forge a line.
    """
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def say(text: str) -> None:
    """Some talk on stderr; further lines are indented, so that none can pass for one of ours."""
    try:
        sys.stderr.write("\n  ".join(printable(line) for line in text.split("\n")) + "\n")
        sys.stderr.flush()
    except OSError:
        # Talk that nobody hears changes no verdict; nor may the interpreter's own last flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


class PlainProgress:
    """One line when a stage begins to take long, one when it ends; for pipes and CI."""

    # Silence for longer than this makes people wonder whether anything still happens.
    _PATIENCE_SECONDS = 2.0

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None
        self._stage = ""
        self._began_at = 0.0

    def __enter__(self) -> PlainProgress:
        """Nothing to prepare."""
        return self

    def __exit__(self, *_: object) -> None:
        """Announce nothing any more: a stage that failed runs no longer."""
        self._cancel()

    def start(self, stage: str, about: str, *, total_bytes: int | None = None) -> None:
        """Wait a little before saying that a stage runs; most end sooner."""
        self._stage, self._began_at = stage, time.monotonic()
        amount = f" ({size(total_bytes)})" if total_bytes else ""
        self._timer = threading.Timer(
            self._PATIENCE_SECONDS, say, (f"{stage:<9} {about}{amount} …",)
        )
        self._timer.daemon = True
        self._timer.start()

    def advance(self, byte_count: int) -> None:
        """Bytes are not shown where lines cannot be redrawn."""

    def finish(self, summary: str) -> None:
        """Say what came of the stage."""
        self._cancel()
        took = time.monotonic() - self._began_at
        say(f"{self._stage:<9} {summary}" + (f"  [{span(took)}]" if took >= 1 else ""))

    def _cancel(self) -> None:
        if self._timer:
            self._timer.cancel()


class LiveProgress:
    """A bar or a spinner that moves, on a terminal; finished stages stay as lines."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
        )
        from rich.progress import (
            Progress as RichProgress,
        )

        self._bar = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.fields[stage]:<9} {task.description}", markup=False),
            BarColumn(bar_width=24),
            DownloadColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: TaskID | None = None
        self._stage = ""

    def __enter__(self) -> LiveProgress:
        """Begin to draw."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop drawing and give the cursor back, whatever happened."""
        self._bar.stop()

    def start(self, stage: str, about: str, *, total_bytes: int | None = None) -> None:
        """Show a stage."""
        self._stage = stage
        self._task = self._bar.add_task(printable(about), total=total_bytes, stage=stage)

    def advance(self, byte_count: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bar.advance(self._task, byte_count)

    def finish(self, summary: str) -> None:
        """Replace the bar by a line."""
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        self._bar.console.print(
            f"{self._stage:<9} {printable(summary)}", markup=False, highlight=False
        )


def progress_for(*, silent: bool, environ: Mapping[str, str]) -> AbstractContextManager[Progress]:
    """The progress that suits where stderr goes."""
    if silent:
        return nullcontext(NoProgress())
    return LiveProgress() if moves(sys.stderr, environ) else PlainProgress()
