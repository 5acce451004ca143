"""A least speed for everything a server sends.

A socket's timeout bounds the silence between two bytes only: a server that drips one byte a second
never trips it. Reading through `PacedReader` bounds the whole answer, its headers included. Only
the time spent waiting for the server counts, so a slow consumer is never taken for a slow server.
"""

from __future__ import annotations

import http.client
import io
import time
from typing import TYPE_CHECKING, Any

import urllib3.connection
import urllib3.connectionpool

if TYPE_CHECKING:
    import socket

    from _typeshed import WriteableBuffer

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


class _PacedHTTPSConnection(urllib3.connection.HTTPSConnection):
    response_class = PacedResponse


class PacedHTTPPool(urllib3.connectionpool.HTTPConnectionPool):
    """Plain connections with a least speed."""

    ConnectionCls = _PacedHTTPConnection


class PacedHTTPSPool(urllib3.connectionpool.HTTPSConnectionPool):
    """TLS connections with a least speed."""

    ConnectionCls = _PacedHTTPSConnection
