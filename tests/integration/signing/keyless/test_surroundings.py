"""Identity tokens from what CI runs beside a job: a server, an agent."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import requests

from supplychain.errors import SigstoreError
from supplychain.signing.keyless import tokens
from tests.kit.json_server import Reply, Request, json_server
from tests.kit.openbao import unreachable
from tests.kit.sigstore.mock import MockSigstore
from tests.kit.sigstore.oidc import DEVELOPER
from tests.kit.tokens import SURROUNDINGS, identity_token


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SURROUNDINGS:
        monkeypatch.delenv(name, raising=False)


def test_github_is_asked_for_a_token_for_sigstore(monkeypatch: pytest.MonkeyPatch) -> None:
    token = identity_token()

    def github(request: Request) -> Reply:
        assert request.path == "/token?api-version=2.0&audience=sigstore"
        assert request.headers["Authorization"] == "bearer from-the-runner"
        return Reply(200, {"value": token})

    with json_server(github) as server:
        _runner(monkeypatch, server.address)
        assert str(tokens.ambient()()) == token


def test_what_github_repeats_of_a_token_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    token = identity_token()
    with json_server(lambda _: Reply(403, {"message": f"no: {token}"})) as server:
        _runner(monkeypatch, server.address)
        with pytest.raises(SigstoreError) as caught:
            tokens.ambient()()
    assert "code=403" in str(caught.value.because)
    assert token[:20] not in f"{caught.value.diagnostics()}"


def test_an_agent_is_asked_and_one_that_never_answers_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILDKITE", "true")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    token = identity_token()
    _program(tmp_path / "buildkite-agent", f"echo {token}")
    assert str(tokens.ambient()()) == token
    monkeypatch.setattr(tokens, "_AMBIENT_WAIT", 0.2)
    _program(tmp_path / "buildkite-agent", "exec sleep 3")
    with pytest.raises(SigstoreError, match="the surroundings did not give") as caught:
        tokens.ambient()()
    assert caught.value.retryable


def test_a_person_logs_in_with_a_browser(
    mock_sigstore: MockSigstore, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []

    def browse(url: str) -> bool:
        opened.append(url)
        threading.Thread(target=lambda: requests.get(url, timeout=10), daemon=True).start()
        return True

    monkeypatch.setattr("webbrowser.open", browse)
    token = tokens.browser(mock_sigstore.issuers.people)()
    assert (token.identity, token.issuer) == (DEVELOPER, mock_sigstore.issuers.people)
    assert len(opened) == 1
    said = capfd.readouterr()
    assert said.out == ""
    assert "browser" in said.err


def test_an_issuer_that_is_gone_or_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webbrowser.open", lambda _: True)
    with pytest.raises(SigstoreError, match="did not say who you are") as caught:
        tokens.browser(unreachable())()
    assert "--identity-token FILE" in str(caught.value.hint)
    with (
        json_server(lambda _: Reply(200, b"<html>")) as server,
        pytest.raises(SigstoreError, match="did not say who you are"),
    ):
        tokens.browser(server.address)()


def _runner(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "from-the-runner")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{address}/token?api-version=2.0")


def _program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
