"""Processes that begin at once: forked from one that has loaded everything, and real all the same.

Whoever is killed hundreds of times would otherwise spend all the time on imports, and be killed in
the middle of them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

_LOADED = (
    "tests.kit.crew",
    "tests.kit.felled",
    "supplychain.cli.app",
    "supplychain.cli.commands.serve",
    "supplychain.server.app",
    "supplychain.server.running",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite",
)


class Process(Protocol):
    """A process, as `subprocess.Popen` is one."""

    @property
    def pid(self) -> int:
        """Its number."""
        ...

    def poll(self) -> int | None:
        """How it ended, by signal below 0; None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """How it ended, once it has."""
        ...

    def send_signal(self, sig: int) -> None:
        """Send it a signal."""
        ...

    def terminate(self) -> None:
        """SIGTERM."""
        ...

    def kill(self) -> None:
        """SIGKILL."""
        ...


class Forked:
    """A process of its own that does a function.

    Args:
        function: What it does; of a module that can be imported.
        argument: Given to it.
        environ: Its environment.
        folder: Where it works.
        log: Takes what it prints; None for where this process prints.
    """

    def __init__(
        self,
        function: Callable[[str], None],
        argument: str,
        environ: Mapping[str, str],
        folder: Path,
        log: Path | None = None,
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(_LOADED))
        arguments = (function, argument, dict(environ), str(folder), str(log or ""))
        self._process = context.Process(target=_begin, args=arguments)
        self._process.start()

    @property
    def pid(self) -> int:
        """See `Process.pid`."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """See `Process.poll`."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """See `Process.wait`."""
        self._process.join(timeout)
        ended = self._process.exitcode
        if ended is None:
            raise subprocess.TimeoutExpired("a forked process", timeout or 0.0)
        return ended

    def send_signal(self, sig: int) -> None:
        """See `Process.send_signal`."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        """See `Process.terminate`."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """See `Process.kill`."""
        self.send_signal(signal.SIGKILL)


def _begin(
    function: Callable[[str], None], argument: str, environ: dict[str, str], folder: str, log: str
) -> None:
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    if log:
        taken = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(taken, 1)
        os.dup2(taken, 2)
    function(argument)
