"""An answer sent in one piece: uvicorn writes its head and its body one after the other.

Two writes are two packets: twice the work for the kernel, and whoever asked wakes up for a head
without a body.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# What is larger is a packet of its own anyway, and must not be held in memory.
_MOST = 65_536


class Gathering(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, over a transport that gathers."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own
        """Begin with a connection."""
        gathered: Any = _Gathered(transport, self.loop)
        super().connection_made(gathered)


class _Gathered:
    """A transport that sends together what is written before the loop turns to something else.

    Args:
        transport: What sends.
        loop: The loop that it is on.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send this soon, with whatever else is written until then."""
        if not self._held:
            self._loop.call_soon(self._send)
        self._held.append(data)
        if len(data) > _MOST:
            self._send()

    def close(self) -> None:
        """Send what was written, and close."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._held and not self._transport.is_closing():
            self._transport.write(b"".join(self._held))
        self._held.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
