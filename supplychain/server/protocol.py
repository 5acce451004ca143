"""HTTP as uvicorn speaks it, with bounds for heads, and for whoever is answered before the end.

A head has to come in time and has to be small: uvicorn waits for ever, and keeps all that comes.
Whoever is answered before all of a request came, as where their body is too large, is told that the
connection ends with that answer. What they still send is thrown away, for a while.
"""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from itertools import chain
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from supplychain.server import observing, problems, request_ids
from supplychain.server.gathered import Gathered

# As nginx has them: `large_client_header_buffers` together, and `client_header_timeout`.
_LARGEST_HEAD = 32 << 10
_HEAD_SECONDS = 60.0
# Of two, a proxy may have believed the other one.
_ONCE = (b"host", b"authorization")
# RFC 9110, section 7.2: a name or an address, and perhaps a port; nobody before an `@`, no path.
_HOST = re.compile(rb"(\[[\w.:%~-]+\]|[\w.~!$&'()*+,;=%-]*)(:[0-9]*)?")


class Protocol(HttpToolsProtocol):
    """One connection."""

    transport: Gathered  # type: ignore[assignment]  # that is one, too
    _is_kept = False
    # Of the head that is coming: how much of it came, what is wrong with it, and when it has to be
    # whole.
    _head = 0
    _wrong: str | None = None
    _until: asyncio.TimerHandle | None = None
    _is_in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own
        """Begin with a connection."""
        gathered: Any = Gathered(transport, self.loop)
        super().connection_made(gathered)
        self._until = self.loop.call_later(_HEAD_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """End with a connection."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came, and no head without an end."""
        was_in_head = self._is_in_head
        super().data_received(data)
        if not self._is_in_head or self.transport.is_closing():
            return
        if was_in_head:
            self._head += len(data)
        if self._head > _LARGEST_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._until is None:
            self._until = self.loop.call_later(_HEAD_SECONDS, self._give_up)

    def on_message_begin(self) -> None:
        """Begin with a request."""
        super().on_message_begin()
        self._is_in_head, self._head = True, 0

    def on_headers_complete(self) -> None:
        """Answer a request, of which the body is still to come."""
        self._is_in_head = False
        self._wait_no_more()
        # Each header has a colon, a space, and the end of its line, too.
        size = len(self.url) + sum(map(len, chain.from_iterable(self.headers)))
        size += 4 * len(self.headers)
        if size > _LARGEST_HEAD:
            self._head = size
            raise ValueError  # the parser stops, and asks for `send_400_response`
        self._wrong = self._fault()
        if self._wrong is not None:
            raise ValueError  # as above
        super().on_headers_complete()
        self.transport.is_unread = True
        self._is_kept, self.cycle.keep_alive = self.cycle.keep_alive, False

    def on_message_complete(self) -> None:
        """Keep the connection, unless something else was answered already."""
        self.transport.is_unread = False
        if not self.cycle.response_started:
            self.cycle.keep_alive = self._is_kept
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's own
        """Refuse what is no HTTP, or a head that is too large, as a problem."""
        self._refuse(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            if self._head > _LARGEST_HEAD
            else HTTPStatus.BAD_REQUEST
        )

    def _fault(self) -> str | None:
        """What is wrong with the headers of a request; None for nothing."""
        known = dict(self.headers)
        if len(known) < len(self.headers):
            names = [name for name, _ in self.headers]
            for name in _ONCE:
                if names.count(name) > 1:
                    return f"it has two of {name.decode()}"
        host = known.get(b"host")
        if host is None:  # RFC 9112, section 3.2: HTTP/1.0 knows none
            return "it has no Host" if self.parser.get_http_version() == "1.1" else None
        return None if _HOST.fullmatch(host) else "its Host is none"

    def shutdown(self) -> None:
        """End with the answer that is being given."""
        self._is_kept = False
        super().shutdown()

    def _wait_no_more(self) -> None:
        if self._until is not None:
            self._until.cancel()
            self._until = None

    def _give_up(self) -> None:
        """The head did not come in time."""
        if not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        """Say what is wrong with what came, unless something else is being said, and close."""
        self.transport.is_unread = True
        cycle, name = self.cycle, request_ids.new()
        # None before the first request, whatever uvicorn says.
        if cycle is not None and not cycle.response_complete:  # type: ignore[redundant-expr]
            is_its_own = cycle.more_body and not self.pipeline and not cycle.response_started
            cycle.disconnected = True
            cycle.message_event.set()
            if is_its_own:  # it has a name, and is told of once it learns that it is over
                state = cycle.scope["state"]
                state[observing.REFUSED], name = int(status), state.get("request_id", name)
        else:
            is_its_own = True
            observing.tell_unreadable(status, self.client[0] if self.client else "", name)
        if is_its_own:
            answer = problems.unreadable(status, name, because=self._wrong)
            head = [STATUS_LINE[status], b"connection: close\r\n"]
            head += [b"%b: %b\r\n" % pair for pair in answer.raw_headers]
            head += [b"%b: %b\r\n\r\n" % (request_ids.HEADER.lower().encode(), name.encode())]
            self.transport.write(b"".join(head) + bytes(answer.body))
        self.transport.close()
