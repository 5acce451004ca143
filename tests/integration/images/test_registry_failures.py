"""Servers that fail, lie, hang, flood or lead astray: every one ends in an error of ours."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from supplychain.errors import (
    AuthenticationError,
    DigestMismatchError,
    InputError,
    LimitError,
    NotFoundError,
    RegistryError,
    SupplyChainError,
    VerificationError,
)
from supplychain.images.reference import Reference
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.repository import RegistryRepository
from supplychain.images.registry.retry import Clock
from supplychain.model.artifact import MANIFEST_LIMIT, OCI_INDEX, OCI_MANIFEST
from supplychain.model.digest import Digest
from tests.kit.misbehaving import (
    EMPTY_MANIFEST,
    Answer,
    ScriptedServer,
    cut,
    descriptor,
    dripping,
    dripping_headers,
    endless,
    manifest,
    ranged,
    redirect,
    refusal,
    reply,
    scripted_server,
    silence,
)
from tests.kit.tls import Authority

_TAG = "/v2/app/manifests/1"
_DIGEST = Digest.of(EMPTY_MANIFEST)
_BLOB = bytes(range(256)) * 20_000  # 5 MB
_BLOB_PATH = f"/v2/app/blobs/{Digest.of(_BLOB)}"
_SUBJECT = Digest.of(b"subject")
_API = f"/v2/app/referrers/{_SUBJECT}"
_FALLBACK = f"/v2/app/manifests/sha256-{_SUBJECT.hex}"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def elsewhere() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def pauses() -> list[float]:
    """The pauses between repetitions, which are noted and not made."""
    return []


@pytest.fixture
def options(tmp_path: Path) -> RegistryOptions:
    return RegistryOptions(docker_config=tmp_path, connect_timeout=2.0, read_timeout=0.3, retries=3)


@pytest.fixture
def repository(
    server: ScriptedServer, options: RegistryOptions, pauses: list[float]
) -> RegistryRepository:
    return _repository(server.repository, options, pauses)


def _repository(
    reference: Reference, options: RegistryOptions, pauses: list[float]
) -> RegistryRepository:
    return RegistryRepository(reference, options, clock=Clock(sleep=pauses.append))


def _index(*entries: dict[str, object]) -> bytes:
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    return json.dumps(document).encode()


def _entry(number: int) -> dict[str, object]:
    return {"mediaType": OCI_MANIFEST, "digest": f"sha256:{number:064x}", "size": 1}


def _failure(error: type[SupplyChainError], repository: RegistryRepository) -> SupplyChainError:
    with pytest.raises(error) as caught:
        repository.resolve("1")
    assert type(caught.value) is error
    return caught.value


# What the registry says.


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
    failure = _failure(error, repository)
    assert words in str(failure)
    assert failure.because == f"status {status}, {code}: said so"
    assert not failure.retryable
    assert pauses == []


def test_who_is_refused_is_told_how_to_log_in(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("GET", _TAG, refusal(401, "UNAUTHORIZED", **{"WWW-Authenticate": "Basic"}))
    hint = _failure(AuthenticationError, repository).hint or ""
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
    failure = _failure(RegistryError, repository)
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
    assert _failure(RegistryError, repository).hint == "try again in 3600 s"
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
    assert "was cut" in str(_failure(RegistryError, repository))
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
    failure = _failure(RegistryError, repository)
    assert time.monotonic() - began < 3
    assert "too slow" in str(failure)
    assert failure.retryable


def test_a_port_where_nothing_listens(options: RegistryOptions, pauses: list[float]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    failure = _failure(RegistryError, _repository(Reference(address, "app"), options, pauses))
    assert str(failure) == f"nothing answers at {address}"
    assert pauses == []


def test_a_host_that_does_not_exist(options: RegistryOptions, pauses: list[float]) -> None:
    reference = Reference("registry.invalid", "app")
    failure = _failure(RegistryError, _repository(reference, options, pauses))
    assert str(failure) == "there is no host registry.invalid"


def test_a_server_that_speaks_no_http(options: RegistryOptions, pauses: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.listen()
        reference = Reference(f"127.0.0.1:{listening.getsockname()[1]}", "app")
        impatient = replace(options, connect_timeout=0.3)
        failure = _failure(RegistryError, _repository(reference, impatient, pauses))
    assert "too slow" in str(failure)


# What is too much, or not what it should be.


@pytest.mark.parametrize(
    "answer",
    [
        endless(100 * 1024 * 1024),
        endless(),
        endless(declared=MANIFEST_LIMIT + 1),
    ],
    ids=["100 MB declared", "endless", "one byte too many"],
)
def test_a_manifest_over_the_limit_is_not_read(
    server: ScriptedServer, repository: RegistryRepository, answer: Answer
) -> None:
    server.on("GET", _TAG, answer)
    assert str(MANIFEST_LIMIT) in (_failure(LimitError, repository).because or "")


def test_a_page_of_html_is_not_a_manifest(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("GET", _TAG, reply(200, b"<html>Welcome!</html>", kind="text/html; charset=utf-8"))
    failure = _failure(RegistryError, repository)
    assert "'text/html'" in (failure.because or "")
    assert not failure.retryable


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b'{"schemaVersion":1,"fsLayers":[]}', "v1+prettyjws", "Docker's schema 1"),
        (b'{"schemaVersion":1,"fsLayers":[]}', "v1+json", "Docker's schema 1"),
        (EMPTY_MANIFEST, "manifest.list.v2+json", "but says that it is"),
        (b"not json", "manifest.v2+json", "not a JSON document"),
    ],
)
def test_a_manifest_of_the_wrong_type_is_refused_by_name(
    server: ScriptedServer, repository: RegistryRepository, body: bytes, kind: str, words: str
) -> None:
    kinds = "application/vnd.docker.distribution.manifest."
    media_type = f"application/vnd.docker.distribution.{kind}"
    media_type = media_type if kind.startswith("manifest") else kinds + kind
    lie = str(Digest.of(b"schema 1 digests leave the signature out"))
    headers = {"Docker_Content_Digest": lie} if "v1+" in kind else {}
    server.on("GET", _TAG, manifest(body, media_type, **headers))
    assert words in str(_failure(InputError, repository))


def test_a_registry_that_names_another_digest_than_the_bytes_have(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("GET", _TAG, manifest(Docker_Content_Digest=str(Digest.of(b"other"))))
    assert str(_DIGEST) in (_failure(DigestMismatchError, repository).because or "")


def test_a_registry_that_names_a_weak_digest(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("GET", _TAG, manifest(Docker_Content_Digest="md5:" + "0" * 32))
    _failure(DigestMismatchError, repository)


def test_a_digest_that_brings_other_bytes(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    asked = Digest.of(b"asked for")
    server.on("GET", f"/v2/app/manifests/{asked}", manifest(Docker_Content_Digest=str(asked)))
    with pytest.raises(DigestMismatchError):
        repository.manifest(asked)


# Blobs.


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


# Uploads.


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


def test_an_upload_elsewhere_carries_no_credentials(
    server: ScriptedServer, elsewhere: ScriptedServer, options: RegistryOptions
) -> None:
    repository = _repository(server.repository, replace(options, token="secret"), [])
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


# Redirects.


def test_a_redirect_to_another_host_carries_no_credentials(
    server: ScriptedServer, elsewhere: ScriptedServer, options: RegistryOptions
) -> None:
    repository = _repository(server.repository, replace(options, token="secret"), [])
    server.on("GET", _BLOB_PATH, redirect(f"{elsewhere.url}/stored?X-Signature=s"))
    elsewhere.on("GET", "/stored", reply(200, _BLOB))
    assert b"".join(repository.blob_chunks(descriptor(_BLOB))) == _BLOB
    assert server.requests[0].authorization == "Bearer secret"
    assert [one.authorization for one in elsewhere.requests] == [None]


def test_a_redirect_within_the_registry_keeps_the_credentials(
    server: ScriptedServer, options: RegistryOptions
) -> None:
    repository = _repository(server.repository, replace(options, token="secret"), [])
    server.on("GET", _TAG, redirect("/moved"))
    server.on("GET", "/moved", manifest())
    assert repository.resolve("1").digest == _DIGEST
    assert server.requests[-1].authorization == "Bearer secret"


def test_storage_that_refuses_is_not_taken_for_the_registry(
    server: ScriptedServer, elsewhere: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("GET", _TAG, redirect(f"{elsewhere.url}/stored?X-Signature=hidden"))
    elsewhere.on("GET", "/stored", reply(403))
    failure = _failure(RegistryError, repository)
    assert elsewhere.address in str(failure)
    assert "hidden" not in str(failure.diagnostics())


def test_redirects_in_a_circle_end(server: ScriptedServer, repository: RegistryRepository) -> None:
    server.on("GET", _TAG, redirect("/a"))
    server.on("GET", "/a", redirect("/b"))
    server.on("GET", "/b", redirect("/a"))
    assert "more than 5" in (_failure(RegistryError, repository).because or "")
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
    failure = _failure(RegistryError, repository)
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
        failure = _failure(RegistryError, _repository(server.repository, options, []))
    assert "plain HTTP" in str(failure)
    assert elsewhere.requests == []


def test_a_host_that_is_not_admitted_is_never_connected_to(
    server: ScriptedServer, elsewhere: ScriptedServer, options: RegistryOptions
) -> None:
    def admit(host: str, port: int) -> None:
        if f"{host}:{port}" != server.address:
            raise InputError(f"{host}:{port} is not on the list")

    server.on("GET", _TAG, redirect(f"{elsewhere.url}/stored"))
    failure = _failure(
        InputError, _repository(server.repository, replace(options, admit=admit), [])
    )
    assert str(failure) == f"{elsewhere.address} is not on the list"
    assert elsewhere.requests == []


# Referrers.


def test_referrers_on_pages_in_a_circle_end(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    page = reply(200, _index(_entry(1)), {"Link": f'<{_API}?p=2>; rel="next"'}, kind=OCI_INDEX)
    server.on("GET", _API, page)
    with pytest.raises(RegistryError, match="lead nowhere"):
        repository.referrers(_SUBJECT)
    assert len(server.requests) == 2


def test_referrers_on_another_host_are_refused(
    server: ScriptedServer, elsewhere: ScriptedServer, repository: RegistryRepository
) -> None:
    link = {"Link": f'<{elsewhere.url}{_API}>; rel="next"'}
    server.on("GET", _API, reply(200, _index(_entry(1)), link, kind=OCI_INDEX))
    with pytest.raises(RegistryError, match="lead nowhere"):
        repository.referrers(_SUBJECT)
    assert elsewhere.requests == []


def test_referrers_on_pages_without_end_are_refused(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    pages = [
        reply(200, _index(_entry(n)), {"Link": f'<{_API}?p={n}>; rel="next"'}, kind=OCI_INDEX)
        for n in range(200)
    ]
    server.on("GET", _API, *pages)
    with pytest.raises(LimitError, match="too many"):
        repository.referrers(_SUBJECT)
    assert len(server.requests) == 51


def test_more_referrers_than_anybody_needs_are_refused(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    pages = [
        reply(
            200,
            _index(*(_entry(600 * page + n) for n in range(600))),
            {"Link": f'<{_API}?p={page}>; rel="next"'},
            kind=OCI_INDEX,
        )
        for page in range(3)
    ]
    server.on("GET", _API, *pages)
    with pytest.raises(LimitError, match="too many"):
        repository.referrers(_SUBJECT)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "answer",
    [
        reply(404),
        reply(400),
        reply(405),
        reply(200, _index(), kind="application/json"),
        reply(200, _index(), kind=f"{OCI_INDEX}; charset=utf-8"),
    ],
    ids=["404", "400", "405", "other type", "type with a parameter"],
)
def test_without_the_api_the_fallback_tag_is_read(
    server: ScriptedServer, repository: RegistryRepository, answer: Answer
) -> None:
    server.on("GET", _API, answer)
    server.on("GET", _FALLBACK, manifest(_index(_entry(1)), OCI_INDEX))
    for _ in range(2):
        assert len(repository.referrers(_SUBJECT)) == 1
    assert len(server.asked("GET", _API)) == 1


@pytest.mark.parametrize("status", [500, 403])
def test_a_failing_api_is_not_taken_for_a_missing_one(
    server: ScriptedServer, repository: RegistryRepository, status: int
) -> None:
    server.on("GET", _API, reply(status))
    server.on("GET", _FALLBACK, manifest(_index(), OCI_INDEX))
    with pytest.raises(RegistryError):
        repository.referrers(_SUBJECT)
    assert server.asked("GET", _FALLBACK) == []


@pytest.mark.parametrize(
    "answer",
    [
        manifest(b"garbage", OCI_INDEX),
        manifest(EMPTY_MANIFEST, OCI_MANIFEST),
        manifest(b'{"schemaVersion":2,"manifests":[{"digest":"x"}]}', OCI_INDEX),
    ],
    ids=["no JSON", "an image", "no descriptor"],
)
def test_garbage_under_the_fallback_tag_is_refused_and_not_overwritten(
    server: ScriptedServer, repository: RegistryRepository, answer: Answer
) -> None:
    note = _note()
    server.on("PUT", f"/v2/app/manifests/{Digest.of(note)}", reply(201))
    server.on("GET", _FALLBACK, answer)
    with pytest.raises(VerificationError, match="not an index of referrers"):
        repository.referrers(_SUBJECT)
    with pytest.raises(VerificationError, match="not an index of referrers"):
        repository.attach(note, OCI_MANIFEST, subject=_SUBJECT)
    assert server.asked("PUT", _FALLBACK) == []


def test_an_entry_that_another_client_overwrote_is_written_again(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    note = _note()
    ours = {"mediaType": OCI_MANIFEST, "digest": str(Digest.of(note)), "size": len(note)}
    server.on("PUT", f"/v2/app/manifests/{Digest.of(note)}", reply(201))
    server.on("PUT", _FALLBACK, reply(201))
    server.on(
        "GET",
        _FALLBACK,
        reply(404),
        manifest(_index(_entry(1)), OCI_INDEX),  # what we wrote is gone, theirs is there
        manifest(_index(_entry(1), ours), OCI_INDEX),
    )
    repository.attach(note, OCI_MANIFEST, subject=_SUBJECT)
    first, second = (json.loads(one.body)["manifests"] for one in server.asked("PUT", _FALLBACK))
    assert [one["digest"] for one in first] == [ours["digest"]]
    assert [one["digest"] for one in second] == [_entry(1)["digest"], ours["digest"]]


def test_a_fallback_tag_that_others_keep_overwriting_is_a_conflict(
    server: ScriptedServer, repository: RegistryRepository, pauses: list[float]
) -> None:
    note = _note()
    server.on("PUT", f"/v2/app/manifests/{Digest.of(note)}", reply(201))
    server.on("PUT", _FALLBACK, reply(201))
    server.on("GET", _FALLBACK, manifest(_index(_entry(1)), OCI_INDEX))
    with pytest.raises(SupplyChainError, match="could not be updated") as caught:
        repository.attach(note, OCI_MANIFEST, subject=_SUBJECT)
    assert caught.value.code == "conflict"
    assert caught.value.retryable
    assert len(pauses) == len(server.asked("PUT", _FALLBACK)) == 10


def test_a_registry_that_lists_by_itself_needs_no_fallback_tag(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    note = _note()
    subject = {"OCI-Subject": str(_SUBJECT)}
    server.on("PUT", f"/v2/app/manifests/{Digest.of(note)}", reply(201, headers=subject))
    repository.attach(note, OCI_MANIFEST, subject=_SUBJECT)
    assert len(server.requests) == 1


def _note() -> bytes:
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "subject": {"mediaType": OCI_MANIFEST, "digest": str(_SUBJECT), "size": 7},
        }
    ).encode()
