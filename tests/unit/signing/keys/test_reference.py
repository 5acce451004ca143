"""What a user may type for a key, and what comes of mistakes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from supplychain.errors import (
    ConfigurationError,
    InputError,
    NotFoundError,
    StoreError,
    SupplyChainError,
)
from supplychain.signing.keys.keyfile import generate
from supplychain.signing.keys.reference import open_public_key, open_signer, scheme_of
from tests.kit.key_access import access
from tests.kit.keys import signer

PUBLIC = signer().public_key
PEM, _ = generate(b"correct")


def shown(error: SupplyChainError) -> str:
    """Everything of an error that anybody may come to see."""
    return f"{error.diagnostics()} {error!r} {error.__cause__!r} {error.__context__!r}"


@pytest.mark.parametrize(
    ("reference", "scheme"),
    [
        ("release.key", ""),
        ("./env:/release.key", ""),
        ("env://VAR", "env"),
        ("k8s://ci/signing", "k8s"),
        ("hashivault://release", "hashivault"),
        ("awskms:///alias/release", "awskms"),
        ("pkcs11:token=t;object=k", "pkcs11"),
    ],
)
def test_kinds_are_told_by_their_beginning(reference: str, scheme: str) -> None:
    assert scheme_of(reference) == scheme


@pytest.mark.parametrize(
    ("reference", "near"), [("ENV://VAR", "env"), ("envs://VAR", "env"), ("gitlab://x", None)]
)
def test_an_unknown_kind_is_refused_with_the_nearest(reference: str, near: str | None) -> None:
    with pytest.raises(InputError, match="no kind of key reference") as caught:
        open_signer(reference, access())
    assert caught.value.hint == (f"did you mean {near}?" if near else None)
    assert "env:" in str(caught.value.because)


def test_a_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "k.pub").write_bytes(PUBLIC.pem())
    assert open_public_key("~/k.pub", access()) == PUBLIC


def test_a_missing_key_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no key file") as caught:
        open_signer(str(tmp_path / "k.key"), access())
    assert "keys generate" in str(caught.value.hint)


def test_what_is_no_key_file_is_refused_before_a_password_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "k.key").write_bytes(b"no key")
    with pytest.raises(InputError, match="not a PEM file"):
        open_signer(str(tmp_path / "k.key"), access())


def test_a_file_that_cannot_be_read_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be read"):
        open_signer(str(tmp_path / "file" / "k.key"), access())


def test_a_file_larger_than_any_key_is_not_read_on(tmp_path: Path) -> None:
    with (tmp_path / "k.key").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(InputError, match="larger than any"):
        open_signer(str(tmp_path / "k.key"), access())


def test_a_private_key_is_no_public_one() -> None:
    with pytest.raises(InputError, match="is a private key"):
        open_public_key("env://KEY", access({"KEY": PEM.decode()}))


@pytest.mark.parametrize("environ", [{}, {"KEY": ""}])
def test_a_variable_that_is_not_set_is_named(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="KEY, which is not set"):
        open_signer("env://KEY", access(environ))


def test_what_is_typed_for_a_variables_name_is_not_shown() -> None:
    with pytest.raises(InputError, match="name of a variable") as caught:
        open_signer(f"env://{PEM.decode()}", access())
    assert "PRIVATE KEY" not in shown(caught.value)


def test_the_content_of_a_variable_is_not_shown() -> None:
    with pytest.raises(InputError) as caught:
        open_signer("env://KEY", access({"KEY": "hunter2"}))
    assert "hunter2" not in shown(caught.value)


def test_a_wrong_password_is_not_shown() -> None:
    opening = open_signer("env://KEY", access({"KEY": PEM.decode()}, "hunter2"))
    with pytest.raises(InputError, match=re.escape("the key in KEY cannot be decrypted")) as caught:
        opening.sign(b"data")
    assert "hunter2" not in shown(caught.value)


def test_a_folder_without_keys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=re.escape("without cosign.key")):
        open_signer(str(tmp_path), access())


def test_a_mounted_public_key_does_not_sign(tmp_path: Path) -> None:
    (tmp_path / "cosign.pub").write_bytes(PUBLIC.pem())
    assert open_public_key(str(tmp_path), access()) == PUBLIC
    with pytest.raises(NotFoundError, match=re.escape("has no cosign.key")):
        open_signer(str(tmp_path), access())


def test_a_mounted_private_key_does_not_verify(tmp_path: Path) -> None:
    (tmp_path / "cosign.key").write_bytes(PEM)
    with pytest.raises(NotFoundError, match=re.escape("has no cosign.pub")):
        open_public_key(str(tmp_path), access())
