"""One child process: confined, watched, and gone when we are."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from supplychain.errors import CancelledError, ToolTimeoutError
from supplychain.frozen import dataclass
from supplychain.model.spans import span

# The end of what a program says holds its error; the rest is not worth our memory.
_KEPT_OUTPUT = 256 * 1024
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
# How often whoever waits for a program looks whether somebody wants it ended.
_LOOK = 0.2


@dataclass(frozen=True, slots=True)
class Command:
    """What to run.

    Attributes:
        arguments: The argument vector, the program's name first.
        executable: File descriptor of the program.
        folder: Working directory.
        environment: The whole environment.
    """

    arguments: Sequence[str]
    executable: int
    folder: Path
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended: its exit status and the end of what it said on either stream."""

    status: int
    output: str


def never() -> bool:
    """Nobody wants it ended."""
    return False


def nothing() -> None:
    """There is nothing else to do."""


def run(
    command: Command,
    *,
    timeout: float,
    grace: float,
    cancelled: Callable[[], bool] = never,
    meanwhile: Callable[[], None] = nothing,
) -> Completed:
    """Run a program to its end, or end it with everything that it started.

    It gets no input, a session of its own, and SIGKILL from the kernel should the thread that
    calls this die. Whatever ends this call early (a timeout, Ctrl-C, `SystemExit`) ends the
    program too: SIGTERM to its group, SIGKILL after `grace`.

    Args:
        command: What to run.
        timeout: Seconds that it may take.
        grace: Seconds between SIGTERM and SIGKILL.
        cancelled: Whether somebody wants it ended; asked again and again.
        meanwhile: What to do while it runs; what that raises ends it.

    Raises:
        ToolTimeoutError: It did not end in time.
        CancelledError: Somebody wanted it ended.
    """
    deadline = time.monotonic() + timeout
    tool = Path(command.arguments[0]).name
    with span("tool", {"program": tool}), _started(command, grace) as process:
        meanwhile()
        try:
            output = _read(process, deadline, cancelled)
            status = process.wait(max(0.0, deadline - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            raise ToolTimeoutError(
                f"{command.arguments[0]} did not end within {timeout:g} s and was ended",
                hint="give it more time: --timeout 30m",
            ) from None
    return Completed(status, output.decode(errors="replace"))


@contextmanager
def _started(command: Command, grace: float) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(  # noqa: S603 - the program is one whose hash was checked
        command.arguments,
        executable=f"/proc/self/fd/{command.executable}",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=command.folder,
        env=command.environment,
        pass_fds=(command.executable,),
        start_new_session=True,
        preexec_fn=_dying_with(os.getpid()),  # noqa: PLW1509 - the only way, and safe: see there
    )
    try:
        yield process
    finally:
        try:
            _end(process, grace)
        finally:  # a second Ctrl-C, while we waited for the first to work
            if process.poll() is None:
                _signal(process, signal.SIGKILL)
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _dying_with(parent: int) -> Callable[[], None]:
    """What the child does between fork and exec: ask the kernel to kill it when its parent dies.

    Nothing but a prctl(2) call can ask for that, and nobody but the child itself. Code between
    fork and exec must take no lock that another thread may have held: everything it needs is
    looked up here, before the fork.
    """
    import ctypes

    prctl, getppid, leave, kill = ctypes.CDLL(None).prctl, os.getppid, os._exit, int(signal.SIGKILL)

    def prepare() -> None:
        prctl(_PR_SET_PDEATHSIG, kill)
        if getppid() != parent:  # it died before we could ask
            leave(1)

    return prepare


def _read(
    process: subprocess.Popen[bytes], deadline: float, cancelled: Callable[[], bool]
) -> bytearray:
    """Everything said until the program closes its output, of which the end is kept."""
    kept = bytearray()
    if process.stdout is None:
        raise AssertionError("the pipe was asked for")
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if cancelled():
                raise CancelledError("the program was ended before it was done")
            if not selector.select(min(left, _LOOK) if cancelled is not never else left):
                continue
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                return kept
            kept += chunk
            del kept[:-_KEPT_OUTPUT]


def _end(process: subprocess.Popen[bytes], grace: float) -> None:
    if process.poll() is not None:
        return
    _signal(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(grace)
    if process.poll() is None:
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
