"""Times of things done in turn: what differs between rounds then falls on all of them alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took in each round, in seconds."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        shown = [_shown(s) for s in (self.median, min(self.seconds), max(self.seconds))]
        return "{} ({}–{})".format(*shown)

    def ratio(self, other: Times) -> float:
        """The median of the ratios round by round, which a slow round does not disturb."""
        return statistics.median(
            ours / theirs for ours, theirs in zip(self.seconds, other.seconds, strict=True)
        )

    def beyond(self, *others: Times) -> Times:
        """What is left round by round when the others are taken away."""
        rounds = zip(self.seconds, *(other.seconds for other in others), strict=True)
        return Times(tuple(ours - sum(rest) for ours, *rest in rounds))


def _shown(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if abs(seconds) < 1 else f"{seconds:.2f} s"


@dataclass(frozen=True, slots=True)
class Contestant:
    """One thing to measure.

    Attributes:
        run: What is timed.
        prepare: What has to be done before each time, and is not timed.
    """

    run: Callable[[], object]
    prepare: Callable[[], object] = lambda: None


def alternate(
    *contestants: Contestant,
    rounds: int,
    warm_up: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Times, ...]:
    """Run them in turn, A B C A B C …, after some rounds that do not count.

    Args:
        contestants: What to measure.
        rounds: How often each is timed.
        warm_up: Rounds before, for files to be in memory and `.pyc` files to be written.
        clock: Seconds, from any point on.

    Returns:
        The times of each, in the order given.
    """
    taken: list[list[float]] = [[] for _ in contestants]
    for number in range(warm_up + rounds):
        for contestant, times in zip(contestants, taken, strict=True):
            contestant.prepare()
            start = clock()
            contestant.run()
            took = clock() - start
            if number >= warm_up:
                times.append(took)
    return tuple(Times(tuple(times)) for times in taken)


@dataclass(frozen=True, slots=True)
class Process:
    """A program to run to its end.

    Attributes:
        arguments: Program and arguments.
        folder: Its working directory.
        environment: Variables beside those of `clean_environment`.
        accepted: Exit statuses that mean that it did its work.
    """

    arguments: Sequence[str | Path]
    folder: Path
    environment: Mapping[str, str]
    accepted: frozenset[int] = frozenset({0})

    def __call__(self) -> str:
        """Run it; what it printed to stdout."""
        done = subprocess.run(
            [str(argument) for argument in self.arguments],
            cwd=self.folder,
            env={**clean_environment(), **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in self.accepted:
            words = " ".join(map(str, self.arguments))
            raise RuntimeError(f"{words} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout


def clean_environment() -> dict[str, str]:
    """What every user has, and nothing that slows Python down or changes what tools do."""
    kept = ("PATH", "HOME", "TMPDIR", "LANG", "SSL_CERT_FILE")
    return {name: os.environ[name] for name in kept if name in os.environ}
