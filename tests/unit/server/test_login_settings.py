"""What an operator sets so that people log in: whole and safe, or the server does not start."""

from __future__ import annotations

from pathlib import Path

import pytest

from supplychain.access.fetching import Fetching
from supplychain.errors import ConfigurationError
from supplychain.server.login import Login, login_from
from supplychain.settings import Settings
from tests.kit.visitors import LOGIN

LOCAL = "http://localhost:8080/v1/login/callback"


def login(tmp_path: Path, **given: str | None) -> Login | None:
    return login_from(Settings(given, {}, tmp_path, tmp_path / "none.toml"), Fetching())


def test_nobody_logs_in_where_nothing_is_set(tmp_path: Path) -> None:
    assert login(tmp_path) is None
    assert login(tmp_path, unsafe_login_without_tls="yes") is None


def test_what_is_set_is_used(tmp_path: Path) -> None:
    found = login(tmp_path, **LOGIN)
    assert found
    assert found.is_secure
    assert found.origin == "https://supplychain.example"
    assert found.cookie("session") == "__Host-supplychain-session"
    assert found.secret() is None


def test_the_secret_is_read_anew_whenever_it_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    environ = {"SUPPLYCHAIN_LOGIN_CLIENT_SECRET_FILE": str(file)}
    found = login_from(Settings(LOGIN, environ, tmp_path, tmp_path / "none.toml"), Fetching())
    assert found
    for text in ("one", "other"):
        file.write_text(f"{text}\n")
        assert found.secret() == text


def test_without_tls_is_for_this_machine_and_has_to_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="without TLS"):
        login(tmp_path, **{**LOGIN, "login_redirect": LOCAL})
    asked = {**LOGIN, "login_redirect": LOCAL, "unsafe_login_without_tls": "yes"}
    found = login(tmp_path, **asked)
    assert found
    assert (found.is_secure, found.cookie("session")) == (False, "supplychain-session")
    elsewhere = "http://supplychain.example/v1/login/callback"
    with pytest.raises(ConfigurationError, match="URL with TLS"):
        login(tmp_path, **{**asked, "login_redirect": elsewhere})


@pytest.mark.parametrize(
    "wrong",
    [
        {"login_issuer": None},
        {"login_client_id": None},
        {"login_redirect": None},
        {"login_issuer": "http://login.example"},
        {"login_redirect": "https://supplychain.example/"},
        {"login_redirect": "https://supplychain.example/v1/login/callback?x=y"},
        {"login_redirect": "https://supplychain.example:443/v1/login/callback"},
        {"login_redirect": "https://Supplychain.example/v1/login/callback"},
        {"login_redirect": "https://ada:pw@supplychain.example/v1/login/callback"},
        {"login_idle": "soon"},
        {"login_lasts": "0h"},
        {"unsafe_login_without_tls": "perhaps"},
    ],
)
def test_a_server_does_not_start_with_what_is_not_safe(
    tmp_path: Path, wrong: dict[str, str | None]
) -> None:
    with pytest.raises(ConfigurationError):
        login(tmp_path, **{**LOGIN, **wrong})
