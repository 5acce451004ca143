"""Keys in OpenBao's transit engine, on the real server."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest

from supplychain.errors import (
    ConfigurationError,
    ConflictError,
    InputError,
    KeyServiceError,
    NotFoundError,
    VerificationError,
)
from supplychain.signing.encoding import write_base64
from supplychain.signing.keys import transit
from supplychain.signing.keys.reference import open_public_key, open_signer
from tests.kit.json_server import Reply, json_server
from tests.kit.key_access import access
from tests.kit.keys import signer as in_memory
from tests.kit.openbao import RunningOpenBao, unreachable


def test_a_rotated_key_signs_with_its_latest_version(openbao: RunningOpenBao) -> None:
    name = openbao.new_key()
    before = open_signer(f"openbao://{name}", access(openbao.environ()))
    openbao.write(f"transit/keys/{name}/rotate", {})
    after = open_signer(f"openbao://{name}", access(openbao.environ()))
    assert before.public_key != after.public_key
    # Who opened the key before goes on with the version whose public key it told.
    before.public_key.verify(before.sign(b"data"), b"data")
    after.public_key.verify(after.sign(b"data"), b"data")


def test_another_engine_is_reached_by_its_path(openbao: RunningOpenBao) -> None:
    openbao.write("sys/mounts/teams/ci", {"type": "transit"})
    openbao.write("teams/ci/keys/release", {"type": "ecdsa-p256"})
    environ = {**openbao.environ(), "TRANSIT_SECRET_ENGINE_PATH": "teams/ci/"}
    signer = open_signer("openbao://release", access(environ))
    signer.public_key.verify(signer.sign(b"data"), b"data")


def test_a_token_may_lie_in_a_file(openbao: RunningOpenBao, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{openbao.token}\n")
    environ = {"VAULT_ADDR": openbao.address, "VAULT_TOKEN_FILE": str(tmp_path / "token")}
    open_public_key(f"hashivault://{openbao.new_key()}", access(environ))


def test_a_token_is_taken_from_where_a_login_leaves_it(
    openbao: RunningOpenBao, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    reference = f"openbao://{openbao.new_key()}"
    with pytest.raises(ConfigurationError, match="BAO_TOKEN is not set"):
        open_public_key(reference, access({"BAO_ADDR": openbao.address}))
    (tmp_path / ".vault-token").write_text(openbao.token)
    open_public_key(reference, access({"BAO_ADDR": openbao.address}))


def test_vaults_variables_do_for_openbao_and_not_the_other_way(openbao: RunningOpenBao) -> None:
    name = openbao.new_key()
    open_public_key(f"openbao://{name}", access(openbao.environ("VAULT")))
    both = {**openbao.environ("BAO"), "VAULT_ADDR": unreachable(), "VAULT_TOKEN": "other"}
    open_public_key(f"openbao://{name}", access(both))
    with pytest.raises(ConfigurationError, match="VAULT_ADDR is not set"):
        open_public_key(f"hashivault://{name}", access(openbao.environ("BAO")))


def test_a_missing_key_says_how_to_make_one(openbao: RunningOpenBao) -> None:
    reference = f"openbao://{uuid.uuid4().hex}"
    with pytest.raises(NotFoundError, match=f"no key {reference}") as caught:
        open_signer(reference, access(openbao.environ()))
    assert caught.value.hint == f"supplychain keys generate --kms {reference}"


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa-p384", "rsa-2048", "aes256-gcm96"])
def test_a_key_of_another_kind_is_refused(openbao: RunningOpenBao, kind: str) -> None:
    with pytest.raises(InputError, match=f"of kind {kind}"):
        open_signer(f"openbao://{openbao.new_key(kind)}", access(openbao.environ()))


def test_a_wrong_token_is_refused_and_not_shown(openbao: RunningOpenBao) -> None:
    reference = f"openbao://{openbao.new_key()}"
    with pytest.raises(KeyServiceError, match="status 403") as caught:
        open_signer(reference, access(openbao.environ(token="hunter2")))
    assert "permission denied" in str(caught.value.because)
    assert "read on transit/keys/" in str(caught.value.hint)
    assert not caught.value.retryable
    assert "hunter2" not in f"{caught.value.diagnostics()} {caught.value!r}"


def test_who_may_only_look_cannot_sign(openbao: RunningOpenBao) -> None:
    name = openbao.new_key()
    rule = f'path "transit/keys/{name}" {{ capabilities = ["read"] }}'
    openbao.write(f"sys/policies/acl/look-{name}", {"policy": rule})
    made = openbao.write("auth/token/create", {"policies": [f"look-{name}"]})
    token = str(made["auth"]["client_token"])  # type: ignore[index]  # the server's own form
    signer = open_signer(f"openbao://{name}", access(openbao.environ(token=token)))
    with pytest.raises(KeyServiceError, match="status 403") as caught:
        signer.sign(b"data")
    assert f"update on transit/sign/{name}/sha2-256" in str(caught.value.hint)


def test_a_key_can_be_made(openbao: RunningOpenBao) -> None:
    reference = f"openbao://{uuid.uuid4().hex}"
    made = transit.create_key(reference, access(openbao.environ()))
    assert open_public_key(reference, access(openbao.environ())) == made
    with pytest.raises(ConflictError, match="exists already"):
        transit.create_key(reference, access(openbao.environ()))


@pytest.mark.parametrize(
    "reference", ["hashivault://", "openbao://a/b", "openbao://../sys", "hashivault://a?b"]
)
def test_what_is_no_keys_name_is_refused(reference: str) -> None:
    with pytest.raises(InputError, match="is not a key reference"):
        open_signer(reference, access({"VAULT_ADDR": "http://127.0.0.1:1", "VAULT_TOKEN": "t"}))


def test_nobody_there_is_our_error(openbao: RunningOpenBao) -> None:
    environ = {"BAO_ADDR": unreachable(), "BAO_TOKEN": "hunter2"}
    with pytest.raises(KeyServiceError, match="cannot be reached") as caught:
        open_signer("openbao://release", access(environ))
    assert caught.value.retryable
    assert "hunter2" not in str(caught.value.diagnostics())


@pytest.mark.parametrize("signed", ["other key", "other bytes", "other version", "nonsense"])
def test_a_server_that_gives_another_signature_is_not_believed(signed: str) -> None:
    key, other = in_memory("transit"), in_memory("other")
    public = key.public_key.pem().decode()
    found = {"type": "ecdsa-p256", "latest_version": 3, "keys": {"3": {"public_key": public}}}
    signatures = {
        "other key": ("v3", other.sign(b"data")),
        "other bytes": ("v3", key.sign(b"other")),
        "other version": ("v2", key.sign(b"data")),
        "nonsense": ("v3", b"\0"),
    }
    version, signature = signatures[signed]
    said = {"data": {"signature": f"vault:{version}:{write_base64(signature)}"}}
    with json_server(
        lambda r: Reply(200, {"data": found} if r.method == "GET" else said)
    ) as server:
        signer = open_signer("openbao://k", access({"BAO_ADDR": server.address, "BAO_TOKEN": "t"}))
        with pytest.raises((VerificationError, KeyServiceError)):
            signer.sign(b"data")


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"data": None},
        {"data": {"type": "ecdsa-p256"}},
        {"data": {"type": "ecdsa-p256", "latest_version": True, "keys": {"True": {}}}},
        {"data": {"type": "ecdsa-p256", "latest_version": 1, "keys": {"1": {"public_key": "x"}}}},
        b"<html>",
        b"[]",
        b'{"data":1,"data":2}',
    ],
)
def test_an_answer_that_cannot_be_read_is_our_error(value: dict[str, object] | bytes) -> None:
    with json_server(lambda _: Reply(200, value)) as server:
        environ = {"BAO_ADDR": server.address, "BAO_TOKEN": "t"}
        with pytest.raises(KeyServiceError, match=re.escape("cannot be read")):
            open_signer("openbao://k", access(environ))
