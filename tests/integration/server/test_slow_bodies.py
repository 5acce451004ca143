"""Bodies that drip: over real connections, which are given up once there was time enough."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.kit.failings import in_order
from tests.kit.scans import SUBJECT
from tests.kit.serving import DECIDE, Served, listening

EVIDENCE = f"/v1/images/{SUBJECT.digest}/evidence?kind=sbom"
PATHS = (EVIDENCE, "/v1/vex", DECIDE)

pytestmark = pytest.mark.parametrize("served", [{"body_timeout": "1s"}], indirect=True)


def _begun(served: Served, url: str, path: str) -> socket.socket:
    """A connection on which a large body is announced, and the first byte of it sent."""
    where = urlsplit(url)
    connection = socket.create_connection((where.hostname, where.port), timeout=20)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: {served.client.headers['Authorization']}\r\nContent-Length: 100000\r\n\r\n"
    )
    connection.sendall(head.encode() + b"{")
    return connection


def _drip(connection: socket.socket, stop: threading.Event) -> None:
    try:
        while not stop.wait(0.1):
            connection.sendall(b" ")
    except OSError:
        return


@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_drips_is_given_up_and_the_connection_with_it(
    served: Served, path: str
) -> None:
    in_order(served.typist)
    with listening(served.app) as url:
        connections = [_begun(served, url, path) for _ in range(50)]
        stop = threading.Event()
        began = time.monotonic()
        drips = threading.Thread(target=_drip, args=(connections[0], stop))
        drips.start()
        # Meanwhile everybody else is answered.
        answer = httpx.post(
            url + DECIDE,
            json={"image": str(SUBJECT)},
            headers={"Authorization": served.client.headers["Authorization"]},
            timeout=20,
        )
        assert answer.json()["decision"] == "allow"
        for connection in connections:
            with connection:
                told = b"".join(iter(lambda: _read(connection), b""))  # noqa: B023
                head, _, body = told.partition(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 408 "), told
                document = json.loads(body)
                assert (document["code"], document["retryable"]) == ("slow", True)
        stop.set()
        drips.join()
        assert 0.9 < time.monotonic() - began < 15


def _read(connection: socket.socket) -> bytes:
    """What comes; nothing once the other side has hung up."""
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""


def test_what_is_large_and_comes_steadily_has_more_time(served: Served) -> None:
    in_order(served.typist)

    def steadily() -> Iterator[bytes]:
        yield b'{"a": "'
        for _ in range(20):
            time.sleep(0.1)
            yield b"x" * 20_000
        yield b'"}'

    with listening(served.app) as url:
        answer = httpx.post(
            url + EVIDENCE,
            content=steadily(),
            headers={"Authorization": served.client.headers["Authorization"]},
            timeout=20,
        )
    assert answer.status_code == 202, answer.text
