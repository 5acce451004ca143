"""An answer sent in one piece: uvicorn writes its head and its body one after the other.

Two writes are two packets: twice the work for the kernel, and whoever asked wakes up for a head
without a body.
"""

from __future__ import annotations

import asyncio
from typing import Any

from supplychain.server.lingering import Lingering

# What is larger is a packet of its own anyway, and must not be held in memory.
_MOST = 65_536


class Gathered:
    """A transport that sends together what is written before the loop turns to something else.

    Args:
        transport: What sends.
        loop: The loop that it is on.

    Attributes:
        is_unread: Whether more is on its way here; closed then, it lingers.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.is_unread = False
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._lingering: Lingering | None = None

    def write(self, data: bytes) -> None:
        """Send this soon, with whatever else is written until then."""
        if not self._held:
            self._loop.call_soon(self._send)
        self._held.append(data)
        if len(data) > _MOST:
            self._send()

    def close(self) -> None:
        """Send what was written, and close; once it lingers, for good."""
        self._send()
        if self.is_unread and not self.is_closing():
            self._lingering = Lingering(self._transport, self._loop)
        else:
            self._transport.close()

    def is_closing(self) -> bool:
        """Whether nothing is sent any more."""
        return self._lingering is not None or self._transport.is_closing()

    def _send(self) -> None:
        if self._held and not self.is_closing():
            self._transport.write(b"".join(self._held))
        self._held.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
