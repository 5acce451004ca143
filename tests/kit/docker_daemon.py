"""A Docker daemon to take images from: the machine's own, or a small one that speaks its API."""

from __future__ import annotations

import io
import json
import os
import shutil
import socketserver
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import docker
import pytest
from docker.errors import DockerException

_CHUNK = 64 << 10


@dataclass(slots=True)
class Daemon:
    """Where a daemon listens (None for its usual socket), and how an archive gets into it."""

    host: str | None

    def load(self, archive: bytes) -> None:
        """As `docker load` does."""
        with _client(self.host) as client:
            client.images.load(archive)

    def remove(self, name: str) -> None:
        """As `docker rmi --force` does."""
        with _client(self.host) as client:
            client.images.remove(name, force=True)


@dataclass(slots=True)
class FakeDaemon(Daemon):
    """The part of the engine's API (v1.41) that saving an image needs.

    Attributes:
        archives: What was loaded, by name; a test may put anything there.
        cut_after: Bytes of an archive after which the connection breaks.
        failing: Answer every question for an image with an error.
    """

    archives: dict[str, bytes] = field(default_factory=dict)
    cut_after: int | None = None
    failing: bool = False

    def load(self, archive: bytes) -> None:
        """Keep it under the names that its manifest.json gives."""
        for image in _manifest(archive):
            for name in image["RepoTags"]:
                self.archives[name] = archive

    def remove(self, name: str) -> None:
        """Forget it."""
        del self.archives[name]

    def find(self, name: str) -> tuple[str, bytes] | None:
        """The ID and the archive of an image by its name or ID."""
        for known, archive in self.archives.items():
            image_id = "sha256:" + _manifest(archive)[0]["Config"].removesuffix(".json")
            if name in {known, image_id}:
                return image_id, archive
        return None


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = unquote(self.path.partition("?")[0])
        if path.endswith("/version"):
            self._json(200, {"ApiVersion": "1.41", "MinAPIVersion": "1.12"})
            return
        name, _, action = path.partition("/images/")[2].rpartition("/")
        if self.server.daemon.failing:
            self._json(500, {"message": "driver failed"})
        elif name != name.lower() or " " in name:
            self._json(400, {"message": "invalid reference format"})
        elif (found := self.server.daemon.find(name)) is None:
            self._json(404, {"message": f"No such image: {name}"})
        elif action == "json":
            self._json(200, {"Id": found[0], "RepoTags": [name]})
        else:
            self._stream(found[1])

    def _json(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, archive: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-tar")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        cut = self.server.daemon.cut_after
        for at in range(0, len(archive), _CHUNK):
            chunk = archive[at : at + _CHUNK]
            if cut is not None and at + len(chunk) > cut:
                self.wfile.write(b"%x\r\n" % len(chunk))
                self.close_connection = True
                return
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path, daemon: FakeDaemon) -> None:
        super().__init__(str(path), _Handler)
        self.daemon = daemon

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hung up, which tests do on purpose."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@pytest.fixture
def fake_daemon() -> Iterator[FakeDaemon]:
    """A small daemon on a socket of its own."""
    folder = Path(tempfile.mkdtemp(prefix="d-"))  # a socket's path has to be short
    daemon = FakeDaemon(f"unix://{folder}/s")
    with _Server(folder / "s", daemon) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield daemon
        finally:
            server.shutdown()
            thread.join()
            shutil.rmtree(folder)


@pytest.fixture
def real_daemon() -> Daemon:
    """The machine's own daemon; skips where there is none that we may use."""
    try:
        with _client(None) as client:
            client.ping()
    except DockerException as error:
        pytest.skip(f"no Docker daemon that may be used: {error}")
    return Daemon(os.environ.get("DOCKER_HOST"))


@contextmanager
def _client(host: str | None) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(base_url=host) if host else docker.from_env()
    try:
        yield client
    finally:
        client.close()


def _manifest(archive: bytes) -> list[dict[str, Any]]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        file = opened.extractfile("manifest.json")
        assert file is not None
        images: list[dict[str, Any]] = json.load(file)
        return images
