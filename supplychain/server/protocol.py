"""HTTP as uvicorn speaks it, where a connection is kept only for whoever has sent all of a request.

Whoever is answered before that, as where their body is too large, is told that the connection ends
with that answer. What they still send is thrown away, for a while.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from supplychain.server.gathered import Gathered


class Protocol(HttpToolsProtocol):
    """One connection."""

    transport: Gathered  # type: ignore[assignment]  # that is one, too
    _is_kept = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own
        """Begin with a connection."""
        gathered: Any = Gathered(transport, self.loop)
        super().connection_made(gathered)

    def on_headers_complete(self) -> None:
        """Answer a request, of which the body is still to come."""
        super().on_headers_complete()
        self.transport.is_unread = True
        self._is_kept, self.cycle.keep_alive = self.cycle.keep_alive, False

    def on_message_complete(self) -> None:
        """Keep the connection, unless something else was answered already."""
        self.transport.is_unread = False
        if not self.cycle.response_started:
            self.cycle.keep_alive = self._is_kept
        super().on_message_complete()

    def shutdown(self) -> None:
        """End with the answer that is being given."""
        self._is_kept = False
        super().shutdown()
