"""A connection that ends while its other side is still sending (RFC 9112, section 9.6).

Closed at once, it would be reset by what still comes, and a reset takes the answer away from
whoever has not read it yet. So what still comes is read and thrown away, for a while.
"""

from __future__ import annotations

import asyncio

# As nginx has them, `lingering_time` and `lingering_timeout`: time to send what was on its way over
# a slow line, and how long nothing may come.
_SECONDS = 30.0
_SILENT_SECONDS = 5.0
# Above what a client sends that looks for an answer only then, and what an endless one costs: a
# fast line brings more than this in a second.
_MOST = 64 << 20


class Lingering(asyncio.Protocol):
    """Throws away what comes over a connection, and closes it for good in the end.

    Whoever had the connection is told once it is lost.

    Args:
        transport: The connection, to which everything was written.
        loop: The loop that it is on.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._former = transport.get_protocol()
        self._until = loop.time() + _SECONDS
        self._size = 0
        self._end = loop.call_later(_SILENT_SECONDS, transport.abort)
        transport.set_protocol(self)
        transport.resume_reading()
        if transport.can_write_eof():  # not over TLS
            transport.write_eof()

    def data_received(self, data: bytes) -> None:
        """Throw it away, unless that was enough."""
        self._end.cancel()
        self._size += len(data)
        if self._size > _MOST:
            self._transport.abort()
            return
        left = min(_SILENT_SECONDS, self._until - self._loop.time())
        self._end = self._loop.call_later(left, self._transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever had it."""
        self._end.cancel()
        self._former.connection_lost(exc)
