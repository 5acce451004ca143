"""Logging in with a name and a password, or with a token that the user gave."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from supplychain.errors import (
    AuthenticationError,
    ConfigurationError,
)
from supplychain.images.registry.options import RegistryOptions
from supplychain.model.digest import Digest
from tests.kit.misbehaving import (
    EMPTY_MANIFEST,
    Exchange,
    ScriptedServer,
    manifest,
    needs,
    refusal,
)
from tests.kit.registry_client import new_repository

_TAG = "/v2/app/manifests/1"
_DIGEST = Digest.of(EMPTY_MANIFEST)
_SECRET = "pass:word with ü"
_BASIC = "Basic " + base64.b64encode(f"me:{_SECRET}".encode()).decode()


def test_a_login_is_given_when_it_is_asked_for_and_from_then_on_at_once(
    server: ScriptedServer, options: RegistryOptions
) -> None:
    server.on("GET", _TAG, needs(_BASIC, manifest(), 'Basic realm="r"'))
    repository = new_repository(
        server.repository, replace(options, username="me", password=_SECRET), []
    )
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
    repository = new_repository(
        server.repository, replace(options, username="me", password=_SECRET), []
    )
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
    new_repository(server.repository, options, []).resolve("1")
    assert [one.authorization for one in server.requests] == [None]


def test_a_registry_token_is_sent_as_it_is(
    server: ScriptedServer, options: RegistryOptions
) -> None:
    server.on("GET", _TAG, needs("Bearer given", manifest(), "Basic"))
    new_repository(server.repository, replace(options, token="given"), []).resolve("1")
    assert len(server.requests) == 1


def test_a_token_that_cannot_be_a_header_is_refused_unseen(
    server: ScriptedServer, options: RegistryOptions
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        new_repository(server.repository, replace(options, token="secret\r\nX: y"), []).resolve("1")
    assert "secret" not in str(caught.value.diagnostics())
    assert server.requests == []
