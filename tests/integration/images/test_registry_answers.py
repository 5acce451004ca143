"""Refusals, passing failures, and connections that are cut, slow or not there."""

from __future__ import annotations

import socket
import time
from dataclasses import replace

import pytest

from supplychain.errors import (
    AuthenticationError,
    NotFoundError,
    RegistryError,
    SupplyChainError,
)
from supplychain.images.reference import Reference
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.repository import RegistryRepository
from supplychain.model.digest import Digest
from tests.kit.misbehaving import (
    EMPTY_MANIFEST,
    Answer,
    ScriptedServer,
    cut,
    dripping,
    dripping_headers,
    manifest,
    redirect,
    refusal,
    reply,
    scripted_server,
    silence,
)
from tests.kit.registry_client import failure_of, new_repository

_TAG = "/v2/app/manifests/1"
_DIGEST = Digest.of(EMPTY_MANIFEST)


@pytest.mark.parametrize(
    ("status", "code", "error", "words"),
    [
        (401, "UNAUTHORIZED", AuthenticationError, "wants a login"),
        (403, "DENIED", AuthenticationError, "wants a login"),
        (404, "MANIFEST_UNKNOWN", NotFoundError, "the tag '1' of"),
        (404, "NAME_UNKNOWN", NotFoundError, "does not exist"),
        (400, "NAME_INVALID", RegistryError, "did not expect"),
        (418, "TEAPOT", RegistryError, "did not expect"),
    ],
)
def test_a_refusal_is_told_with_the_registrys_own_words_and_not_repeated(
    server: ScriptedServer,
    repository: RegistryRepository,
    pauses: list[float],
    status: int,
    code: str,
    error: type[SupplyChainError],
    words: str,
) -> None:
    server.on("GET", _TAG, refusal(status, code, "said so"))
    failure = failure_of(error, repository)
    assert words in str(failure)
    assert failure.because == f"status {status}, {code}: said so"
    assert not failure.retryable
    assert pauses == []


def test_who_is_refused_is_told_how_to_log_in(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("GET", _TAG, refusal(401, "UNAUTHORIZED", **{"WWW-Authenticate": "Basic"}))
    hint = failure_of(AuthenticationError, repository).hint or ""
    assert f"docker login {server.address}" in hint
    assert "--registry-username" in hint


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_failure_is_repeated(
    server: ScriptedServer, repository: RegistryRepository, pauses: list[float], status: int
) -> None:
    server.on("GET", _TAG, reply(status), reply(status), manifest())
    assert repository.resolve("1").digest == _DIGEST
    assert len(pauses) == 2
    assert 0 < pauses[0] < pauses[1] * 2


@pytest.mark.parametrize(("status", "words"), [(429, "so often"), (503, "failed")])
def test_a_lasting_failure_is_an_error_that_may_be_retried_later(
    server: ScriptedServer,
    repository: RegistryRepository,
    pauses: list[float],
    status: int,
    words: str,
) -> None:
    server.on("GET", _TAG, refusal(status, "BUSY"))
    failure = failure_of(RegistryError, repository)
    assert words in str(failure)
    assert failure.retryable
    assert len(server.asked("GET", _TAG)) == 4
    assert len(pauses) == 3


def test_retry_after_is_honoured(
    server: ScriptedServer, repository: RegistryRepository, pauses: list[float]
) -> None:
    server.on("GET", _TAG, reply(429, headers={"Retry-After": "7"}), manifest())
    assert repository.resolve("1").digest == _DIGEST
    assert pauses == [7.0]


def test_a_registry_that_wants_an_hour_is_not_waited_for(
    server: ScriptedServer, repository: RegistryRepository, pauses: list[float]
) -> None:
    server.on("GET", _TAG, reply(429, headers={"Retry-After": "3600"}))
    assert failure_of(RegistryError, repository).hint == "try again in 3600 s"
    assert pauses == []


# The connection.


def test_a_cut_manifest_is_fetched_again(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("GET", _TAG, cut(EMPTY_MANIFEST, 5), manifest())
    assert repository.resolve("1").digest == _DIGEST


def test_a_connection_that_is_always_cut_is_an_error(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("GET", _TAG, cut(EMPTY_MANIFEST, 5))
    assert "was cut" in str(failure_of(RegistryError, repository))
    assert len(server.asked("GET", _TAG)) == 4


@pytest.mark.parametrize(
    "answer",
    [silence, dripping(EMPTY_MANIFEST * 9, 0.05), dripping_headers(0.05)],
    ids=["silence", "dripping body", "dripping headers"],
)
def test_a_slow_server_ends_with_an_error(
    server: ScriptedServer, repository: RegistryRepository, answer: Answer
) -> None:
    server.on("GET", _TAG, answer)
    began = time.monotonic()
    failure = failure_of(RegistryError, repository)
    assert time.monotonic() - began < 3
    assert "too slow" in str(failure)
    assert failure.retryable


def test_a_port_where_nothing_listens(options: RegistryOptions, pauses: list[float]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    failure = failure_of(RegistryError, new_repository(Reference(address, "app"), options, pauses))
    assert str(failure) == f"nothing answers at {address}"
    assert pauses == []


def test_a_host_that_does_not_exist(options: RegistryOptions, pauses: list[float]) -> None:
    reference = Reference("registry.invalid", "app")
    failure = failure_of(RegistryError, new_repository(reference, options, pauses))
    assert str(failure) == "there is no host registry.invalid"


def test_a_server_that_speaks_no_http(options: RegistryOptions, pauses: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.listen()
        reference = Reference(f"127.0.0.1:{listening.getsockname()[1]}", "app")
        impatient = replace(options, connect_timeout=0.3)
        failure = failure_of(RegistryError, new_repository(reference, impatient, pauses))
    assert "too slow" in str(failure)


def test_one_connection_serves_every_call(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("GET", _TAG, reply(503), refusal(404, "X"), redirect("/moved"), manifest())
    server.on("GET", "/moved", manifest())
    server.on("HEAD", f"/v2/app/blobs/{_DIGEST}", reply(200))
    with pytest.raises(NotFoundError):
        repository.resolve("1")
    for _ in range(3):
        repository.resolve("1")
        repository.put_blob(EMPTY_MANIFEST)
    assert len(server.requests) == 9
    assert server.connections == 2  # one to learn whether the server speaks TLS


def test_a_registry_that_starts_late_is_found(
    options: RegistryOptions, pauses: list[float]
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    repository = new_repository(Reference(f"127.0.0.1:{port}", "app"), options, pauses)
    failure_of(RegistryError, repository)
    with scripted_server(port=port) as server:
        server.on("GET", _TAG, manifest())
        assert repository.resolve("1").digest == _DIGEST
