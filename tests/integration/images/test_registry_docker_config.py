"""Logins from Docker's configuration and from its credential helpers."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from supplychain.errors import (
    SupplyChainError,
    ToolError,
    ToolMissingError,
    ToolOutputError,
)
from supplychain.images.registry.options import RegistryOptions
from supplychain.model.digest import Digest
from tests.kit.misbehaving import (
    EMPTY_MANIFEST,
    ScriptedServer,
    manifest,
    needs,
    reply,
)
from tests.kit.registry_client import bearer_challenge, new_repository, token_document

_TAG = "/v2/app/manifests/1"
_DIGEST = Digest.of(EMPTY_MANIFEST)
_SECRET = "pass:word with ü"
_BASIC = "Basic " + base64.b64encode(f"me:{_SECRET}".encode()).decode()


def _helper(folder: Path, name: str, script: str) -> None:
    path = folder / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_the_login_of_docker_is_used(
    server: ScriptedServer, options: RegistryOptions, tmp_path: Path
) -> None:
    auths = {server.address: {"auth": _BASIC.partition(" ")[2]}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    server.on("GET", _TAG, needs(_BASIC, manifest(), "Basic"))
    assert new_repository(server.repository, options, []).resolve("1").digest == _DIGEST


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
    repository = new_repository(server.repository, options, [])
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
    new_repository(server.repository, options, []).resolve("1")
    assert not (tmp_path / "ran").exists()


def test_a_helper_may_give_an_identitytoken_document(
    server: ScriptedServer,
    tokens: ScriptedServer,
    options: RegistryOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = """echo '{"Username":"<token>","Secret":"refresh me"}'"""
    _use_helper(tmp_path, monkeypatch, server, "credsStore", script)
    tokens.on("POST", "/token", reply(200, token_document("traded")))
    server.on("GET", _TAG, needs("Bearer traded", manifest(), bearer_challenge(tokens)))
    assert new_repository(server.repository, options, []).resolve("1").digest == _DIGEST


def test_a_helper_that_knows_no_login_leaves_us_anonymous(
    server: ScriptedServer,
    tokens: ScriptedServer,
    options: RegistryOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = "echo 'credentials not found in native keychain'; exit 1"
    _use_helper(tmp_path, monkeypatch, server, "credsStore", script)
    tokens.on("GET", "/token", reply(200, token_document("anyone")))
    server.on("GET", _TAG, needs("Bearer anyone", manifest(), bearer_challenge(tokens)))
    assert new_repository(server.repository, options, []).resolve("1").digest == _DIGEST


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
        new_repository(server.repository, options, []).resolve("1")
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
