"""Attacks on a server that fetches what others name: each is built, and leads nowhere."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from supplychain.errors import DestinationError, RegistryError
from supplychain.images.download import download
from supplychain.images.reference import Reference
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.repository import RegistryRepository
from supplychain.model.digest import Digest
from supplychain.network.guard import Guard
from supplychain.network.names import parse_names
from tests.kit.guards import guard_for, guarded
from tests.kit.misbehaving import (
    EMPTY_MANIFEST,
    ScriptedServer,
    descriptor,
    manifest,
    needs,
    redirect,
    refusal,
    reply,
    scripted_server,
)
from tests.kit.registry import RunningRegistry
from tests.kit.registry_client import failure_of, new_repository
from tests.kit.tls import Authority

_TAG = "/v2/app/manifests/1"
_DIGEST = Digest.of(EMPTY_MANIFEST)
_BLOB = b"a layer"
_HOST = "registry.example"
# What must never be reached, in every way of writing it that is known to us.
_FORBIDDEN = (
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.169.254./latest/meta-data/",
    "http://[::ffff:169.254.169.254]/latest/",
    "http://[::ffff:a9fe:a9fe]/latest/",
    "http://[64:ff9b::a9fe:a9fe]/latest/",
    "http://[fd00:ec2::254]/latest/",
    "http://[fe80::1%25lo]/latest/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://2852039166/latest/",
    "http://0xa9fea9fe/latest/",
    "http://0xa9.0xfe.0xa9.0xfe/latest/",
    "http://0251.0376.0251.0376/latest/",
    "http://169.254.43518/latest/",
    "http://localhost/",
    "http://127.1/",
    "http://0/",
    "http://[::]/",
    "http://10.0.0.1/",
    "http://127.0.0.1%2eevil.example/",
    "http://①⑥⑨.254.169.254/",
    "http://ⅼocalhost/",
)


def _as_sent(target: str) -> str:
    """UTF-8 in a header, in which Python sends only Latin-1."""
    return target.encode().decode("latin-1")


def _options(options: RegistryOptions, guard: Guard, *insecure: str) -> RegistryOptions:
    return replace(options, guard=guard, insecure=insecure, connect_timeout=0.5)


@pytest.fixture
def open_options(server: ScriptedServer, options: RegistryOptions) -> RegistryOptions:
    """Only the registry itself may be reached; plain HTTP would be spoken to anybody."""
    return _options(
        options,
        guard_for(server.address),
        *("169.254.169.254", "10.0.0.1", "localhost", "metadata.google.internal"),
    )


@pytest.mark.parametrize("target", _FORBIDDEN)
def test_a_redirect_leads_to_no_such_place(
    server: ScriptedServer, open_options: RegistryOptions, target: str
) -> None:
    repository = new_repository(server.repository, open_options, [])
    server.on("GET", _TAG, redirect(_as_sent(target)))
    with pytest.raises(RegistryError):
        repository.resolve("1")
    assert len(server.requests) == 1


@pytest.mark.parametrize("target", _FORBIDDEN)
def test_a_token_service_lies_in_no_such_place(
    server: ScriptedServer, open_options: RegistryOptions, target: str
) -> None:
    repository = new_repository(server.repository, open_options, [])
    challenge = f'Bearer realm="{_as_sent(target)}",service="s"'
    server.on("GET", _TAG, refusal(401, "UNAUTHORIZED", **{"WWW-Authenticate": challenge}))
    with pytest.raises(RegistryError):
        repository.resolve("1")
    assert len(server.requests) == 1


@pytest.mark.parametrize("target", _FORBIDDEN)
def test_nothing_is_uploaded_to_such_a_place(
    server: ScriptedServer, open_options: RegistryOptions, target: str
) -> None:
    repository = new_repository(server.repository, open_options, [])
    server.on("POST", "/v2/app/blobs/uploads/", redirect(_as_sent(target), 202))
    with pytest.raises(RegistryError):
        repository.put_blob(_BLOB)
    assert [one.method for one in server.requests] == ["HEAD", "POST"]


def test_a_page_of_referrers_leads_to_no_other_host(
    server: ScriptedServer, elsewhere: ScriptedServer, open_options: RegistryOptions
) -> None:
    repository = new_repository(server.repository, open_options, [])
    index = (
        b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
    )
    server.on(
        "GET",
        f"/v2/app/referrers/{_DIGEST}",
        reply(
            200,
            index,
            {"Link": f'<{elsewhere.url}/next>; rel="next"'},
            kind="application/vnd.oci.image.index.v1+json",
        ),
    )
    with pytest.raises(RegistryError):
        repository.referrers(_DIGEST)
    assert elsewhere.connections == 0


def test_storage_that_is_named_is_reached(
    server: ScriptedServer, elsewhere: ScriptedServer, options: RegistryOptions
) -> None:
    guard = guarded([server.address], [elsewhere.address], ["127.0.0.1"])
    repository = new_repository(server.repository, replace(options, guard=guard), [])
    path = f"/v2/app/blobs/{Digest.of(_BLOB)}"
    server.on("GET", path, redirect(f"{elsewhere.url}/stored"))
    elsewhere.on("GET", "/stored", reply(200, _BLOB))
    assert b"".join(repository.blob_chunks(descriptor(_BLOB))) == _BLOB


def test_storage_that_is_named_leads_no_further(
    server: ScriptedServer,
    elsewhere: ScriptedServer,
    tokens: ScriptedServer,
    options: RegistryOptions,
) -> None:
    guard = guarded([server.address], [elsewhere.address], ["127.0.0.1"])
    repository = new_repository(server.repository, replace(options, guard=guard), [])
    server.on("GET", _TAG, redirect(f"{elsewhere.url}/stored"))
    elsewhere.on("GET", "/stored", redirect(f"{tokens.url}/inner"))
    failure = failure_of(DestinationError, repository)
    assert tokens.address in str(failure)
    assert tokens.connections == 0


# What DNS says.


def test_a_name_is_resolved_once_and_reached_at_what_was_checked(
    server: ScriptedServer, options: RegistryOptions
) -> None:
    asked: list[str] = []

    def resolve(host: str) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    port = server.address.rpartition(":")[2]
    name = f"{_HOST}:{port}"  # no resolver of this machine knows it
    guard = guarded([name], private=[_HOST], resolve=resolve)
    server.on("GET", _TAG, manifest())
    repository = new_repository(Reference(name, "app"), _options(options, guard, name), [])
    assert repository.resolve("1").digest == _DIGEST
    assert server.requests[0].headers["Host"] == name
    # One connection to see what the server speaks, one for the request.
    assert asked == [_HOST] * server.connections == [_HOST] * 2


def test_an_answer_that_changes_between_check_and_connection_changes_nothing(
    server: ScriptedServer, options: RegistryOptions
) -> None:
    """Rebinding: public when first asked, this machine the next time, and so on for ever."""
    turns = iter([["192.0.2.1"], ["127.0.0.1"]] * 50)
    port = server.address.rpartition(":")[2]
    name = f"{_HOST}:{port}"
    guard = guarded([name], resolve=lambda _: next(turns))
    server.on("GET", _TAG, manifest())
    for _ in range(4):
        repository = new_repository(Reference(name, "app"), _options(options, guard, name), [])
        failure_of(DestinationError, repository)
    assert server.connections == 0


def test_a_kept_connection_is_no_way_around_a_name(
    server: ScriptedServer, options: RegistryOptions
) -> None:
    """Two names for one address: the connection of the one is not used for the other."""
    port = server.address.rpartition(":")[2]
    first, second = f"{_HOST}:{port}", f"other.example:{port}"
    guard = guarded([first], private=[_HOST], at={_HOST: ["127.0.0.1"]})
    server.on("GET", _TAG, manifest(), redirect(f"http://{second}/v2/"))
    repository = new_repository(
        Reference(first, "app"), _options(options, guard, first, second), []
    )
    assert repository.resolve("1").digest == _DIGEST
    assert "other.example" in str(failure_of(DestinationError, repository))


def test_tls_is_held_to_the_name_and_not_to_the_address(
    options: RegistryOptions, authority: Authority, tmp_path: Path
) -> None:
    with scripted_server(authority.issue(tmp_path, _HOST)) as server:
        port = server.address.rpartition(":")[2]
        server.on("GET", _TAG, manifest())
        for host in (_HOST, "other.example"):
            name = f"{host}:{port}"
            guard = guarded([name], private=[host], at={host: ["127.0.0.1"]})
            secure = replace(options, guard=guard, cacert=authority.certificate_file, retries=0)
            repository = RegistryRepository(Reference(name, "app"), secure)
            if host == _HOST:
                assert repository.resolve("1").digest == _DIGEST
                assert server.requests[0].headers["Host"] == name
                continue
            with pytest.raises(RegistryError, match=r"certificate of other.example.* not trusted"):
                repository.resolve("1")


# What stands around a process.


def test_a_proxy_of_the_environment_is_no_way_around(
    server: ScriptedServer,
    elsewhere: ScriptedServer,
    options: RegistryOptions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, elsewhere.url)
    port = server.address.rpartition(":")[2]
    name = f"{_HOST}:{port}"
    guard = guarded([name], private=[_HOST], at={_HOST: ["127.0.0.1"]})
    server.on("GET", _TAG, manifest())
    repository = new_repository(Reference(name, "app"), _options(options, guard, name), [])
    assert repository.resolve("1").digest == _DIGEST
    assert elsewhere.connections == 0


def test_a_repository_that_is_not_named_is_not_asked_for(
    server: ScriptedServer, options: RegistryOptions
) -> None:
    guard = guarded([f"{server.address}/team"], private=["127.0.0.1"])
    with pytest.raises(DestinationError):
        RegistryRepository(server.repository, replace(options, guard=guard))
    assert server.connections == 0


def test_a_real_registry_that_is_named_takes_and_gives(
    debian_registry: RunningRegistry, options: RegistryOptions
) -> None:
    guard = guard_for(debian_registry.address)
    repository = RegistryRepository(debian_registry.fresh(), replace(options, guard=guard))
    assert repository.put_blob(_BLOB) == Digest.of(_BLOB)
    assert repository.blob(descriptor(_BLOB), limit=100) == _BLOB


def test_a_real_registry_that_is_not_named_is_not_even_connected_to(
    debian_registry: RunningRegistry, options: RegistryOptions
) -> None:
    guard = guarded([_HOST], at={_HOST: ["1.1.1.1"]})
    with pytest.raises(DestinationError, match="is not a place"):
        RegistryRepository(debian_registry.fresh(), replace(options, guard=guard))


def test_a_login_is_asked_for_only_where_the_token_service_is_named(
    server: ScriptedServer, tokens: ScriptedServer, options: RegistryOptions
) -> None:
    challenge = f'Bearer realm="{tokens.url}/token",service="s"'
    server.on("GET", _TAG, needs("Bearer t", manifest(), challenge))
    tokens.on("GET", "/token", reply(200, b'{"token": "t"}'))
    named = guarded([server.address], [tokens.address], ["127.0.0.1"])
    repository = new_repository(server.repository, replace(options, guard=named), [])
    assert repository.resolve("1").digest == _DIGEST
    count = tokens.connections
    unnamed = replace(options, guard=guard_for(server.address))
    failure_of(DestinationError, new_repository(server.repository, unnamed, []))
    assert tokens.connections == count


def test_a_file_on_the_web_is_fetched_through_the_same_door(
    server: ScriptedServer, elsewhere: ScriptedServer, options: RegistryOptions
) -> None:
    guarded_options = replace(options, guard=guard_for(server.address))
    server.on("GET", "/feed", reply(200, b"feed"), redirect(f"{elsewhere.url}/feed"))
    assert download(f"{server.url}/feed", guarded_options, limit=100) == b"feed"
    with pytest.raises(DestinationError):
        download(f"{server.url}/feed", guarded_options, limit=100)
    assert elsewhere.connections == 0


def test_a_host_that_does_not_answer_is_told_as_ever(options: RegistryOptions) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        repository = RegistryRepository(
            Reference(address, "app"), replace(options, guard=guard_for(address), retries=0)
        )
        with pytest.raises(RegistryError, match="nothing answers"):
            repository.resolve("1")


def test_a_name_that_there_is_not_is_told_as_ever(options: RegistryOptions) -> None:
    guard = Guard(parse_names(["registry.invalid:443"], "registries"))
    repository = RegistryRepository(
        Reference("registry.invalid:443", "app"), replace(options, guard=guard, retries=0)
    )
    with pytest.raises(RegistryError, match=r"there is no host registry.invalid|cannot"):
        repository.resolve("1")
