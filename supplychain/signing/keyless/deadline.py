"""Answers that have to be there in time, headers and all.

A socket's timeout bounds the silence between two bytes only: a server that drips one byte a second
never trips it.
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

# From when an answer begins to be awaited until its last byte, in seconds.
WHOLE = 60.0


class _Timed(io.RawIOBase):
    """A socket's bytes, as long as there is time."""

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__()
        self._raw = raw
        self._until = time.monotonic() + WHOLE

    def readable(self) -> bool:
        """Always: this is what it is for."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        """Read once from the socket.

        Raises:
            TimeoutError: The time is over.
        """
        if time.monotonic() > self._until:
            raise TimeoutError(f"its answer takes more than {WHOLE:.0f} s")
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Close the stream below too: the socket counts who still reads from it."""
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Timed(self.fp.detach()))


class _TimedHTTPConnection(urllib3.connection.HTTPConnection):
    response_class = _TimedResponse


class _TimedHTTPSConnection(urllib3.connection.HTTPSConnection):
    response_class = _TimedResponse


class _TimedHTTPPool(urllib3.connectionpool.HTTPConnectionPool):
    ConnectionCls = _TimedHTTPConnection


class _TimedHTTPSPool(urllib3.connectionpool.HTTPSConnectionPool):
    ConnectionCls = _TimedHTTPSConnection


POOLS = {"http": _TimedHTTPPool, "https": _TimedHTTPSPool}
