"""The service as real processes, in each of its two forms."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.kit.cli import PROGRAM, Desk, until

# Nobody waits long for a registry that says nothing when a worker is told to end.
_GRACE, _SILENCE = "2s", "5s"
_END_SECONDS = 40.0
# What is empty counts as not set.
_NO_KEY = {"SUPPLYCHAIN_KEY": "", "SUPPLYCHAIN_KEY_PASSWORD": ""}
_NO_SCANNER = {"SUPPLYCHAIN_TRIVY": "/nowhere"}


@dataclass(slots=True)
class Deployment:
    """A service that runs, and the desk of whoever operates it.

    Attributes:
        desk: Where `supplychain` is typed, over the same record.
        port: Where it listens, after a restart too.
        commands: Each process: its name, its command, and what it has in its environment beside
            what all have.
        processes: Those that run, by name.
    """

    desk: Desk
    port: int
    commands: Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start every process that does not run, and wait until the server is ready."""
        for name, (arguments, environ) in self.commands.items():
            if name in self.processes:
                continue
            with self._log(name).open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    [PROGRAM, *arguments],
                    cwd=self.desk.folder,
                    env=self.desk.environ | dict(environ),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
        until(self._is_ready, timeout=60)

    def end(self, name: str, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell a process to end, and wait; how it ended."""
        process = self.processes.pop(name)
        process.send_signal(number)
        return process.wait(_END_SECONDS)

    def told(self) -> str:
        """What all of them said."""
        logs = (self._log(name) for name in self.commands)
        return "\n".join(log.read_text() for log in logs if log.exists())

    @contextmanager
    def caller(self, token: str) -> Iterator[httpx.Client]:
        """Whoever has a token, over connections of their own."""
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=60) as client:
            yield client

    def _log(self, name: str) -> Path:
        return self.desk.folder / f"{name}.log"

    def _is_ready(self) -> bool:
        for name, process in self.processes.items():
            assert process.poll() is None, f"{name} ended:\n{self.told()}"
        try:
            return httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def running(desk: Desk, registries: tuple[str, ...], database: str | None) -> Iterator[Deployment]:
    """The service over a desk's folder.

    Args:
        desk: Has a key, a vulnerability database and policies.
        registries: From where images may come.
        database: A PostgreSQL database without a schema; None for one machine with SQLite.
    """
    desk.environ.update(
        SUPPLYCHAIN_REGISTRY_ALLOWED=",".join(registries),
        SUPPLYCHAIN_REGISTRY_PRIVATE="127.0.0.1",
        SUPPLYCHAIN_REGISTRY_TIMEOUT=_SILENCE,
        SUPPLYCHAIN_WORKER_GRACE=_GRACE,
    )
    serve = ("serve", "--port", str(port := _free_port()))
    commands: dict[str, tuple[tuple[str, ...], Mapping[str, str]]]
    if database is None:
        commands = {"server": ((*serve, "--embedded", "--worker"), {})}
    else:
        desk.environ["SUPPLYCHAIN_DATABASE"] = database
        desk.type("db", "upgrade").ended(0)
        # Who scans what strangers bring holds no key, and who signs has no scanner.
        commands = {
            "server": (serve, _NO_KEY | _NO_SCANNER),
            "scanner": (("worker", "--role", "scan"), _NO_KEY),
            "signer": (("worker", "--role", "sign"), _NO_SCANNER),
        }
    found = Deployment(desk, port, commands)
    try:
        found.start()
        yield found
    finally:
        for process in found.processes.values():
            process.terminate()
        for process in found.processes.values():
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def desk_in(folder: Path, template: Desk) -> Desk:
    """A copy of a desk in a new folder, at which several tests sit."""
    shutil.copytree(template.folder, folder, symlinks=True)
    old, new = str(template.folder), str(folder)
    environ = {name: value.replace(old, new) for name, value in template.environ.items()}
    return Desk(folder, environ)


def document(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """What somebody was answered, which has to have this status."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    found: dict[str, Any] = answer.json()
    return found


@contextmanager
def silent_registry() -> Iterator[str]:
    """A registry that takes connections and says nothing; its address."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
