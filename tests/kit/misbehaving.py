"""An HTTP server that answers as a test says: late, wrong, cut short, without end, elsewhere.

`server.on("GET", "/v2/app/manifests/1", reply(500), reply(200, body))` gives its answers in turn,
the last one for ever. What was asked is in `server.requests`. Unknown paths get 404.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from supplychain.images.reference import Reference
from supplychain.model.artifact import OCI_MANIFEST, Descriptor
from supplychain.model.digest import Digest

EMPTY_MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST}).encode()


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def authorization(self) -> str | None:
        """The `Authorization` header."""
        return self.headers.get("Authorization")


class Exchange(BaseHTTPRequestHandler):
    """One connection to the server; answers write to `wfile` as they like."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server
    asked: Asked

    def setup(self) -> None:
        """Count the connections."""
        super().setup()
        self.server.kit.connections += 1

    def log_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        headers = dict(self.headers.items())
        self.asked = Asked(self.command, self.path, headers, body)
        self.server.kit.take(self.asked)(self)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - names that http.server looks up

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status and the headers."""
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def hang_up(self) -> None:
        """Close the connection after this answer."""
        self.close_connection = True


Answer = Callable[[Exchange], None]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    kit: ScriptedServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up on us is what these tests are about."""


class ScriptedServer:
    """The server, its script and what it was asked."""

    def __init__(self, tls: tuple[Path, Path] | None = None, port: int = 0) -> None:
        self._server = _Server(("127.0.0.1", port), Exchange)
        self._server.kit = self
        self.scheme = "http"
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            self.scheme = "https"
        self._script: dict[tuple[str, str], list[Answer]] = {}
        self._lock = threading.Lock()
        self.requests: list[Asked] = []
        self.connections = 0
        self.done = threading.Event()

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """`scheme://host:port`."""
        return f"{self.scheme}://{self.address}"

    @property
    def repository(self) -> Reference:
        """The repository `app` here."""
        return Reference(self.address, "app")

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """What to answer, in turn; the last one stays. The path is compared without its query."""
        self._script[method, path] = list(answers)

    def asked(self, method: str, path: str) -> list[Asked]:
        """The requests for a path."""
        return [
            one
            for one in self.requests
            if one.method == method and one.path.partition("?")[0] == path
        ]

    def take(self, asked: Asked) -> Answer:
        """Note a request and choose its answer."""
        with self._lock:
            self.requests.append(asked)
            answers = self._script.get((asked.method, asked.path.partition("?")[0]), [reply(404)])
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def serve(self) -> None:
        """Answer until `close`."""
        self._server.serve_forever(poll_interval=0.02)

    def close(self) -> None:
        """End, and wake every answer that drips or waits."""
        self.done.set()
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def scripted_server(
    tls: tuple[Path, Path] | None = None, port: int = 0
) -> Iterator[ScriptedServer]:
    """A server that runs while the context lasts; on a free port, unless one is given."""
    server = ScriptedServer(tls, port)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(5)


def reply(
    status: int, body: bytes = b"", headers: Mapping[str, str] | None = None, *, kind: str = ""
) -> Answer:
    """An honest answer."""

    def answer(exchange: Exchange) -> None:
        given = {"Content-Length": str(len(body)), **(headers or {})}
        exchange.begin(status, given | ({"Content-Type": kind} if kind else {}))
        if exchange.command != "HEAD":
            exchange.wfile.write(body)

    return answer


def manifest(body: bytes = EMPTY_MANIFEST, kind: str = OCI_MANIFEST, **headers: str) -> Answer:
    """A manifest; `Docker_Content_Digest=` and the like become headers."""
    return reply(200, body, {k.replace("_", "-"): v for k, v in headers.items()}, kind=kind)


def refusal(status: int, code: str, message: str = "", **headers: str) -> Answer:
    """An error in the distribution spec's form."""
    body = json.dumps({"errors": [{"code": code, "message": message or code.lower()}]}).encode()
    return reply(status, body, {k.replace("_", "-"): v for k, v in headers.items()})


def redirect(location: str, status: int = 307) -> Answer:
    """A redirect."""
    return reply(status, headers={"Location": location})


def cut(body: bytes, after: int, kind: str = OCI_MANIFEST) -> Answer:
    """Promise the whole body, send the first bytes, and hang up."""

    def answer(exchange: Exchange) -> None:
        exchange.begin(200, {"Content-Length": str(len(body)), "Content-Type": kind})
        exchange.wfile.write(body[:after])
        exchange.wfile.flush()
        exchange.hang_up()

    return answer


def ranged(body: bytes) -> Answer:
    """A body from the byte that `Range` asks for."""

    def answer(exchange: Exchange) -> None:
        start = int(exchange.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        rest = body[start:]
        given = f"bytes {start}-{len(body) - 1}/{len(body)}"
        exchange.begin(206, {"Content-Length": str(len(rest)), "Content-Range": given})
        exchange.wfile.write(rest)

    return answer


def silence(exchange: Exchange) -> None:
    """Nothing at all."""
    exchange.server.kit.done.wait(30)
    exchange.hang_up()


def dripping(body: bytes, every: float) -> Answer:
    """A body of which one byte comes at a time, `every` so many seconds."""

    def answer(exchange: Exchange) -> None:
        exchange.begin(200, {"Content-Length": str(len(body)), "Content-Type": OCI_MANIFEST})
        _drip(exchange, body, every)

    return answer


def dripping_headers(every: float) -> Answer:
    """Headers of which one byte comes at a time, `every` so many seconds."""

    def answer(exchange: Exchange) -> None:
        _drip(exchange, b"HTTP/1.1 200 OK\r\n" + b"X-Slow: yes\r\n" * 1000, every)

    return answer


def endless(declared: int | None = None, kind: str = OCI_MANIFEST) -> Answer:
    """A body without end, whatever it declares."""

    def answer(exchange: Exchange) -> None:
        headers = {"Content-Type": kind, "Connection": "close"}
        if declared is not None:
            headers["Content-Length"] = str(declared)
        exchange.begin(200, headers)
        with contextlib.suppress(OSError):
            while not exchange.server.kit.done.is_set():
                exchange.wfile.write(b" " * 65536)
        exchange.hang_up()

    return answer


def needs(authorization: str, then: Answer, challenge: str) -> Answer:
    """An answer for those who carry this authorization; a challenge for everybody else."""

    def answer(exchange: Exchange) -> None:
        if exchange.headers.get("Authorization") == authorization:
            then(exchange)
        else:
            refusal(401, "UNAUTHORIZED", **{"WWW-Authenticate": challenge})(exchange)

    return answer


def descriptor(data: bytes, size: int | None = None) -> Descriptor:
    """The descriptor of a blob; `size` to lie."""
    return Descriptor(
        "application/octet-stream", Digest.of(data), len(data) if size is None else size
    )


def _drip(exchange: Exchange, data: bytes, every: float) -> None:
    with contextlib.suppress(OSError):
        for byte in data:
            if exchange.server.kit.done.wait(every):
                break
            exchange.wfile.write(bytes([byte]))
            exchange.wfile.flush()
    exchange.hang_up()
