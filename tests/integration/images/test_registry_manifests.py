"""Manifests that are too large, of the wrong type, or not what their digest says."""

from __future__ import annotations

import pytest

from supplychain.errors import (
    DigestMismatchError,
    InputError,
    LimitError,
    RegistryError,
)
from supplychain.images.registry.repository import RegistryRepository
from supplychain.model.artifact import MANIFEST_LIMIT
from supplychain.model.digest import Digest
from tests.kit.misbehaving import (
    EMPTY_MANIFEST,
    Answer,
    ScriptedServer,
    endless,
    manifest,
    reply,
)
from tests.kit.registry_client import failure_of

_TAG = "/v2/app/manifests/1"
_DIGEST = Digest.of(EMPTY_MANIFEST)


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
    assert str(MANIFEST_LIMIT) in (failure_of(LimitError, repository).because or "")


def test_a_page_of_html_is_not_a_manifest(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("GET", _TAG, reply(200, b"<html>Welcome!</html>", kind="text/html; charset=utf-8"))
    failure = failure_of(RegistryError, repository)
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
    assert words in str(failure_of(InputError, repository))


def test_a_registry_that_names_another_digest_than_the_bytes_have(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("GET", _TAG, manifest(Docker_Content_Digest=str(Digest.of(b"other"))))
    assert str(_DIGEST) in (failure_of(DigestMismatchError, repository).because or "")


def test_a_registry_that_names_a_weak_digest(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    server.on("GET", _TAG, manifest(Docker_Content_Digest="md5:" + "0" * 32))
    failure_of(DigestMismatchError, repository)


def test_a_digest_that_brings_other_bytes(
    server: ScriptedServer, repository: RegistryRepository
) -> None:
    asked = Digest.of(b"asked for")
    server.on("GET", f"/v2/app/manifests/{asked}", manifest(Docker_Content_Digest=str(asked)))
    with pytest.raises(DigestMismatchError):
        repository.manifest(asked)
