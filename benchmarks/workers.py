"""Workers that wait for tools: how much sooner two of them are done than one.

The workers are processes over PostgreSQL, with leases, steps and the queue as they really are; in
the place of the tools they wait. `python -m benchmarks workers`
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.table import Row
from supplychain.records.migrating import upgrade
from tests.kit.crew import Crew, until
from tests.kit.databases import running_postgresql

# A run has two parts, each with a tool of so many seconds; a worker does as many at once as it
# does where nobody says.
RUNS, SECONDS, AT_ONCE = 24, 1.0, 2
LEAST = 1.8
_ENDS_WITHIN = 300.0


def measure() -> list[Row]:
    """How long one takes, and how long two."""
    one, two = (_taken(count) for count in (1, 2))
    rate = one / two
    return [
        Row(
            f"{RUNS} runs that wait for tools of {SECONDS:.0f} s, {AT_ONCE} at once, 2 workers",
            f"{two:.1f} s",
            f"1 worker {one:.1f} s",
            rate,
            f"at least {LEAST} times what one does",
            rate >= LEAST,
        )
    ]


def _taken(count: int) -> float:
    """How long so many workers take, once all of them are at work."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        url = stack.enter_context(running_postgresql())
        upgrade(url)
        crew = Crew(url, folder)
        for _ in range(count):
            stack.enter_context(crew.worker(seconds=SECONDS, concurrency=AT_ONCE))
        crew.submit(2 * count * AT_ONCE)
        until(crew.all_over, _ENDS_WITHIN)
        if len(list(folder.glob("*.log"))) != count:
            raise RuntimeError("one of the workers did nothing")
        start = time.perf_counter()
        crew.submit(RUNS)
        until(crew.all_over, _ENDS_WITHIN)
        return time.perf_counter() - start
