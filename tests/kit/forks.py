"""The program, typed without starting Python anew: a process that has it loaded forks for each.

What is typed is a process of its own as ever, with folder, environment, streams and exit code.
Saved are the half second in which Python would import the same again, and the tenth in which it
would take apart, object by object, what it shares with all others. One is kept for each process
that runs tests. How the program starts and is taken apart, and what comes of signals, is tested
with `Desk.typing`, which starts it for real.
"""

from __future__ import annotations

import json
import os
import pkgutil
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[2]
_ROOM = 1 << 17  # of a command with its environment
_SERVICE = ("supplychain.server", "supplychain.worker", "supplychain.__main__")
# What decides how an interpreter starts is too late for one that runs.
_AT_START = ("PYTHON", "LC_", "TZ", "COVERAGE_")


def takes(environ: Mapping[str, str]) -> bool:
    """Whether a command with this environment would end no other way for being forked."""
    started_so = any(name.startswith(_AT_START) for name in environ)
    limited = resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY
    return environ.get("LANG") == "C.UTF-8" and not started_so and not limited


def run(
    command: Sequence[str], folder: Path, environ: Mapping[str, str], timeout: float
) -> tuple[int, bytes, bytes]:
    """Type a command; its exit code as `subprocess` has it, and what it wrote on either stream.

    Raises:
        TimeoutError: It did not end in time, and was killed.
    """
    typed = {
        "command": command,
        "folder": str(folder),
        "environ": dict(environ),
    }
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                descriptors = [out.fileno(), err.fileno(), theirs.fileno()]
                socket.send_fds(_loaded(), [json.dumps(typed).encode()], descriptors)
            code = _awaited(ours, time.monotonic() + timeout)
        out.seek(0)
        err.seek(0)
        return code, out.read(), err.read()


def _awaited(told: socket.socket, end: float) -> int:
    """The exit code, which follows the process ID."""
    said = b""
    while select.select([told], [], [], max(0.0, end - time.monotonic()))[0]:
        more = told.recv(64)
        if not more:
            return int(said.split()[1])
        said += more
    with suppress(ProcessLookupError, IndexError):
        os.kill(int(said.split()[0]), signal.SIGKILL)
    raise TimeoutError("the command did not end in time")


@cache
def _loaded() -> socket.socket:
    """The way to the process that has the program loaded; it ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            cwd=_REPOSITORY,
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
    return ours


def _serve(requests: socket.socket) -> None:
    """Fork for every request until nobody is left to ask; returns in the forks, to be a command."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, _ROOM, 3)
        if not message:
            os._exit(0)
        if os.fork() == 0:
            requests.close()
            _mind(descriptors[2])
            _become(json.loads(message), *descriptors[:2])
            return
        for descriptor in descriptors:
            os.close(descriptor)


def _mind(told: int) -> None:
    """Fork once more; stay behind to tell how that ends, and return in the fork."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        os.close(told)
        return
    os.write(told, b"%d " % child)
    _, status = os.waitpid(child, 0)
    os.write(told, b"%d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(typed: Mapping[str, object], out: int, err: int) -> None:
    """Put on what belongs to a command: its folder, environment, streams, arguments."""
    os.chdir(str(typed["folder"]))
    os.environ.clear()
    os.environ.update(typed["environ"])  # type: ignore[call-overload]  # as `run` wrote it
    for descriptor, number in ((out, 1), (err, 2)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.argv = list(typed["command"])  # type: ignore[call-overload]  # likewise
    tempfile.tempdir = None


def _load() -> None:
    """Import what commands import; no thread may run, for a fork would not have it."""
    import supplychain

    for module in pkgutil.walk_packages(supplychain.__path__, "supplychain."):
        if not module.name.startswith((*_SERVICE, "supplychain._migrations")):
            import_module(module.name)
    for name in ("sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.sqlite.pysqlite"):
        import_module(name)
    threads = len(list(Path("/proc/self/task").iterdir()))
    assert threads == 1, f"{threads} threads run"


if __name__ == "__main__":
    sys.path.remove(str(_REPOSITORY))
    _load()
    _serve(socket.socket(fileno=int(sys.argv[1])))
    globals()["__package__"] = None  # as in the program: completion finds the name by it
    from supplychain.cli import program

    program()
