"""Bearer tokens: how they are fetched, kept, renewed, and refused."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from supplychain.errors import (
    AuthenticationError,
    RegistryError,
    SupplyChainError,
)
from supplychain.images.reference import Reference
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.repository import RegistryRepository
from supplychain.images.registry.retry import Clock
from supplychain.model.artifact import OCI_MANIFEST
from supplychain.model.digest import Digest
from tests.kit.misbehaving import (
    EMPTY_MANIFEST,
    Asked,
    ScriptedServer,
    manifest,
    needs,
    redirect,
    refusal,
    reply,
)
from tests.kit.registry_client import bearer_challenge, new_repository, token_document

_TAG = "/v2/app/manifests/1"
_DIGEST = Digest.of(EMPTY_MANIFEST)
_SECRET = "pass:word with ü"
_BASIC = "Basic " + base64.b64encode(f"me:{_SECRET}".encode()).decode()


def _query(asked: Asked) -> dict[str, list[str]]:
    return parse_qs(urlsplit(asked.path).query)


def test_a_token_is_fetched_once_for_each_scope(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions
) -> None:
    tokens.on(
        "GET", "/token", reply(200, token_document("pull")), reply(200, token_document("push"))
    )
    server.on("GET", _TAG, needs("Bearer pull", manifest(), bearer_challenge(tokens)))
    server.on(
        "PUT", "/v2/app/manifests/2", needs("Bearer push", reply(201), bearer_challenge(tokens))
    )
    repository = new_repository(
        server.repository, replace(options, username="me", password=_SECRET), []
    )
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


def test_a_token_to_take_a_blob_over_is_for_both_repositories(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions
) -> None:
    tokens.on("GET", "/token", reply(200, token_document("both")))
    uploads = "/v2/app/blobs/uploads/"
    server.on("POST", uploads, needs("Bearer both", reply(201), bearer_challenge(tokens)))
    repository = new_repository(server.repository, options, [])
    other = RegistryRepository(Reference(server.address, "other"), host=repository.host)
    assert repository.mount_blob(_DIGEST, other)
    (asked,) = tokens.requests
    assert _query(asked)["scope"] == ["repository:app:pull,push", "repository:other:pull"]


def test_a_token_to_push_is_used_for_pulling_too(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions
) -> None:
    tokens.on("GET", "/token", reply(200, token_document("push")))
    server.on(
        "PUT", "/v2/app/manifests/2", needs("Bearer push", reply(201), bearer_challenge(tokens))
    )
    server.on("GET", _TAG, needs("Bearer push", manifest(), bearer_challenge(tokens)))
    repository = new_repository(server.repository, options, [])
    repository.put_manifest(EMPTY_MANIFEST, OCI_MANIFEST, tag="2")
    repository.resolve("1")
    assert len(tokens.requests) == 1


def test_an_anonymous_token_is_fetched_where_there_is_no_login(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions
) -> None:
    tokens.on("GET", "/token", reply(200, json.dumps({"access_token": "anyone"}).encode()))
    server.on("GET", _TAG, needs("Bearer anyone", manifest(), bearer_challenge(tokens)))
    assert new_repository(server.repository, options, []).resolve("1").digest == _DIGEST
    (asked,) = tokens.requests
    assert asked.authorization is None
    assert "account" not in _query(asked)


def test_a_token_that_expires_midway_is_fetched_again(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions
) -> None:
    tokens.on(
        "GET", "/token", reply(200, token_document("first")), reply(200, token_document("second"))
    )
    server.on(
        "GET",
        _TAG,
        needs("Bearer first", manifest(), bearer_challenge(tokens)),
        needs("Bearer first", manifest(), bearer_challenge(tokens)),
        needs("Bearer second", manifest(), bearer_challenge(tokens)),
    )
    repository = new_repository(server.repository, options, [])
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
        reply(200, token_document("first", expires_in=300)),
        reply(200, token_document("second", expires_in=300)),
    )
    server.on("GET", _TAG, needs("Bearer first", manifest(), bearer_challenge(tokens)), manifest())
    repository = RegistryRepository(server.repository, options, clock=clock)
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
    tokens.on("GET", "/token", reply(200, token_document("weak")))
    server.on("GET", _TAG, needs("never", manifest(), bearer_challenge(tokens)))
    repository = new_repository(server.repository, options, [])
    with pytest.raises(AuthenticationError, match="wants a login"):
        repository.resolve("1")
    assert len(server.requests) == 2


def test_a_bare_403_is_asked_about_at_the_door(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions
) -> None:
    tokens.on("GET", "/token", reply(200, token_document("t")))
    server.on(
        "GET",
        "/v2/",
        refusal(401, "UNAUTHORIZED", **{"WWW-Authenticate": bearer_challenge(tokens)}),
    )
    server.on("GET", _TAG, refusal(403, "DENIED"), manifest())
    assert new_repository(server.repository, options, []).resolve("1").digest == _DIGEST
    assert server.requests[-1].authorization == "Bearer t"


def test_an_identity_token_is_traded_in_a_form(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions, tmp_path: Path
) -> None:
    auths = {server.address: {"auth": "", "identitytoken": "refresh me"}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    tokens.on("POST", "/token", reply(200, json.dumps({"access_token": "traded"}).encode()))
    server.on("GET", _TAG, needs("Bearer traded", manifest(), bearer_challenge(tokens)))
    assert new_repository(server.repository, options, []).resolve("1").digest == _DIGEST
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
    server.on("GET", _TAG, needs("never", manifest(), bearer_challenge(tokens)))
    with pytest.raises(RegistryError) as caught:
        new_repository(server.repository, options, []).resolve("1")
    assert [one.path for one in tokens.requests] == ["/token"]
    assert "refresh me" not in str(caught.value.diagnostics())


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"not json", RegistryError),
        (b"[]", RegistryError),
        (b"{}", RegistryError),
        (token_document("two words"), RegistryError),
        (token_document("t", expires_in="never"), RegistryError),
        (b'{"token":5}', RegistryError),
    ],
)
def test_a_token_service_that_gives_notoken_document(
    server: ScriptedServer,
    tokens: ScriptedServer,
    options: RegistryOptions,
    body: bytes,
    error: type[SupplyChainError],
) -> None:
    tokens.on("GET", "/token", reply(200, body))
    server.on("GET", _TAG, needs("never", manifest(), bearer_challenge(tokens)))
    with pytest.raises(error, match="gave no token"):
        new_repository(server.repository, options, []).resolve("1")


def test_a_token_service_that_refuses_the_login(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions
) -> None:
    tokens.on("GET", "/token", refusal(401, "UNAUTHORIZED", _SECRET))
    server.on("GET", _TAG, needs("never", manifest(), bearer_challenge(tokens)))
    repository = new_repository(
        server.repository, replace(options, username="me", password=_SECRET), []
    )
    with pytest.raises(AuthenticationError) as caught:
        repository.resolve("1")
    assert _SECRET not in str(caught.value.diagnostics())
    assert f"docker login {server.address}" in (caught.value.hint or "")


def test_a_token_service_that_fails_is_asked_again(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions
) -> None:
    tokens.on("GET", "/token", reply(503), reply(200, token_document("t")))
    server.on("GET", _TAG, needs("Bearer t", manifest(), bearer_challenge(tokens)))
    assert new_repository(server.repository, options, []).resolve("1").digest == _DIGEST


@pytest.mark.parametrize("realm", ["http://tokens.example/", "file:///x", "https://u:p@t.example/"])
def test_a_token_service_where_the_password_must_not_go(
    server: ScriptedServer, options: RegistryOptions, realm: str
) -> None:
    server.on("GET", _TAG, needs("never", manifest(), f'Bearer realm="{realm}"'))
    with pytest.raises(RegistryError):
        new_repository(
            server.repository, replace(options, username="me", password=_SECRET), []
        ).resolve("1")
