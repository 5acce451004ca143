"""Identity tokens: where they come from, and what is said where they cannot be used."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from supplychain.errors import ConfigurationError, InputError, NotFoundError, SigstoreError
from supplychain.signing.keyless import tokens
from tests.kit.tokens import ISSUER, SURROUNDINGS, identity_token

NOW = int(time.time())


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No surroundings that would give an identity."""
    for name in SURROUNDINGS:
        monkeypatch.delenv(name, raising=False)


def test_a_token_is_read_from_a_text_and_anew_from_a_file_each_time(tmp_path: Path) -> None:
    token = identity_token()
    assert str(tokens.from_text(f"{token}\n", "here")()) == token
    path = tmp_path / "token"
    path.write_text(token)
    identify = tokens.from_file(path)
    assert str(identify()) == token
    path.write_text(identity_token(sub="bob@example.com"))
    assert identify().identity == "bob@example.com"
    assert identify().issuer == ISSUER


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": NOW - 90}, "it expired at "),
        ({"aud": "vault"}, "it is for the audience 'vault', not 'sigstore'"),
        ({"aud": ["vault", "sts"]}, "it is for the audience \"['vault', 'sts']\""),
        ({"iss": None}, "it does not say 'iss'"),
        ({"aud": None}, "it does not say 'aud'"),
        ({"sub": None}, "it does not say 'sub'"),
        ({"nbf": NOW + 3600}, "it does not count before "),
        ({"exp": "soon"}, "it lacks what its issuer's tokens have to say"),
        ({"exp": 10**30, "nbf": 10**30}, "it lacks what its issuer's tokens have to say"),
        ({"federated_claims": 3}, "it lacks what its issuer's tokens have to say"),
    ],
)
def test_why_a_token_cannot_be_used_is_said_and_the_token_is_not(
    claims: dict[str, object], why: str
) -> None:
    token = identity_token(**claims)
    with pytest.raises(ConfigurationError, match="from the vault cannot be used") as caught:
        tokens.from_text(token, "the vault")()
    assert str(caught.value.because).startswith(why)
    assert caught.value.hint
    assert caught.value.__cause__ is None
    for part in token.split("."):
        assert part not in str(caught.value.diagnostics())


@pytest.mark.parametrize("text", ["", "secret", "a.b", "a.b.c", "e30.W10.", f"{'[' * 9999}.a.b"])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        tokens.from_text(text, "the vault")()
    assert caught.value.because == "it is no JSON Web Token"


def test_files_that_hold_no_token_are_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no identity token"):
        tokens.from_file(tmp_path / "gone")()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        tokens.from_file(tmp_path)()
    (tmp_path / "large").write_bytes(b"x" * 100_000)
    with pytest.raises(InputError, match="larger than any identity token"):
        tokens.from_file(tmp_path / "large")()
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        tokens.from_file(tmp_path / "binary")()


def test_gitlab_gives_the_token_that_the_job_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    token = identity_token(sub="project_path:acme/app:ref_type:branch:ref:main")
    monkeypatch.setenv("GITLAB_CI", "true")
    with pytest.raises(SigstoreError, match="the surroundings did not give") as caught:
        tokens.ambient()()
    assert "SIGSTORE_ID_TOKEN not found" in str(caught.value.because)
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", token)
    assert str(tokens.ambient()()) == token


def test_github_says_that_a_job_needs_a_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with pytest.raises(SigstoreError, match="the surroundings did not give") as caught:
        tokens.ambient()()
    assert "id-token: write" in str(caught.value.hint)
    assert not caught.value.retryable


def test_where_nothing_says_who_we_are_somebody_else_is_asked() -> None:
    token = tokens.read(identity_token(), "here")
    assert tokens.ambient(lambda: token)() is token
    with pytest.raises(ConfigurationError, match="nothing here says who signs") as caught:
        tokens.ambient()()
    assert "--identity-token FILE" in str(caught.value.hint)
