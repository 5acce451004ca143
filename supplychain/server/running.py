"""A server as a process: it listens, and ends when it has answered."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from types import FrameType

import uvicorn
from fastapi import FastAPI

from supplychain.errors import StoreError
from supplychain.server.certificate import Certificate
from supplychain.server.protocol import Protocol
from supplychain.server.service import THREADS

_DRAIN_SECONDS = 30
# What is on its way over an open connection when the server is told to end comes within this.
_LAST_CALL_SECONDS = 1.0
_SAME_SECONDS = 1.0
_KEEP_ALIVE_SECONDS = 75
_BACKLOG = 2048
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Listening:
    """A place where somebody listens, and what answers there.

    Args:
        app: What answers, over its service.
        where: Where it listens; closed in the end.
        certificate: For TLS; None for none.
    """

    def __init__(
        self, app: FastAPI, where: socket.socket, certificate: Certificate | None = None
    ) -> None:
        self._certificate = certificate
        self._socket = where
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http=Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
        )
        config.load()
        if certificate is not None:
            config.ssl = certificate.context
        self._config = config
        self._ending: threading.Event = app.state.service.ending

    def serve(self, ready: Callable[[], None]) -> None:
        """Answer until SIGTERM or SIGINT, then what has come in, and return.

        Args:
            ready: Called once a signal is sure to be waited for so.
        """
        # What is there by now stays for good; young garbage is looked for less often (measured).
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 50, 1000)
        with self._certificate or nullcontext(), self._socket:
            _Server(self._config, ready, self._ending).run(sockets=[self._socket])


def url_of(where: socket.socket, *, tls: bool) -> str:
    """Where a socket can be reached from this machine."""
    host, port, *_ = where.getsockname()
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if tls else 'http'}://{shown}:{port}"


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens, and that nobody else listens beside.

    Args:
        host: Where to listen.
        port: Where to listen; 0 for any that is free.

    Raises:
        StoreError: Nobody can listen there.
    """
    return _bound(host, port, shared=False)


def reserved(host: str, port: int) -> socket.socket:
    """A place at which several processes will listen, each by `bound_beside`; as `bound`."""
    with bound(host, port) as alone:
        where = alone.getsockname()
    found = socket.socket(alone.family)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    found.bind(where)
    return found


def bound_beside(place: socket.socket) -> socket.socket:
    """A socket that listens at a reserved place, beside those of other processes."""
    host, port, *_ = place.getsockname()
    return _bound(host, port, shared=True)


def _bound(host: str, port: int, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server(
            (host, port), family=family, backlog=_BACKLOG, reuse_port=shared
        )
    except OSError as error:
        raise StoreError(
            f"nobody can listen on {host} port {port}",
            because=error.strerror,
            hint="name another place: --host, --port",
            retryable=False,
        ) from error


class _Server(uvicorn.Server):
    """Ends with success once it is drained, where uvicorn would die of the signal then.

    Args:
        config: As for uvicorn.
        ready: Called once it answers.
        ending: Is set when it is told to end.
    """

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], ending: threading.Event
    ) -> None:
        super().__init__(config)
        self._ready, self._ending = ready, ending
        self._told = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and tell so."""
        threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")
        asyncio.get_running_loop().set_default_executor(threads)
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen no more, answer whoever is connected and sends something yet, and end.

        uvicorn by itself closes at once what carries no request at that moment, under the hands of
        a client that is about to send one. So each connection is closed with its next answer
        (RFC 9112, section 9.6), or once nothing has come for a while.
        """
        for server in self.servers:
            server.close()
        state = self.server_state
        state.default_headers = [*state.default_headers, (b"connection", b"close")]
        loop = asyncio.get_running_loop()
        until = loop.time() + _LAST_CALL_SECONDS
        await asyncio.sleep(0)  # whoever was let in just now is among the connections then
        while state.connections and not self.force_exit and loop.time() < until:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Listen to the signals that ask it to end."""
        before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop listening and answer what has come in; a signal after that ends it at once.

        Whoever starts several processes passes on what all of them may have been sent: what comes
        within a second is the same signal.
        """
        now = time.monotonic()
        if not self.should_exit:
            self._told = now
            self._ending.set()
            super().handle_exit(sig, frame)
        elif now - self._told > _SAME_SECONDS:
            self.force_exit = True
