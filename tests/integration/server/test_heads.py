"""What never becomes a request: no HTTP, a head without an end, and one that never comes."""

from __future__ import annotations

import json
import socket
import time
from urllib.parse import urlsplit

import pytest

from supplychain.server import protocol
from tests.kit.serving import Served, listening

ASKED = b"GET /livez HTTP/1.1\r\nHost: a\r\n"


def connected(url: str) -> socket.socket:
    where = urlsplit(url)
    return socket.create_connection((where.hostname, where.port), timeout=20)


def read(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def refused(told: bytes, status: int, code: str) -> None:
    head, _, body = told.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), told
    lines = head.lower().split(b"\r\n")
    assert b"connection: close" in lines
    assert b"content-type: application/problem+json" in lines
    document = json.loads(body)
    assert (document["status"], document["code"]) == (status, code)
    assert b"x-request-id: %b" % document["request_id"].encode() in lines


@pytest.mark.parametrize(
    "sent",
    [
        b"HELLO\r\n\r\n",
        ASKED + b"A : b\r\n\r\n",
        ASKED + b"HOST: b\r\n\r\n",
        ASKED + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
        b"POST /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nno\r\n",
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
            b"0\r\n\r\n"
        ),
        b"GET /livez HTTP/1.1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: b@a\r\n\r\n",
        b"GET /livez HTTP/1.0\r\nHost: a/b\r\n\r\n",
    ],
    ids=[
        "no-http",
        "space",
        "hosts",
        "tokens",
        "chunk",
        "two-lengths",
        "no-host",
        "two-words",
        "somebody-at-a-host",
        "no-host-but-a-path",
    ],
)
def test_what_is_no_http_is_a_problem(served: Served, sent: bytes) -> None:
    with listening(served.app) as url, connected(url) as connection:
        connection.sendall(sent)
        refused(read(connection), 400, "input")


@pytest.mark.parametrize(
    "sent",
    [b"1.0\r\n", b"1.0\r\nHost: a\r\n"]
    + [b"1.1\r\nHost: %b\r\n" % host for host in (b"", b"a_b.test:8080", b"[::1]:80", b"a%20b")],
)
def test_who_names_a_host_as_it_has_to_be_named_is_answered(served: Served, sent: bytes) -> None:
    with listening(served.app) as url, connected(url) as connection:
        connection.sendall(b"GET /livez HTTP/" + sent + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"GET /livez HTTP/1.1\r\n", "it has no Host"),
        (b"GET /livez HTTP/1.1\r\nHost: a b\r\n", "its Host is none"),
        (ASKED + b"Host: b\r\n", "it has two of host"),
        (ASKED + b"Authorization: a\r\nAuthorization: b\r\n", "it has two of authorization"),
        (b"HELLO\r\n", None),
    ],
)
def test_what_is_wrong_with_a_head_is_said(served: Served, sent: bytes, why: str | None) -> None:
    with listening(served.app) as url, connected(url) as connection:
        connection.sendall(sent + b"\r\n")
        body = read(connection).partition(b"\r\n\r\n")[2]
        assert json.loads(body)["because"] == why


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "endless"])
@pytest.mark.parametrize("again", [True, False], ids=["again", "first"])
def test_a_head_that_is_too_large_is_refused(served: Served, *, whole: bool, again: bool) -> None:
    with listening(served.app) as url, connected(url) as connection:
        if again:
            connection.sendall(ASKED + b"\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        large = ASKED + b"A: b\r\n" * (2 << 10) + b"B: " + b"x" * (25 << 10)
        if whole:
            connection.sendall(large + b"\r\n\r\n")
        else:
            for piece in (large, b"x" * 1000, b"x" * (40 << 10)):
                connection.sendall(piece)
                time.sleep(0.05)
        refused(read(connection), 431, "limit")


def test_a_head_that_does_not_come_is_given_up(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "_HEAD_SECONDS", 0.5)
    with listening(served.app) as url, connected(url) as silent, connected(url) as slow:
        slow.sendall(ASKED)
        for _ in range(3):
            time.sleep(0.1)
            slow.sendall(b"A: b\r\n")
        refused(read(slow), 408, "slow")
        refused(read(silent), 408, "slow")
        with connected(url) as quick:
            for _ in range(3):
                quick.sendall(ASKED + b"\r\n")
                assert quick.recv(65536).startswith(b"HTTP/1.1 200")
                time.sleep(0.4)
