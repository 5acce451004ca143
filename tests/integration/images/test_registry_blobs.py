"""Blobs that come cut, changed, endless or slowly, and uploads that go astray."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from supplychain.errors import (
    DigestMismatchError,
    LimitError,
    RegistryError,
)
from supplychain.images.reference import Reference
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.repository import RegistryRepository
from supplychain.model.artifact import OCI_MANIFEST
from supplychain.model.digest import Digest
from tests.kit.misbehaving import (
    EMPTY_MANIFEST,
    Answer,
    ScriptedServer,
    cut,
    descriptor,
    dripping,
    endless,
    manifest,
    ranged,
    redirect,
    reply,
)
from tests.kit.registry_client import new_repository

_TAG = "/v2/app/manifests/1"
_DIGEST = Digest.of(EMPTY_MANIFEST)
_BLOB = bytes(range(256)) * 20_000  # 5 MB
_BLOB_PATH = f"/v2/app/blobs/{Digest.of(_BLOB)}"


def test_a_cut_blob_goes_on_where_it_stopped(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("GET", _BLOB_PATH, cut(_BLOB, 3_000_000), ranged(_BLOB))
    assert b"".join(repository.blob_chunks(descriptor(_BLOB))) == _BLOB
    first, second = server.asked("GET", _BLOB_PATH)
    assert "Range" not in first.headers
    assert second.headers["Range"].startswith("bytes=")
    assert second.headers["Range"] != "bytes=0-"


def test_a_cut_blob_begins_again_where_the_server_knows_no_ranges(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("GET", _BLOB_PATH, cut(_BLOB, 3_000_000), reply(200, _BLOB))
    assert b"".join(repository.blob_chunks(descriptor(_BLOB))) == _BLOB


def test_a_blob_that_goes_on_at_the_wrong_place_is_refused(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    wrong = reply(206, _BLOB[:9], {"Content-Range": f"bytes 0-8/{len(_BLOB)}"})
    server.on("GET", _BLOB_PATH, cut(_BLOB, 3_000_000), wrong)
    with pytest.raises(RegistryError, match="wrong place"):
        list(repository.blob_chunks(descriptor(_BLOB)))


def test_a_blob_that_is_always_cut_is_an_error(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("GET", _BLOB_PATH, cut(_BLOB, 3_000_000))
    with pytest.raises(RegistryError, match="was cut"):
        list(repository.blob_chunks(descriptor(_BLOB)))
    assert len(server.asked("GET", _BLOB_PATH)) == 4


def test_a_blob_with_one_byte_changed_is_refused_at_its_end(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("GET", _BLOB_PATH, reply(200, _BLOB[:-1] + b"!"))
    chunks = repository.blob_chunks(descriptor(_BLOB))
    with pytest.raises(DigestMismatchError) as caught:
        list(chunks)
    assert str(Digest.of(_BLOB)) in str(caught.value)


@pytest.mark.parametrize("answer", [endless(), endless(1 << 40)], ids=["endless", "declared"])
def test_a_blob_larger_than_its_descriptor_is_not_read(
    server: ScriptedServer, repository: RegistryRepository, answer: Answer
) -> None:
    server.on("GET", _BLOB_PATH, answer)
    with pytest.raises(LimitError):
        list(repository.blob_chunks(descriptor(_BLOB)))


def test_a_dripping_blob_ends_with_an_error(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("GET", _BLOB_PATH, dripping(_BLOB, 0.05))
    with pytest.raises(RegistryError, match="too slow"):
        list(repository.blob_chunks(descriptor(_BLOB)))


def test_a_reader_that_stops_early_leaves_a_usable_repository(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("GET", _BLOB_PATH, reply(200, _BLOB))
    server.on("GET", _TAG, manifest())
    next(repository.blob_chunks(descriptor(_BLOB)))
    assert repository.resolve("1").digest == _DIGEST


def test_a_cut_upload_is_started_anew(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    path = f"/v2/app/blobs/{Digest.of(b'data')}"
    server.on("HEAD", path, reply(404))
    uploads = "/v2/app/blobs/uploads/"
    locations = [reply(202, headers={"Location": f"/upload/{n}?state=x"}) for n in (1, 2)]
    server.on("POST", uploads, *locations)
    server.on("PUT", "/upload/1", reply(503))
    server.on("PUT", "/upload/2", reply(201))
    assert repository.put_blob(b"data") == Digest.of(b"data")
    (stored,) = server.asked("PUT", "/upload/2")
    assert stored.body == b"data"
    assert stored.path == f"/upload/2?state=x&digest=sha256%3A{Digest.of(b'data').hex}"


def test_a_cut_stream_is_begun_anew_and_has_a_length(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("HEAD", _BLOB_PATH, reply(404))
    locations = [reply(202, headers={"Location": f"/upload/{n}"}) for n in (1, 2)]
    server.on("POST", "/v2/app/blobs/uploads/", *locations)
    server.on("PUT", "/upload/1", reply(503))
    server.on("PUT", "/upload/2", reply(201))
    repository.put_blob_chunks(descriptor(_BLOB), lambda: iter((_BLOB[:7], _BLOB[7:])))
    (stored,) = server.asked("PUT", "/upload/2")
    assert stored.body == _BLOB
    assert stored.headers["Content-Length"] == str(len(_BLOB))
    assert "Transfer-Encoding" not in stored.headers


def test_a_stream_goes_again_where_the_server_sends_us_on(
    server: ScriptedServer, elsewhere: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("HEAD", _BLOB_PATH, reply(404))
    server.on("POST", "/v2/app/blobs/uploads/", reply(202, headers={"Location": "/upload/1"}))
    server.on("PUT", "/upload/1", redirect(f"{elsewhere.url}/store"))
    elsewhere.on("PUT", "/store", reply(201))
    repository.put_blob_chunks(descriptor(_BLOB), lambda: iter((_BLOB,)))
    (stored,) = elsewhere.requests
    assert stored.body == _BLOB


@pytest.mark.parametrize(("status", "taken"), [(201, True), (202, False), (403, False)])
def test_a_blob_of_another_repository_is_asked_for(
    server: ScriptedServer, repository: RegistryRepository, status: int, taken: bool
) -> None:
    uploads = "/v2/app/blobs/uploads/"
    server.on("POST", uploads, reply(status, headers={"Location": "/upload/1"}))
    other = RegistryRepository(Reference(server.address, "other/app"), host=repository.host)
    assert repository.mount_blob(Digest.of(_BLOB), other) is taken
    assert not repository.mount_blob(Digest.of(_BLOB), repository)
    query = urlsplit(server.asked("POST", uploads)[0].path).query
    assert parse_qs(query) == {"mount": [str(Digest.of(_BLOB))], "from": ["other/app"]}


def test_an_upload_elsewhere_carries_no_credentials(
    server: ScriptedServer, elsewhere: ScriptedServer, options: RegistryOptions
) -> None:
    repository = new_repository(server.repository, replace(options, token="secret"), [])
    server.on("HEAD", f"/v2/app/blobs/{Digest.of(b'data')}", reply(404))
    location = {"Location": f"{elsewhere.url}/store"}
    server.on("POST", "/v2/app/blobs/uploads/", reply(202, headers=location))
    elsewhere.on("PUT", "/store", reply(201))
    repository.put_blob(b"data")
    (stored,) = elsewhere.requests
    assert stored.body == b"data"
    assert stored.authorization is None
    assert {one.authorization for one in server.requests} == {"Bearer secret"}


@pytest.mark.parametrize("location", ["http://storage.example/up", "ftp://x/", "", None])
def test_an_upload_to_nowhere_is_refused(
    server: ScriptedServer, repository: RegistryRepository, location: str | None
) -> None:
    server.on("HEAD", f"/v2/app/blobs/{Digest.of(b'data')}", reply(404))
    headers = {} if location is None else {"Location": location}
    server.on("POST", "/v2/app/blobs/uploads/", reply(202, headers=headers))
    with pytest.raises(RegistryError):
        repository.put_blob(b"data")


def test_a_manifest_that_was_stored_as_something_else(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    lie = {"Docker-Content-Digest": str(Digest.of(b"other"))}
    server.on("PUT", _TAG, reply(201, headers=lie))
    with pytest.raises(DigestMismatchError, match="stored as something else"):
        repository.put_manifest(EMPTY_MANIFEST, OCI_MANIFEST, tag="1")
