"""Several processes that answer on one port: for one of them uses one processor.

Whoever is started is no server itself. It starts so many as were asked for, another one for each
that is lost, and ends when they have. The kernel shares connections out among them (SO_REUSEPORT,
socket(7)), and each of them is a server of its own: what they know of one another is in the
database.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from supplychain.errors import SupplyChainError

# One that is lost sooner than this is not made anew at once.
_LEAST_SECONDS = 1.0
_LOOK_SECONDS = 0.02
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# The folder into which they count, by the name that Prometheus' library has for it.
COUNTED = "PROMETHEUS_MULTIPROC_DIR"
_LOG = logging.getLogger("supplychain.server")

# Answers until it is told to end; calls what it is given once it listens.
Serve = Callable[[Callable[[], None]], None]


@contextmanager
def counting_together() -> Iterator[None]:
    """Have all processes that are begun within count into one folder, if nobody names another.

    Prometheus' library looks for it when it is imported: nothing may have been counted before.
    """
    if os.environ.get(COUNTED):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="supplychain-counted-") as folder:
        os.environ[COUNTED] = folder
        try:
            yield
        finally:
            del os.environ[COUNTED]


class Processes:
    """So many processes that answer.

    Args:
        number: How many.
        serve: What each of them does.
        refused: Tells of an error that ends one of them, and gives its exit code.
    """

    def __init__(
        self, number: int, serve: Serve, refused: Callable[[SupplyChainError], int]
    ) -> None:
        self._number = number
        self._serve = serve
        self._refused = refused
        self._begun: dict[int, float] = {}
        self._ending = False
        # Its other end is this process's alone: who reads from it learns when this one is gone.
        self._alive, self._held = os.pipe()
        self._ready, self._tell = os.pipe()
        os.set_blocking(self._ready, False)

    def run(self, ready: Callable[[], None]) -> int:
        """Have them answer until SIGTERM or SIGINT, which they are told of.

        Args:
            ready: Called once all of them listen.

        Returns:
            The exit code: 0 once all have ended in good order, or that of the first which did not.
        """
        for number in _SIGNALS:
            signal.signal(number, self._pass_on)
        # Whoever started us may have had it ignored, which keeps from us what becomes of them.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for _ in range(self._number):
            self._begin()
        first, left = 0, self._number
        while self._begun:
            if left and (left := left - self._listening()) == 0:
                ready()
            process, status = os.waitpid(-1, os.WNOHANG if left else 0)
            if process == 0:
                time.sleep(_LOOK_SECONDS)
            else:
                code = self._lost(process, os.waitstatus_to_exitcode(status))
                first = first or code
        return first

    def _lost(self, process: int, code: int) -> int:
        """See to it that one has ended; the exit code that comes of it for all."""
        lasted = time.monotonic() - self._begun.pop(process)
        if self._ending:
            return 0 if -code in _SIGNALS else abs(code)
        if code >= 0:
            # It has said itself what is wrong, and the next one would say the same.
            self._pass_on(signal.SIGTERM)
            return code or 1
        _LOG.warning("a process of this server is lost (signal %d): another begins", -code)
        time.sleep(max(0.0, _LEAST_SECONDS - lasted))
        if not self._ending:
            self._begin()
        return 0

    def _begin(self) -> None:
        sys.stderr.flush()
        # Whatever is sent meanwhile comes once it is known who is to get it.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        process = os.fork()
        if process == 0:
            self._be_one()
        self._begun[process] = time.monotonic()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def _be_one(self) -> NoReturn:
        code = 1
        try:
            os.close(self._held)
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            threading.Thread(target=self._end_with_all, daemon=True).start()
            self._serve(lambda: _write(self._tell))
            code = 0
        except SupplyChainError as error:
            code = self._refused(error)
        except Exception:  # noqa: BLE001  # told, and the parent learns it by the exit code
            _LOG.exception("nobody foresaw this of a process of the server")
        finally:
            os._exit(code)

    def _end_with_all(self) -> None:
        os.read(self._alive, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    def _listening(self) -> int:
        """How many more of them listen."""
        try:
            return len(os.read(self._ready, self._number))
        except BlockingIOError:
            return 0

    def _pass_on(self, number: int, _frame: FrameType | None = None) -> None:
        self._ending = True
        for process in tuple(self._begun):
            with suppress(ProcessLookupError):
                os.kill(process, number)


def _write(pipe: int) -> None:
    os.write(pipe, b".")
