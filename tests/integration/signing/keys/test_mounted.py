"""A signing key that is mounted, and replaced as Kubernetes does: with its password, at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from supplychain.bootstrap.keys import signer
from supplychain.errors import SupplyChainError
from supplychain.settings import Settings
from supplychain.signing.keys.keyfile import generate
from tests.kit.mounted import Mounted


@pytest.fixture
def mounted(tmp_path: Path) -> Mounted:
    return Mounted(tmp_path / "mounted")


def _settings(mounted: Mounted, key: str = "cosign.key") -> Settings:
    return Settings({"key": str(mounted / key)}, os.environ, mounted.folder)


def _pair(password: str) -> tuple[dict[str, bytes | str], str]:
    """A key file with its password as a secret has them, and the key's fingerprint."""
    private, public = generate(password.encode())
    entries: dict[str, bytes | str] = {"cosign.key": private, "password": f"{password}\n"}
    return entries, public.fingerprint


def test_a_password_is_never_that_of_the_key_before(mounted: Mounted) -> None:
    (first, _), (second, wanted) = _pair("one"), _pair("two")
    mounted.mount(first)

    def ask(_: str) -> str:
        """Replaces both, once the key was read and its password was not."""
        if (mounted / "password").read_text() == "one\n":
            mounted.mount(second)
        return (mounted / "password").read_text().strip()

    found = signer(_settings(mounted), ask)
    assert found.public_key.fingerprint == wanted
    assert found.sign(b"so")


def test_the_next_one_who_signs_takes_the_key_that_is_mounted(
    mounted: Mounted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPPLYCHAIN_KEY_PASSWORD_FILE", str(mounted / "password"))
    settings = _settings(mounted)
    first, (entries, second) = _pair("one"), _pair("two")
    for there, wanted in (first, (entries, second)):
        mounted.mount(there)
        assert signer(settings, lambda _: None).public_key.fingerprint == wanted

    for broken in ({"cosign.key": "no key"}, {"password": "of another"}, {"password": ""}, {}):
        mounted.mount({**entries, **broken} if broken else {})
        with pytest.raises(SupplyChainError) as refused:
            signer(settings, lambda _: None).public_key  # noqa: B018
        assert not refused.value.retryable
        assert str(mounted.folder) in f"{refused.value} {refused.value.because}"


def test_a_folder_that_is_mounted_is_one_secret(mounted: Mounted) -> None:
    for password in ("one", "two"):
        entries, wanted = _pair(password)
        mounted.mount({"cosign.key": entries["cosign.key"], "cosign.password": password})
        found = signer(_settings(mounted, "."), lambda _: None)
        assert found.public_key.fingerprint == wanted
