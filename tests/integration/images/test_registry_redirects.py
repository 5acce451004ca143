"""Redirects: where they may lead, and what is never sent there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from supplychain.errors import DestinationError, RegistryError
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.repository import RegistryRepository
from supplychain.model.digest import Digest
from tests.kit.guards import guard_for
from tests.kit.misbehaving import (
    EMPTY_MANIFEST,
    ScriptedServer,
    descriptor,
    manifest,
    redirect,
    reply,
    scripted_server,
)
from tests.kit.registry_client import failure_of, new_repository
from tests.kit.tls import Authority

_TAG = "/v2/app/manifests/1"
_DIGEST = Digest.of(EMPTY_MANIFEST)
_BLOB = bytes(range(256)) * 20_000  # 5 MB
_BLOB_PATH = f"/v2/app/blobs/{Digest.of(_BLOB)}"


def test_a_redirect_to_another_host_carries_no_credentials(
    server: ScriptedServer, elsewhere: ScriptedServer, options: RegistryOptions
) -> None:
    repository = new_repository(server.repository, replace(options, token="secret"), [])
    server.on("GET", _BLOB_PATH, redirect(f"{elsewhere.url}/stored?X-Signature=s"))
    elsewhere.on("GET", "/stored", reply(200, _BLOB))
    assert b"".join(repository.blob_chunks(descriptor(_BLOB))) == _BLOB
    assert server.requests[0].authorization == "Bearer secret"
    assert [one.authorization for one in elsewhere.requests] == [None]


def test_a_redirect_within_the_registry_keeps_the_credentials(
    server: ScriptedServer, options: RegistryOptions
) -> None:
    repository = new_repository(server.repository, replace(options, token="secret"), [])
    server.on("GET", _TAG, redirect("/moved"))
    server.on("GET", "/moved", manifest())
    assert repository.resolve("1").digest == _DIGEST
    assert server.requests[-1].authorization == "Bearer secret"


def test_storage_that_refuses_is_not_taken_for_the_registry(
    server: ScriptedServer, elsewhere: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("GET", _TAG, redirect(f"{elsewhere.url}/stored?X-Signature=hidden"))
    elsewhere.on("GET", "/stored", reply(403))
    failure = failure_of(RegistryError, repository)
    assert elsewhere.address in str(failure)
    assert "hidden" not in str(failure.diagnostics())


def test_redirects_in_a_circle_end(server: ScriptedServer, repository: RegistryRepository) -> None:
    server.on("GET", _TAG, redirect("/a"))
    server.on("GET", "/a", redirect("/b"))
    server.on("GET", "/b", redirect("/a"))
    assert "more than 5" in (failure_of(RegistryError, repository).because or "")
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    "location",
    [
        "http://registry.example/stored",
        "file:///etc/passwd",
        "https://user:secret@registry.example/",
        "//registry.example/stored",
    ],
)
def test_a_redirect_to_what_may_not_be_used_is_refused(
    server: ScriptedServer, repository: RegistryRepository, location: str
) -> None:
    server.on("GET", _TAG, redirect(location))
    failure = failure_of(RegistryError, repository)
    assert "secret" not in str(failure.diagnostics())


def test_tls_is_never_left_for_plain_http(
    elsewhere: ScriptedServer,
    options: RegistryOptions,
    authority: Authority,
    tmp_path: Path,
) -> None:
    elsewhere.on("GET", "/stored", manifest())
    with scripted_server(authority.issue(tmp_path, "127.0.0.1")) as server:
        server.on("GET", _TAG, redirect(f"{elsewhere.url}/stored"))
        options = replace(options, cacert=authority.certificate_file)
        failure = failure_of(RegistryError, new_repository(server.repository, options, []))
    assert "plain HTTP" in str(failure)
    assert elsewhere.requests == []


def test_a_host_that_is_not_admitted_is_never_connected_to(
    server: ScriptedServer, elsewhere: ScriptedServer, options: RegistryOptions
) -> None:
    guarded = replace(options, guard=guard_for(server.address))
    server.on("GET", _TAG, redirect(f"{elsewhere.url}/stored"))
    failure = failure_of(DestinationError, new_repository(server.repository, guarded, []))
    assert str(failure).startswith(f"{elsewhere.address} is not a place")
    assert elsewhere.connections == 0
