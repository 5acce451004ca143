"""Logging in: challenges, token services, Docker's configuration and credential helpers."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from supplychain.errors import (
    AuthenticationError,
    ConfigurationError,
    RegistryError,
    SupplyChainError,
    ToolError,
    ToolMissingError,
    ToolOutputError,
)
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.repository import RegistryRepository
from supplychain.images.registry.retry import Clock
from supplychain.model.artifact import OCI_MANIFEST
from supplychain.model.digest import Digest
from tests.kit.misbehaving import (
    EMPTY_MANIFEST,
    Asked,
    Exchange,
    ScriptedServer,
    manifest,
    needs,
    redirect,
    refusal,
    reply,
    scripted_server,
)

_TAG = "/v2/app/manifests/1"
_DIGEST = Digest.of(EMPTY_MANIFEST)
_SECRET = "pass:word with ü"
_BASIC = "Basic " + base64.b64encode(f"me:{_SECRET}".encode()).decode()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def tokens() -> Iterator[ScriptedServer]:
    """The token service: another host than the registry, as most are."""
    with scripted_server() as running:
        yield running


@pytest.fixture
def options(tmp_path: Path) -> RegistryOptions:
    return RegistryOptions(docker_config=tmp_path, read_timeout=2.0, retries=1)


def _repository(
    server: ScriptedServer, options: RegistryOptions, clock: Clock | None = None
) -> RegistryRepository:
    clock = clock or Clock(sleep=lambda _: None)
    return RegistryRepository(server.repository, options, clock=clock)


def _bearer(tokens: ScriptedServer) -> str:
    return f'Bearer realm="{tokens.url}/token",service="the service",scope="ignored"'


def _token(value: str, **more: object) -> bytes:
    return json.dumps({"token": value, **more}).encode()


def _query(asked: Asked) -> dict[str, list[str]]:
    return parse_qs(urlsplit(asked.path).query)


def _helper(folder: Path, name: str, script: str) -> None:
    path = folder / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


# Basic.


def test_a_login_is_given_when_it_is_asked_for_and_from_then_on_at_once(
    server: ScriptedServer, options: RegistryOptions
) -> None:
    server.on("GET", _TAG, needs(_BASIC, manifest(), 'Basic realm="r"'))
    repository = _repository(server, replace(options, username="me", password=_SECRET))
    for _ in range(3):
        assert repository.resolve("1").digest == _DIGEST
    assert [one.authorization for one in server.requests] == [None, _BASIC, _BASIC, _BASIC]


def test_a_wrong_password_is_offered_once_and_never_shown(
    server: ScriptedServer, options: RegistryOptions
) -> None:
    def echo(exchange: Exchange) -> None:
        sent = exchange.headers.get("Authorization", "")
        message = f"{sent} {_SECRET} is wrong\x1b[31m"
        refusal(401, "UNAUTHORIZED", message, **{"WWW-Authenticate": "Basic"})(exchange)

    server.on("GET", _TAG, echo)
    repository = _repository(server, replace(options, username="me", password=_SECRET))
    with pytest.raises(AuthenticationError, match="does not let this login") as caught:
        repository.resolve("1")
    assert len(server.requests) == 2
    shown = str(caught.value.diagnostics())
    assert _SECRET not in shown
    assert _BASIC.partition(" ")[2] not in shown
    assert "\x1b" not in shown
    assert "***" in shown
    assert caught.value.__cause__ is None


def test_netrc_is_not_read(
    server: ScriptedServer,
    options: RegistryOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server.on("GET", _TAG, manifest())
    _repository(server, options).resolve("1")
    assert [one.authorization for one in server.requests] == [None]


# Tokens.


def test_a_token_is_fetched_once_for_each_scope(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions
) -> None:
    tokens.on("GET", "/token", reply(200, _token("pull")), reply(200, _token("push")))
    server.on("GET", _TAG, needs("Bearer pull", manifest(), _bearer(tokens)))
    server.on("PUT", "/v2/app/manifests/2", needs("Bearer push", reply(201), _bearer(tokens)))
    repository = _repository(server, replace(options, username="me", password=_SECRET))
    for _ in range(2):
        repository.resolve("1")
        repository.put_manifest(EMPTY_MANIFEST, OCI_MANIFEST, tag="2")
    asked = [_query(one) for one in tokens.requests]
    assert [one["scope"] for one in asked] == [
        ["repository:app:pull"],
        ["repository:app:pull,push"],
    ]
    assert asked[0]["service"] == ["the service"]
    assert asked[0]["account"] == ["me"]
    assert [one.authorization for one in tokens.requests] == [_BASIC, _BASIC]
    # The password goes to the token service and nowhere else.
    assert _BASIC not in {one.authorization for one in server.requests}


def test_a_token_to_push_is_used_for_pulling_too(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions
) -> None:
    tokens.on("GET", "/token", reply(200, _token("push")))
    server.on("PUT", "/v2/app/manifests/2", needs("Bearer push", reply(201), _bearer(tokens)))
    server.on("GET", _TAG, needs("Bearer push", manifest(), _bearer(tokens)))
    repository = _repository(server, options)
    repository.put_manifest(EMPTY_MANIFEST, OCI_MANIFEST, tag="2")
    repository.resolve("1")
    assert len(tokens.requests) == 1


def test_an_anonymous_token_is_fetched_where_there_is_no_login(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions
) -> None:
    tokens.on("GET", "/token", reply(200, json.dumps({"access_token": "anyone"}).encode()))
    server.on("GET", _TAG, needs("Bearer anyone", manifest(), _bearer(tokens)))
    assert _repository(server, options).resolve("1").digest == _DIGEST
    (asked,) = tokens.requests
    assert asked.authorization is None
    assert "account" not in _query(asked)


def test_a_token_that_expires_midway_is_fetched_again(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions
) -> None:
    tokens.on("GET", "/token", reply(200, _token("first")), reply(200, _token("second")))
    server.on(
        "GET",
        _TAG,
        needs("Bearer first", manifest(), _bearer(tokens)),
        needs("Bearer first", manifest(), _bearer(tokens)),
        needs("Bearer second", manifest(), _bearer(tokens)),
    )
    repository = _repository(server, options)
    repository.resolve("1")
    repository.resolve("1")
    assert [one.authorization for one in server.requests] == [
        None,
        "Bearer first",
        "Bearer first",
        "Bearer second",
    ]


def test_a_token_is_renewed_before_it_expires(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions
) -> None:
    now = [1000.0]
    clock = Clock(sleep=lambda _: None, monotonic=lambda: now[0])
    tokens.on(
        "GET",
        "/token",
        reply(200, _token("first", expires_in=300)),
        reply(200, _token("second", expires_in=300)),
    )
    server.on("GET", _TAG, needs("Bearer first", manifest(), _bearer(tokens)), manifest())
    repository = _repository(server, options, clock)
    for later in (0.0, 289.0, 2.0):
        now[0] += later
        repository.resolve("1")
    assert [one.authorization for one in server.requests] == [
        None,
        "Bearer first",
        "Bearer first",
        "Bearer second",
    ]


def test_a_token_that_is_never_good_enough_is_a_refusal(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions
) -> None:
    tokens.on("GET", "/token", reply(200, _token("weak")))
    server.on("GET", _TAG, needs("never", manifest(), _bearer(tokens)))
    repository = _repository(server, options)
    with pytest.raises(AuthenticationError, match="wants a login"):
        repository.resolve("1")
    assert len(server.requests) == 2


def test_a_bare_403_is_asked_about_at_the_door(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions
) -> None:
    tokens.on("GET", "/token", reply(200, _token("t")))
    server.on("GET", "/v2/", refusal(401, "UNAUTHORIZED", **{"WWW-Authenticate": _bearer(tokens)}))
    server.on("GET", _TAG, refusal(403, "DENIED"), manifest())
    assert _repository(server, options).resolve("1").digest == _DIGEST
    assert server.requests[-1].authorization == "Bearer t"


def test_an_identity_token_is_traded_in_a_form(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions, tmp_path: Path
) -> None:
    auths = {server.address: {"auth": "", "identitytoken": "refresh me"}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    tokens.on("POST", "/token", reply(200, json.dumps({"access_token": "traded"}).encode()))
    server.on("GET", _TAG, needs("Bearer traded", manifest(), _bearer(tokens)))
    assert _repository(server, options).resolve("1").digest == _DIGEST
    (asked,) = tokens.requests
    form = parse_qs(asked.body.decode())
    assert form["grant_type"] == ["refresh_token"]
    assert form["refresh_token"] == ["refresh me"]
    assert form["scope"] == ["repository:app:pull"]
    assert "refresh" not in asked.path


def test_an_identity_token_follows_no_redirect(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions, tmp_path: Path
) -> None:
    auths = {server.address: {"identitytoken": "refresh me"}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    tokens.on("POST", "/token", redirect("/elsewhere"))
    server.on("GET", _TAG, needs("never", manifest(), _bearer(tokens)))
    with pytest.raises(RegistryError) as caught:
        _repository(server, options).resolve("1")
    assert [one.path for one in tokens.requests] == ["/token"]
    assert "refresh me" not in str(caught.value.diagnostics())


def test_a_registry_token_is_sent_as_it_is(
    server: ScriptedServer, options: RegistryOptions
) -> None:
    server.on("GET", _TAG, needs("Bearer given", manifest(), "Basic"))
    _repository(server, replace(options, token="given")).resolve("1")
    assert len(server.requests) == 1


def test_a_token_that_cannot_be_a_header_is_refused_unseen(
    server: ScriptedServer, options: RegistryOptions
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _repository(server, replace(options, token="secret\r\nX: y")).resolve("1")
    assert "secret" not in str(caught.value.diagnostics())
    assert server.requests == []


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"not json", RegistryError),
        (b"[]", RegistryError),
        (b"{}", RegistryError),
        (_token("two words"), RegistryError),
        (_token("t", expires_in="never"), RegistryError),
        (b'{"token":5}', RegistryError),
    ],
)
def test_a_token_service_that_gives_no_token(
    server: ScriptedServer,
    tokens: ScriptedServer,
    options: RegistryOptions,
    body: bytes,
    error: type[SupplyChainError],
) -> None:
    tokens.on("GET", "/token", reply(200, body))
    server.on("GET", _TAG, needs("never", manifest(), _bearer(tokens)))
    with pytest.raises(error, match="gave no token"):
        _repository(server, options).resolve("1")


def test_a_token_service_that_refuses_the_login(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions
) -> None:
    tokens.on("GET", "/token", refusal(401, "UNAUTHORIZED", _SECRET))
    server.on("GET", _TAG, needs("never", manifest(), _bearer(tokens)))
    repository = _repository(server, replace(options, username="me", password=_SECRET))
    with pytest.raises(AuthenticationError) as caught:
        repository.resolve("1")
    assert _SECRET not in str(caught.value.diagnostics())
    assert f"docker login {server.address}" in (caught.value.hint or "")


def test_a_token_service_that_fails_is_asked_again(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions
) -> None:
    tokens.on("GET", "/token", reply(503), reply(200, _token("t")))
    server.on("GET", _TAG, needs("Bearer t", manifest(), _bearer(tokens)))
    assert _repository(server, options).resolve("1").digest == _DIGEST


@pytest.mark.parametrize("realm", ["http://tokens.example/", "file:///x", "https://u:p@t.example/"])
def test_a_token_service_where_the_password_must_not_go(
    server: ScriptedServer, options: RegistryOptions, realm: str
) -> None:
    server.on("GET", _TAG, needs("never", manifest(), f'Bearer realm="{realm}"'))
    with pytest.raises(RegistryError):
        _repository(server, replace(options, username="me", password=_SECRET)).resolve("1")


# Docker's configuration and its helpers.


def test_the_login_of_docker_is_used(
    server: ScriptedServer, options: RegistryOptions, tmp_path: Path
) -> None:
    auths = {server.address: {"auth": _BASIC.partition(" ")[2]}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    server.on("GET", _TAG, needs(_BASIC, manifest(), "Basic"))
    assert _repository(server, options).resolve("1").digest == _DIGEST


@pytest.mark.parametrize("setting", ["credHelpers", "credsStore"])
def test_a_credential_helper_is_asked_for_the_registry(
    server: ScriptedServer,
    options: RegistryOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
) -> None:
    answer = json.dumps({"ServerURL": "x", "Username": "me", "Secret": _SECRET})
    (tmp_path / "answer").write_text(answer)
    script = f'[ "$1" = get ] && cat > {tmp_path}/asked && cat {tmp_path}/answer'
    _use_helper(tmp_path, monkeypatch, server, setting, script)
    server.on("GET", _TAG, needs(_BASIC, manifest(), "Basic"))
    repository = _repository(server, options)
    for _ in range(2):
        assert repository.resolve("1").digest == _DIGEST
    assert (tmp_path / "asked").read_text() == server.address


def test_a_helper_is_not_run_where_nobody_asks_for_a_login(
    server: ScriptedServer,
    options: RegistryOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _use_helper(tmp_path, monkeypatch, server, "credsStore", f"touch {tmp_path}/ran")
    server.on("GET", _TAG, manifest())
    _repository(server, options).resolve("1")
    assert not (tmp_path / "ran").exists()


def test_a_helper_may_give_an_identity_token(
    server: ScriptedServer,
    tokens: ScriptedServer,
    options: RegistryOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = """echo '{"Username":"<token>","Secret":"refresh me"}'"""
    _use_helper(tmp_path, monkeypatch, server, "credsStore", script)
    tokens.on("POST", "/token", reply(200, _token("traded")))
    server.on("GET", _TAG, needs("Bearer traded", manifest(), _bearer(tokens)))
    assert _repository(server, options).resolve("1").digest == _DIGEST


def test_a_helper_that_knows_no_login_leaves_us_anonymous(
    server: ScriptedServer,
    tokens: ScriptedServer,
    options: RegistryOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = "echo 'credentials not found in native keychain'; exit 1"
    _use_helper(tmp_path, monkeypatch, server, "credsStore", script)
    tokens.on("GET", "/token", reply(200, _token("anyone")))
    server.on("GET", _TAG, needs("Bearer anyone", manifest(), _bearer(tokens)))
    assert _repository(server, options).resolve("1").digest == _DIGEST


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("echo 'secret: the keychain is locked'; exit 3", ToolError),
        ("echo 'secret garbage'", ToolOutputError),
        ("echo '[\"secret\"]'", ToolOutputError),
        ("""echo '{"Username":"me","Secret":7}'""", ToolOutputError),
        (None, ToolMissingError),
    ],
    ids=["failing", "garbage", "a list", "no text", "missing"],
)
def test_a_broken_helper_is_named_and_its_output_is_not(
    server: ScriptedServer,
    options: RegistryOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str | None,
    error: type[SupplyChainError],
) -> None:
    _use_helper(tmp_path, monkeypatch, server, "credsStore", script)
    server.on("GET", _TAG, needs("never", manifest(), "Basic"))
    with pytest.raises(ToolError, match="docker-credential-testing") as caught:
        _repository(server, options).resolve("1")
    assert type(caught.value) is error
    assert caught.value.hint
    assert "secret" not in str(caught.value.diagnostics())


def _use_helper(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: ScriptedServer,
    setting: str,
    script: str | None,
) -> None:
    """Configure the helper `testing` for a server; None leaves it uninstalled."""
    value = {server.address: "testing"} if setting == "credHelpers" else "testing"
    (folder / "config.json").write_text(json.dumps({setting: value}))
    if script is not None:
        _helper(folder, "testing", script)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
