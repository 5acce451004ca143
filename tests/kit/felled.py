"""`supplychain` as a process of its own that is killed at one boundary of what it is asked to do.

Boundaries are where a transaction begins, is about to be committed, and has been; and where a
document is about to get its name in the content store. Each is passed by whatever does work that
counts, so that killing it at the first, the second, the third … is killing it at all of them.

Nothing of ours is stood in for.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

from supplychain import cli

AT, ARMED = "TESTS_FELLED_AT", "TESTS_FELLED_ARMED"


@dataclass(slots=True)
class _Boundaries:
    """Counts them while a file is there, and kills this process at one of them."""

    armed: Path
    at: int
    passed: int = 0

    def one(self, *_: object) -> None:
        if threading.current_thread() is threading.main_thread() or not self.armed.exists():
            return  # handlers, which do all the work, run in a thread pool
        self.passed += 1
        if self.passed == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def serve(argument: str) -> None:
    """Be `supplychain` with arguments."""
    boundaries = _Boundaries(Path(os.environ[ARMED]), int(os.environ[AT]))
    for name in ("begin", "commit"):
        event.listen(Engine, name, boundaries.one)
    event.listen(Pool, "checkin", boundaries.one)

    def heard(name: str, _: tuple[Any, ...]) -> None:
        if name == "os.rename":
            boundaries.one()

    sys.addaudithook(heard)
    sys.argv = ["supplychain", *argument.split()]
    cli.main()


if __name__ == "__main__":
    serve(" ".join(sys.argv[1:]))
