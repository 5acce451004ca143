"""Referrers by the API and by the fallback tag, of registries that lie, loop or lose entries."""

from __future__ import annotations

import json

import pytest

from supplychain.errors import (
    LimitError,
    RegistryError,
    SupplyChainError,
    VerificationError,
)
from supplychain.images.registry.repository import RegistryRepository
from supplychain.model.artifact import OCI_INDEX, OCI_MANIFEST
from supplychain.model.digest import Digest
from tests.kit.misbehaving import (
    EMPTY_MANIFEST,
    Answer,
    ScriptedServer,
    manifest,
    reply,
)

_SUBJECT = Digest.of(b"subject")
_API = f"/v2/app/referrers/{_SUBJECT}"
_FALLBACK = f"/v2/app/manifests/sha256-{_SUBJECT.hex}"


def _index(*entries: dict[str, object]) -> bytes:
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    return json.dumps(document).encode()


def _entry(number: int) -> dict[str, object]:
    return {"mediaType": OCI_MANIFEST, "digest": f"sha256:{number:064x}", "size": 1}


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
        *(reply(404), reply(404)),
        # What we wrote is gone, theirs is there.
        *(manifest(_index(_entry(1)), OCI_INDEX), manifest(_index(_entry(1)), OCI_INDEX)),
        manifest(_index(_entry(1), ours), OCI_INDEX),
    )
    repository.attach(note, OCI_MANIFEST, subject=_SUBJECT)
    first, second = (json.loads(one.body)["manifests"] for one in server.asked("PUT", _FALLBACK))
    assert [one["digest"] for one in first] == [ours["digest"]]
    assert [one["digest"] for one in second] == [_entry(1)["digest"], ours["digest"]]


def test_an_entry_that_another_client_wrote_just_before_us_is_kept(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    note = _note()
    ours = {"mediaType": OCI_MANIFEST, "digest": str(Digest.of(note)), "size": len(note)}
    server.on("PUT", f"/v2/app/manifests/{Digest.of(note)}", reply(201))
    server.on("PUT", _FALLBACK, reply(201))
    theirs = manifest(_index(_entry(1)), OCI_INDEX)
    server.on(
        "GET",
        _FALLBACK,
        *(reply(404), theirs, theirs),  # theirs comes between our first look and our second
        manifest(_index(_entry(1), ours), OCI_INDEX),
    )
    repository.attach(note, OCI_MANIFEST, subject=_SUBJECT)
    (written,) = (json.loads(one.body)["manifests"] for one in server.asked("PUT", _FALLBACK))
    assert [one["digest"] for one in written] == [_entry(1)["digest"], ours["digest"]]


def test_whoever_sees_others_write_stays_until_they_are_done(
    server: ScriptedServer, repository: RegistryRepository, pauses: list[float]
) -> None:
    note = _note()
    ours = {"mediaType": OCI_MANIFEST, "digest": str(Digest.of(note)), "size": len(note)}
    server.on("PUT", f"/v2/app/manifests/{Digest.of(note)}", reply(201))
    server.on("PUT", _FALLBACK, reply(201))
    server.on(
        "GET",
        _FALLBACK,
        *(reply(404), reply(404)),
        manifest(_index(ours, _entry(1)), OCI_INDEX),  # ours is there, but another one wrote
        *(manifest(_index(_entry(1)), OCI_INDEX), manifest(_index(_entry(1)), OCI_INDEX)),  # lost
        manifest(_index(_entry(1), ours), OCI_INDEX),
    )
    repository.attach(note, OCI_MANIFEST, subject=_SUBJECT)
    first, second = (json.loads(one.body)["manifests"] for one in server.asked("PUT", _FALLBACK))
    assert [one["digest"] for one in first] == [ours["digest"]]
    assert [one["digest"] for one in second] == [_entry(1)["digest"], ours["digest"]]
    assert len(pauses) >= 3


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
