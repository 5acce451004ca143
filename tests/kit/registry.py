"""The real Debian `docker-registry`, on loopback: plain, behind a login, and with TLS.

It speaks distribution 2.8, which has no referrers API: everything attached goes by fallback tag.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from supplychain.images.reference import Reference
from tests.kit.debian import unpacked
from tests.kit.tls import Authority

USERNAME = "tester"
PASSWORD = "correct horse"
# bcrypt of PASSWORD, the only kind of hash that the registry takes; made once with crypt(3).
_HTPASSWD = f"{USERNAME}:$2y$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2\n"
_START_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class RunningRegistry:
    """A registry that answers.

    Attributes:
        address: `host:port`.
        storage: The folder in which it keeps everything.
        log: What it printed.
        cacert: The authority of its certificate; None for plain HTTP.
        process: What serves it.
    """

    address: str
    storage: Path
    log: Path
    cacert: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    def serve(self) -> subprocess.Popen[bytes]:
        """Have a process serve it, with the configuration beside its log; it may not answer yet."""
        folder = self.log.parent
        command: list[str | Path] = [registry_binary(), "serve", folder / "config.yml"]
        with self.log.open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)

    def fresh(self) -> Reference:
        """A repository that nobody has used yet."""
        return Reference(self.address, f"test/{uuid.uuid4().hex[:12]}")


def registry_binary() -> Path:
    """Debian's `docker-registry`: from PATH, else fetched without root.

    Skips the calling test where it cannot be had.
    """
    installed = shutil.which("docker-registry")
    if installed is not None:
        return Path(installed)
    return unpacked(["docker-registry"]) / "usr" / "bin" / "docker-registry"


@contextlib.contextmanager
def running_registry(
    folder: Path, *, login: bool = False, authority: Authority | None = None
) -> Iterator[RunningRegistry]:
    """A registry on a free loopback port, ended at the end.

    Args:
        folder: Empty; takes its configuration, log and storage.
        login: Whether it wants `USERNAME` and `PASSWORD`.
        authority: Signs its certificate for TLS; None for plain HTTP.
    """
    registry_binary()  # which skips where there is none
    folder.mkdir(parents=True, exist_ok=True)
    cacert = None if authority is None else authority.certificate_file
    for _ in range(3):
        address = f"127.0.0.1:{_free_port()}"
        registry = RunningRegistry(address, folder / "storage", folder / "log", cacert)
        _configure(registry, folder, login=login, authority=authority)
        process = registry.serve()
        try:
            if _answers(process, address):
                yield replace(registry, process=process)
                return
        finally:
            process.terminate()
            process.wait(10)
    pytest.fail(f"docker-registry did not start: {(folder / 'log').read_text()[-2000:]}")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority that nobody else knows."""
    return Authority.create(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def debian_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """A plain registry; take `debian_registry.fresh()` for a repository of your own."""
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture(scope="session")
def debian_registry_with_login(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningRegistry]:
    """A registry that wants `USERNAME` and `PASSWORD`."""
    with running_registry(tmp_path_factory.mktemp("registry-login"), login=True) as registry:
        yield registry


@pytest.fixture(scope="session")
def debian_registry_with_tls(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> Iterator[RunningRegistry]:
    """A registry with a certificate of `authority`."""
    folder = tmp_path_factory.mktemp("registry-tls")
    with running_registry(folder, authority=authority) as registry:
        yield registry


def _configure(
    registry: RunningRegistry, folder: Path, *, login: bool, authority: Authority | None
) -> None:
    http: dict[str, object] = {"addr": registry.address, "secret": uuid.uuid4().hex}
    config: dict[str, object] = {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(registry.storage)},
            "delete": {"enabled": True},
        },
        "http": http,
    }
    if login:
        htpasswd = folder / "htpasswd"
        htpasswd.write_text(_HTPASSWD)
        config["auth"] = {"htpasswd": {"realm": "test", "path": str(htpasswd)}}
    if authority is not None:
        certificate, key = authority.issue(folder, "127.0.0.1")
        http["tls"] = {"certificate": str(certificate), "key": str(key)}
    (folder / "config.yml").write_text(json.dumps(config))  # every JSON document is YAML


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(process: subprocess.Popen[bytes], address: str) -> bool:
    end = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(f"http://{address}/v2/", timeout=2):
                return True
        except HTTPError:
            return True  # 401 behind a login; 400 where TLS is expected
        except (URLError, OSError):
            time.sleep(0.03)
    return False
