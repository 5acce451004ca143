"""What is written in one turn of the loop leaves in one piece, and in its order."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn

from supplychain.server.protocol import Protocol

BODY = b"a verdict"


class Transport(asyncio.Transport):
    """Keeps what it is to send."""

    def __init__(self) -> None:
        super().__init__({"socket": None, "peername": ("192.0.2.1", 1)})
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        assert not self.closed
        self.sent.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def answered(*bodies: bytes, request: bytes = b"") -> Transport:
    """What is sent to who asks for these bodies in turn."""

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        length = b"%d" % len(b"".join(bodies))
        headers = [(b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number, body in enumerate(bodies, 1):
            more = number < len(bodies)
            await send({"type": "http.response.body", "body": body, "more_body": more})

    config = uvicorn.Config(app, log_config=None, lifespan="off", proxy_headers=False)
    config.load()
    protocol, transport = Protocol(config, uvicorn.Server(config).server_state, {}), Transport()
    protocol.connection_made(transport)
    protocol.data_received(request or b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    for _ in range(10):
        await asyncio.sleep(0)
    if not transport.closed:
        protocol.connection_lost(None)
    return transport


def test_a_head_leaves_with_its_body() -> None:
    [sent] = asyncio.run(answered(BODY)).sent
    assert sent.startswith(b"HTTP/1.1 200 OK\r\n")
    assert sent.endswith(b"\r\n\r\n" + BODY)


def test_what_is_large_is_not_held() -> None:
    piece = b"x" * 100_000
    sent = asyncio.run(answered(piece, piece)).sent
    assert b"".join(sent).endswith(b"\r\n\r\n" + piece * 2)
    assert len(sent) == 2


def test_who_wants_no_more_gets_all_of_it_first() -> None:
    request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    transport = asyncio.run(answered(BODY, request=request))
    assert transport.closed
    assert b"".join(transport.sent).endswith(BODY)


def test_what_nobody_can_get_any_more_is_dropped() -> None:
    async def late() -> Transport:
        transport = Transport()
        config = uvicorn.Config(asyncio.sleep, log_config=None)
        config.load()
        protocol = Protocol(config, uvicorn.Server(config).server_state, {})
        protocol.connection_made(transport)
        protocol.transport.write(BODY)
        transport.close()
        await asyncio.sleep(0)
        return transport

    assert asyncio.run(late()).sent == []
