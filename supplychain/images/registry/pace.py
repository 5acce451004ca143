"""A least speed for everything a server sends.

A socket's timeout bounds the silence between two bytes only: a server that drips one byte a second
never trips it. Reading through `PacedReader` bounds the whole answer, its headers included. Only
the time spent waiting for the server counts, so a slow consumer is never taken for a slow server.
"""

from __future__ import annotations

import functools
import http.client
import io
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import urllib3.connection
import urllib3.connectionpool

if TYPE_CHECKING:
    import socket

    from _typeshed import WriteableBuffer

# Opens a connection to host and port, within seconds.
Dial = Callable[[str, int, Any], "socket.socket"]

# Bytes per second that a server must reach on average, beyond the time it has to begin.
LEAST_RATE = 4096
_BUFFER = 64 * 1024


class PacedReader(io.RawIOBase):
    """A socket's bytes, as long as they come fast enough.

    Args:
        raw: The socket as a raw stream.
        grace: Seconds that may be waited before the rate counts.
    """

    def __init__(self, raw: io.RawIOBase, grace: float) -> None:
        super().__init__()
        self._raw = raw
        self._grace = grace
        self._waited = 0.0
        self._received = 0

    def readable(self) -> bool:
        """Always: this is what it is for."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        """Read once from the socket.

        Raises:
            TimeoutError: The server is too slow.
        """
        began = time.monotonic()
        count = self._raw.readinto(buffer)
        self._waited += time.monotonic() - began
        self._received += count or 0
        if self._waited > self._grace + self._received / LEAST_RATE:
            raise TimeoutError("the server sends too slowly")
        return count

    def close(self) -> None:
        """Close the stream below too: the socket counts who still reads from it."""
        self._raw.close()
        super().close()


class PacedResponse(http.client.HTTPResponse):
    """An HTTP response read through a `PacedReader`; the socket's read timeout is the grace."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        grace = sock.gettimeout()
        if grace is not None:
            self.fp = io.BufferedReader(PacedReader(self.fp.detach(), grace), _BUFFER)


class _PacedHTTPConnection(urllib3.connection.HTTPConnection):
    response_class = PacedResponse

    def __init__(self, *args: Any, dial: Dial | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._dial = dial

    def _new_conn(self) -> socket.socket:
        if self._dial is None:
            return super()._new_conn()
        return _dialled(self, self._dial)


class _PacedHTTPSConnection(urllib3.connection.HTTPSConnection):
    response_class = PacedResponse

    def __init__(self, *args: Any, dial: Dial | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._dial = dial

    def _new_conn(self) -> socket.socket:
        if self._dial is None:
            return super()._new_conn()
        return _dialled(self, self._dial)


def _dialled(connection: urllib3.connection.HTTPConnection, dial: Dial) -> socket.socket:
    """Only the socket is another: names in TLS and in `Host` stay those of the URL."""
    made = dial(connection.host, connection.port, connection.timeout)
    for option in connection.socket_options or ():
        made.setsockopt(*option)
    return made


class _PacedHTTPPool(urllib3.connectionpool.HTTPConnectionPool):
    ConnectionCls = _PacedHTTPConnection


class _PacedHTTPSPool(urllib3.connectionpool.HTTPSConnectionPool):
    ConnectionCls = _PacedHTTPSConnection


def paced_pools(dial: Dial | None) -> dict[str, Any]:
    """Kinds of pools, by scheme, whose connections have a least speed.

    Args:
        dial: Opens every connection; None to open them as usual.
    """
    return {
        "http": functools.partial(_PacedHTTPPool, dial=dial),
        "https": functools.partial(_PacedHTTPSPool, dial=dial),
    }
