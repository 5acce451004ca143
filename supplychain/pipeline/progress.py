"""How long work tells what it is doing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from supplychain.model.spans import span


class Progress(Protocol):
    """Hears which stage runs and how far it is; calls may come from any thread."""

    def start(self, stage: str, about: str, *, total_bytes: int | None = None) -> None:
        """A stage begins: its name, what it works on, and how much there is to move, if known."""
        ...

    def advance(self, byte_count: int) -> None:
        """The stage moved some bytes."""
        ...

    def finish(self, summary: str) -> None:
        """The stage ended well; one line for people on what came of it."""
        ...


class NoProgress:
    """Says nothing: for `--quiet`, `--output json` and tests."""

    def start(self, stage: str, about: str, *, total_bytes: int | None = None) -> None:
        """Say nothing."""

    def advance(self, byte_count: int) -> None:
        """Say nothing."""

    def finish(self, summary: str) -> None:
        """Say nothing."""


class Summary:
    """What a stage reports when it ends."""

    __slots__ = ("text",)

    def __init__(self) -> None:
        self.text = "done"


@contextmanager
def stage(
    progress: Progress, name: str, about: str, *, total_bytes: int | None = None
) -> Iterator[Summary]:
    """Report one stage; set `.text` on what it yields to say what came of it."""
    progress.start(name, about, total_bytes=total_bytes)
    summary = Summary()
    with span(f"stage {name}"):
        yield summary
    progress.finish(summary.text)
