"""Exchanges with Sigstore's services when these are slow, busy, hostile or gone."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from supplychain.errors import SigstoreError
from supplychain.signing.keyless import deadline, exchange
from supplychain.signing.keyless.exchange import Patience, Service
from tests.kit.json_server import Reply, Request, json_server
from tests.kit.openbao import unreachable
from tests.kit.tls import Authority

# Shaped as a signed token is, and no secret.
TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl"
NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)


def session(address: str, pauses: list[float] | None = None) -> requests.Session:
    slept = [] if pauses is None else pauses
    patience = Patience(slept.append, lambda: NOW, lambda: 1.0)
    service = Service("the log", address, {400: "ask it again, differently"})
    return exchange.session(service, patience, {"Accept": "application/json"})


def post(address: str, pauses: list[float] | None = None) -> requests.Response:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with session(address, pauses) as made:
        return made.post(f"{address}/api", json={"a": 1}, headers=headers)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(status: int) -> None:
    replies = [Reply(status), Reply(status), Reply(status), Reply(201, {"b": 2})]
    pauses: list[float] = []
    with json_server(lambda _: replies.pop(0)) as server:
        answer = post(server.address, pauses)
    assert (answer.status_code, answer.json()) == (201, {"b": 2})
    assert pauses == [0.25, 1.0, 4.0]
    assert [one.body for one in server.asked] == [{"a": 1}] * 4


def test_what_does_not_pass_is_told() -> None:
    with (
        json_server(lambda _: Reply(503, {"code": 14, "message": "not today"})) as server,
        pytest.raises(SigstoreError, match="answers with status 503") as caught,
    ):
        post(server.address)
    assert caught.value.because == "not today"
    assert caught.value.retryable
    assert len(server.asked) == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413])
def test_a_refusal_is_not_repeated(status: int) -> None:
    with (
        json_server(lambda _: Reply(status, b"<html>no</html>")) as server,
        pytest.raises(SigstoreError, match=f"status {status}") as caught,
    ):
        post(server.address)
    assert not caught.value.retryable
    assert caught.value.hint == ("ask it again, differently" if status == 400 else None)
    assert len(server.asked) == 1


def test_waiting_is_spread_so_that_many_do_not_come_back_at_once() -> None:
    pauses: list[float] = []
    patience = Patience(pauses.append, lambda: NOW, lambda: 0.0)
    replies = [Reply(429), Reply(429), Reply(200)]
    with (
        json_server(lambda _: replies.pop(0)) as server,
        exchange.session(Service("it", server.address, {}), patience, {}) as made,
    ):
        made.get(server.address)
    assert pauses == [0.125, 0.5]


@pytest.mark.parametrize(
    ("asked", "waited"), [("7", 7.0), ("Thu, 15 Jan 2026 12:00:20 GMT", 20.0), ("soon", 0.25)]
)
def test_a_service_may_ask_for_patience(asked: str, waited: float) -> None:
    replies = [Reply(429, headers={"Retry-After": asked}), Reply(200)]
    pauses: list[float] = []
    with json_server(lambda _: replies.pop(0)) as server:
        post(server.address, pauses)
    assert pauses == [waited]


def test_a_service_that_asks_for_more_than_anybody_has_is_not_waited_for() -> None:
    pauses: list[float] = []
    with (
        json_server(lambda _: Reply(429, headers={"Retry-After": "3600"})) as server,
        pytest.raises(SigstoreError, match="status 429") as caught,
    ):
        post(server.address, pauses)
    assert caught.value.hint == "try again in 3600 s"
    assert pauses == []


def test_a_service_that_is_gone_is_asked_four_times() -> None:
    pauses: list[float] = []
    with pytest.raises(SigstoreError, match="cannot be reached") as caught:
        post(unreachable(), pauses)
    assert caught.value.retryable
    assert "refused" in str(caught.value.because)
    assert len(pauses) == 3


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nobody_is_asked_but_who_was_named(status: int) -> None:
    with json_server(lambda _: Reply(200)) as elsewhere:
        headers = {"Location": elsewhere.address}
        with (
            json_server(lambda _: Reply(status, headers=headers)) as server,
            pytest.raises(SigstoreError, match="sends us elsewhere") as caught,
        ):
            post(server.address)
        assert elsewhere.asked == []
    assert elsewhere.address in str(caught.value.because)


def test_an_entry_that_is_there_already_is_read() -> None:
    def log(request: Request) -> Reply:
        if request.method == "GET":
            assert (request.path, request.body) == ("/api/entries/24296f", {})
            return Reply(200, {"24296f": {}})
        return Reply(409, headers={"Location": "/api/entries/24296f"})

    with json_server(log) as server:
        assert post(server.address).json() == {"24296f": {}}


def test_an_entry_that_is_there_already_is_not_read_elsewhere() -> None:
    with json_server(lambda _: Reply(200)) as elsewhere:
        headers = {"Location": f"{elsewhere.address}/api/entries/24296f"}
        with (
            json_server(lambda _: Reply(409, headers=headers)) as server,
            pytest.raises(SigstoreError, match="status 409"),
        ):
            post(server.address)
        assert elsewhere.asked == []


def test_an_endless_answer_ends() -> None:
    with (
        json_server(lambda _: Reply(200, b"x" * (2 * 1024 * 1024))) as server,
        pytest.raises(SigstoreError, match="more than anybody should read"),
    ):
        post(server.address)
    assert len(server.asked) == 1


def test_an_answer_that_is_cut_off_is_asked_for_again() -> None:
    with cut_off(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{") as (address, calls):
        with pytest.raises(SigstoreError, match="cannot be reached") as caught:
            post(address)
        assert len(calls) == 4
    assert caught.value.retryable


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Slow: "]
)
def test_an_answer_that_drips_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr(deadline, "WHOLE", 0.3)
    with cut_off(head, drip=b"x" * 60) as (address, _):
        began = time.monotonic()
        with pytest.raises(SigstoreError, match="cannot be reached") as caught:
            post(address)
        assert time.monotonic() - began < 5
    assert "takes more than" in str(caught.value.because)


def test_what_is_on_this_machine_is_asked_for_through_no_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", unreachable())
    with json_server(lambda _: Reply(200, {"b": 2})) as server:
        assert post(server.address).json() == {"b": 2}
    with pytest.raises(SigstoreError, match=r"the log http://log\.example cannot be reached"):
        post("http://log.example")


def test_silence_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "_SILENCE", 0.1)
    with cut_off(b"", drip=b" " * 20) as (address, _), pytest.raises(SigstoreError) as caught:
        post(address)
    assert "timed out" in str(caught.value.because)


def test_a_token_that_is_repeated_is_not_shown() -> None:
    def mean(request: Request) -> Reply:
        return Reply(401, {"message": f"no: {request.headers['Authorization']}\n{TOKEN[:-2]}"})

    with json_server(mean) as server, pytest.raises(SigstoreError) as caught:
        post(server.address)
    assert caught.value.because == "no: Bearer ******** ********"
    assert "eyJ" not in f"{caught.value.diagnostics()} {caught.value.__cause__}"


def test_a_netrc_does_not_replace_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with json_server(lambda _: Reply(200)) as server:
        post(server.address)
    [asked] = server.asked
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_stranger_s_certificate_is_refused_and_an_authority_can_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    authority = Authority.create(tmp_path)
    tls = authority.issue(tmp_path, "127.0.0.1")
    with json_server(lambda _: Reply(200, {"b": 2}), tls=tls) as server:
        with pytest.raises(SigstoreError, match="cannot be trusted") as caught:
            post(server.address)
        assert not caught.value.retryable
        monkeypatch.setenv(variable, str(authority.certificate_file))
        assert post(server.address).json() == {"b": 2}


@contextmanager
def cut_off(sent: bytes, drip: bytes = b"") -> Iterator[tuple[str, list[int]]]:
    """A server that sends so much and hangs up, or goes on a byte at a time."""
    calls: list[int] = []
    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer(connection: socket.socket) -> None:
            with connection:
                connection.recv(65536)
                connection.sendall(sent)
                for number in range(len(drip)):
                    if stopped.wait(0.05) or not drip[number : number + 1].strip():
                        continue
                    connection.sendall(drip[number : number + 1])
                if not drip:
                    connection.shutdown(socket.SHUT_WR)

        def serve() -> None:
            while not stopped.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                calls.append(1)
                threading.Thread(target=_quietly, args=(answer, connection), daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", calls
        finally:
            stopped.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def _quietly(answer: object, connection: socket.socket) -> None:
    assert callable(answer)
    try:
        answer(connection)
    except OSError:
        """The client has hung up."""
