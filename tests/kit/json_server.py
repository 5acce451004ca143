"""A small HTTP server that answers JSON as a test says, with TLS or without."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Json


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int = 200
    value: Json | bytes = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class JsonServer:
    """A running server.

    Attributes:
        address: `http://host:port` or `https://host:port`.
        asked: Every request so far.
    """

    address: str
    answer: Callable[[Request], Reply]
    asked: list[Request] = field(default_factory=list)


@contextlib.contextmanager
def json_server(
    answer: Callable[[Request], Reply] = lambda _: Reply(503),
    tls: tuple[Path, Path] | None = None,
    client_ca: Path | None = None,
) -> Iterator[JsonServer]:
    """A server on a free loopback port.

    Args:
        answer: Gives the reply to a request; can be set later.
        tls: Certificate and key; None for plain HTTP.
        client_ca: Demand a client certificate of this authority.
    """
    server = _Server(("127.0.0.1", 0), _Handler)
    scheme = "http"
    if tls is not None:
        scheme = "https"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        if client_ca is not None:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.running = JsonServer(f"{scheme}://127.0.0.1:{server.server_port}", answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.running
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    running: JsonServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may hang up when it has what it wants."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self._reply()

    def _reply(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        is_form = "form" in self.headers.get("Content-Type", "")
        body = dict(parse_qsl(raw.decode())) if is_form else json.loads(raw) if raw else {}
        request = Request(self.command, self.path, dict(self.headers), body)
        self.server.running.asked.append(request)
        reply = self.server.running.answer(request)
        value = reply.value if isinstance(reply.value, bytes) else json.dumps(reply.value).encode()
        self.send_response_only(reply.status)
        for name, text in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(value)))
        self.end_headers()
        self.wfile.write(value)
