"""Whoever is answered before they have sent everything: they see it, and tie no connection."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from supplychain.server import lingering
from supplychain.server.strict_json import WHOLE
from tests.kit.scans import SUBJECT
from tests.kit.serving import DECIDE, Served, listening

EVIDENCE = f"/v1/images/{SUBJECT.digest}/evidence?kind=sbom"
JSON = {"Content-Type": "application/json"}
MORE = 5 << 20


@contextmanager
def begun(url: str, path: str, length: str) -> Iterator[socket.socket]:
    """A connection on which a body is announced."""
    where = urlsplit(url)
    head = f"POST {path} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/json\r\n"
    with socket.create_connection((where.hostname, where.port), timeout=20) as connection:
        connection.sendall(f"{head}{length}\r\n\r\n".encode())
        yield connection


def read(connection: socket.socket) -> bytes:
    """All that comes until the other side has said that nothing more does."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def endless(connection: socket.socket, piece: bytes, pause: float) -> float:
    """How long somebody may go on sending."""
    began = time.monotonic()
    try:
        while time.monotonic() - began < 20:
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            time.sleep(pause)
    except OSError:
        pass
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("path", "status"), [(DECIDE, b"413"), (EVIDENCE, b"401")], ids=["too-large", "nobody"]
)
@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
def test_whoever_sends_all_of_it_first_sees_the_answer(
    served: Served, path: str, status: bytes, *, announced: bool
) -> None:
    size = WHOLE + MORE
    length = f"Content-Length: {size}" if announced else "Transfer-Encoding: chunked"
    piece = b" " * size if announced else b"%x\r\n%s\r\n0\r\n\r\n" % (size, b" " * size)
    with listening(served.app) as url, begun(url, path, length) as connection:
        connection.sendall(piece)
        told = read(connection)
    assert told.startswith(b"HTTP/1.1 " + status)
    assert b"\r\nconnection: close\r\n" in told


@pytest.mark.parametrize(
    ("bound", "value", "pause"),
    [("_SECONDS", 0.5, 0.0), ("_SECONDS", 0.5, 0.1), ("_MOST", 1 << 20, 0.0)],
    ids=["endless", "trickle", "large"],
)
def test_whoever_never_stops_sending_is_let_go_of(
    served: Served, monkeypatch: pytest.MonkeyPatch, bound: str, value: float, pause: float
) -> None:
    monkeypatch.setattr(lingering, bound, value)
    piece = b" " if pause else b" " * 1000
    chunked = "Transfer-Encoding: chunked"
    with listening(served.app) as url, begun(url, EVIDENCE, chunked) as connection:
        assert endless(connection, piece, pause) < 10


def test_whoever_says_nothing_more_is_let_go_of(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lingering, "_SILENT_SECONDS", 0.2)
    with (
        listening(served.app) as url,
        begun(url, EVIDENCE, "Content-Length: 100") as connection,
    ):
        assert read(connection).startswith(b"HTTP/1.1 401")
        time.sleep(1)
        assert endless(connection, b" ", 0.1) < 5


def test_a_server_that_ends_waits_for_nobody_who_sends_on(served: Served) -> None:
    stop = threading.Event()
    with listening(served.app) as url, begun(url, EVIDENCE, "Content-Length: 100") as connection:

        def drip() -> None:
            try:
                while not stop.wait(0.1):
                    connection.sendall(b" ")
            except OSError:
                return

        assert read(connection).startswith(b"HTTP/1.1 401")
        dripping = threading.Thread(target=drip)
        dripping.start()
        began = time.monotonic()
    ended = time.monotonic() - began
    stop.set()
    dripping.join()
    assert ended < 5


def test_whoever_has_sent_everything_keeps_their_connection(served: Served) -> None:
    """Whether they are answered or refused, and in however many pieces it came."""
    with listening(served.app) as url:
        connection = HTTPConnection(urlsplit(url).netloc, timeout=20)
        connection.connect()
        used = connection.sock
        mine = {"Authorization": served.client.headers["Authorization"], **JSON}
        body = b'{"image": "%s"}' % str(SUBJECT).encode()
        for headers, sent, status in (
            (mine, body, 200), (mine, b"no", 422), (JSON, body, 401), (mine, body, 200),
        ):  # fmt: skip
            connection.putrequest("POST", DECIDE)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(sent)))
            connection.endheaders()
            time.sleep(0.05)
            connection.send(sent)
            answer = connection.getresponse()
            assert (answer.status, answer.getheader("connection")) == (status, None)
            assert answer.read()
        assert connection.sock is used
        connection.close()
