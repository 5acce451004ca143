from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from supplychain.errors import ConfigurationError
from supplychain.images.registry.docker_config import Login, login_for


def _auth(pair: str) -> str:
    return base64.b64encode(pair.encode()).decode()


def _write(folder: Path, document: object) -> Path:
    (folder / "config.json").write_text(json.dumps(document))
    return folder


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        ("r.example", "r.example"),
        ("r.example:5000", "r.example:5000"),
        ("https://r.example", "r.example"),
        ("https://r.example/v2/", "r.example"),
        ("http://localhost:5000/v1/", "localhost:5000"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "docker.io"),
    ],
)
def test_a_login_is_found_by_any_spelling_of_its_key(
    tmp_path: Path, key: str, registry: str
) -> None:
    folder = _write(tmp_path, {"auths": {"other": {}, key: {"auth": _auth("me:pass:word")}}})
    assert login_for(registry, folder) == Login("me", "pass:word")


def test_a_login_is_for_its_own_registry_only(tmp_path: Path) -> None:
    folder = _write(tmp_path, {"auths": {"r.example": {"auth": _auth("me:pw")}}})
    for other in ("r.example:5000", "r.example.evil.example", "example", "docker.io"):
        assert login_for(other, folder) is None


def test_the_exact_key_comes_before_an_old_url(tmp_path: Path) -> None:
    auths = {
        "https://r.example/v1/": {"auth": _auth("old:pw")},
        "r.example": {"auth": _auth("new:pw")},
    }
    assert login_for("r.example", _write(tmp_path, {"auths": auths})) == Login("new", "pw")


@pytest.mark.parametrize(
    ("entry", "login"),
    [
        ({"username": "me", "password": "pw"}, Login("me", "pw")),
        ({"identitytoken": "it"}, Login(identity_token="it")),
        (
            {"auth": _auth("me:"), "identitytoken": "it"},
            Login("me", identity_token="it"),
        ),
        ({"registrytoken": "rt"}, Login(registry_token="rt")),
        ({"auth": ""}, None),
        ({}, None),
    ],
)
def test_every_form_of_an_entry(tmp_path: Path, entry: dict[str, str], login: Login | None) -> None:
    assert login_for("r.example", _write(tmp_path, {"auths": {"r.example": entry}})) == login


def test_docker_config_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert login_for("r.example", None) is None
    _write(tmp_path, {"auths": {"r.example": {"auth": _auth("me:pw")}}})
    assert login_for("r.example", None) == Login("me", "pw")


def test_the_home_folder_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".docker").mkdir()
    _write(tmp_path / ".docker", {"auths": {"r.example": {"auth": _auth("me:pw")}}})
    assert login_for("r.example", None) == Login("me", "pw")


def test_no_configuration_is_no_login(tmp_path: Path) -> None:
    assert login_for("r.example", tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        '{"auths": []}',
        '{"auths": {"r.example": {"auth": "%%%"}}}',
        '{"auths": {"r.example": {"auth": "bm9jb2xvbg=="}}}',
        '{"auths": {"r.example": {"username": 5}}}',
        '{"credHelpers": {"r.example": "../../evil"}}',
        '{"credsStore": "a/b"}',
        '{"credsStore": 7}',
    ],
)
def test_a_broken_configuration_is_refused_by_its_path(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ConfigurationError, match=r"config\.json") as caught:
        login_for("r.example", tmp_path)
    assert "docker login" in (caught.value.hint or "")


def test_a_login_does_not_show_its_secrets() -> None:
    shown = repr(Login("me", "secret1", "secret2", "secret3"))
    assert "me" in shown
    assert "secret" not in shown
