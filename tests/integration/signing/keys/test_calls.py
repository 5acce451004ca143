"""Exchanges with services that keep keys, when these are slow, busy, hostile or gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from supplychain.errors import ConfigurationError, KeyServiceError
from supplychain.signing.keys.calls import Service
from tests.kit.json_server import Reply, Request, json_server
from tests.kit.openbao import unreachable
from tests.kit.tls import Authority

TOKEN = "s.hunter2"


def service(address: str, pauses: list[float] | None = None, cacert: str | None = None) -> Service:
    slept = [] if pauses is None else pauses
    return Service("it", address, TOKEN, ("X-Token", "Key "), slept.append, cacert=cacert)


@pytest.mark.parametrize("status", [412, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(status: int) -> None:
    replies = [Reply(status), Reply(status), Reply(200, {"a": 1})]
    pauses: list[float] = []
    with json_server(lambda _: replies.pop(0)) as server:
        assert service(server.address, pauses).call("GET", "/x").value == {"a": 1}
    assert pauses == [0.25, 1.0]


def test_what_does_not_pass_is_told() -> None:
    pauses: list[float] = []
    with json_server(lambda _: Reply(503, {"errors": ["sealed"]})) as server:
        it = service(server.address, pauses)
        answer = it.call("GET", "/x")
    assert len(server.asked) == 3
    assert it.failure(answer, "sealed").retryable


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
def test_a_refusal_is_not_repeated(status: int) -> None:
    with json_server(lambda _: Reply(status, b"<html>no</html>")) as server:
        answer = service(server.address).call("GET", "/x")
    assert (answer.status, answer.value) == (status, {})
    assert len(server.asked) == 1


def test_a_server_may_ask_for_patience_within_bounds() -> None:
    replies = [
        Reply(429, headers={"Retry-After": "3"}),
        Reply(429, headers={"Retry-After": "86400"}),
        Reply(200),
    ]
    pauses: list[float] = []
    with json_server(lambda _: replies.pop(0)) as server:
        service(server.address, pauses).call("GET", "/x")
    assert pauses == [3.0, 10.0]


def test_a_server_that_is_gone_is_asked_three_times() -> None:
    pauses: list[float] = []
    with pytest.raises(KeyServiceError, match="cannot be reached") as caught:
        service(unreachable(), pauses).call("GET", "/x")
    assert caught.value.retryable
    assert "refused" in str(caught.value.because)
    assert len(pauses) == 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_token_is_not_taken_elsewhere(status: int) -> None:
    with json_server(lambda _: Reply(200)) as elsewhere:
        headers = {"Location": elsewhere.address}
        with (
            json_server(lambda _: Reply(status, headers=headers)) as server,
            pytest.raises(KeyServiceError, match="sends us elsewhere") as caught,
        ):
            service(server.address).call("POST", "/x", {})
        assert elsewhere.asked == []
    assert elsewhere.address in str(caught.value.because)


def test_an_endless_answer_ends() -> None:
    with (
        json_server(lambda _: Reply(200, b'"' + b"x" * (2 * 1024 * 1024) + b'"')) as server,
        pytest.raises(KeyServiceError, match="cannot be read"),
    ):
        service(server.address).call("GET", "/x")


def test_a_token_that_is_repeated_is_not_shown() -> None:
    def mean(request: Request) -> Reply:
        return Reply(403, {"errors": [f"no: {request.headers['X-Token']}"]})

    with json_server(mean) as server:
        it = service(server.address)
        answer = it.call("GET", "/x")
    error = it.failure(answer, str(answer.value))
    assert "no: Key ********" in str(error.because)
    assert TOKEN not in f"{error.diagnostics()} {it!r}"


@pytest.mark.parametrize("token", ["two words", "line\n", "naïve", "null\0"])
def test_a_token_that_no_header_can_carry_is_not_shown(token: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be one") as caught:
        Service("it", "http://127.0.0.1:1", token, ("X-Token", ""), lambda _: None)
    assert token not in f"{caught.value.diagnostics()} {caught.value!r}"


@pytest.mark.parametrize("address", ["vault", "vault.example:8200", "ftp://vault", "http://"])
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(ConfigurationError, match="is not an address"):
        service(address).call("GET", "/x")


def test_a_netrc_is_none_of_our_business(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with json_server(lambda _: Reply(200)) as server:
        service(server.address).call("GET", "/x")
    (asked,) = server.asked
    assert "Authorization" not in asked.headers
    assert asked.headers["X-Token"] == f"Key {TOKEN}"


def test_a_certificate_of_nobody_known_is_refused(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path)
    with json_server(lambda _: Reply(200), authority.issue(tmp_path, "127.0.0.1")) as server:
        with pytest.raises(KeyServiceError, match="cannot be trusted") as caught:
            service(server.address).call("GET", "/x")
        known = service(server.address, cacert=str(authority.certificate_file))
        assert known.call("GET", "/x").status == 200
    assert not caught.value.retryable
    assert server.asked[0].headers["X-Token"]  # the one with the authority; nothing before it
    assert len(server.asked) == 1


def test_certificates_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="certificates for it cannot be used"):
        service("https://127.0.0.1:1", cacert=str(tmp_path / "none.pem")).call("GET", "/x")
