"""Copies that fail half way, and destinations that do not hold what they got."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from supplychain.errors import (
    ConflictError,
    DigestMismatchError,
    RegistryError,
    VerificationError,
)
from supplychain.model.artifact import Descriptor, Manifest
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from supplychain.pipeline.copying import Copied, Goal, copy
from supplychain.pipeline.progress import NoProgress
from supplychain.signing import publication
from supplychain.signing.trust.trust import Trust
from supplychain.signing.verification import verify
from tests.kit.artifacts import MemoryStore, put_image
from tests.kit.keys import signer
from tests.kit.legacy import put_raw

AT = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


class Failing(MemoryStore):
    """A destination that fails at its n-th write."""

    def __init__(self, at: int) -> None:
        super().__init__("registry.example/prod/app")
        self.left = at

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise RegistryError("the registry is down")

    def put_blob_chunks(
        self, descriptor: Descriptor, chunks: Callable[[], Iterator[bytes]]
    ) -> None:
        self._count()
        super().put_blob_chunks(descriptor, chunks)

    def put_manifest(self, data: bytes, media_type: str, *, tag: str | None = None) -> Digest:
        self._count()
        return super().put_manifest(data, media_type, tag=tag)

    def attach_all(
        self, manifests: Sequence[bytes], media_type: str, *, subject: Digest
    ) -> tuple[Digest, ...]:
        self._count()
        return super().attach_all(manifests, media_type, subject=subject)


def source() -> tuple[MemoryStore, Subject]:
    store = MemoryStore()
    subject = put_image(store)
    publication.sign_image(store, subject, signer(), at=AT)
    publication.attest(store, subject, signer(), "https://x.example/v1", b"{}", at=AT)
    return store, subject


def copied(
    store: MemoryStore, digest: Digest, there: MemoryStore, tag: str | None = "live"
) -> Copied:
    return copy(store, digest, Goal(there, there.name, tag), NoProgress())


def held(store: MemoryStore, subject: Subject) -> int:
    report = verify(store, subject, Trust((signer().public_key,)), at=AT)
    assert report.rejected == ()
    return len(report.documents)


def test_wherever_it_fails_no_tag_stands_and_a_second_try_completes_it() -> None:
    store, subject = source()
    for number in range(1, 100):
        there = Failing(number)
        try:
            copied(store, subject.digest, there)
        except RegistryError:
            assert "live" not in there.tags
            copied(store, subject.digest, there)
        else:
            break
        assert there.tags["live"] == subject.digest
        assert held(there, subject) == 2
    else:
        pytest.fail("it never came to its end")
    assert number > 8


class _ReadOnly(Failing):
    """What another store holds; any write would fail."""

    def __init__(self, there: MemoryStore) -> None:
        super().__init__(1)
        self.blobs, self.manifests = there.blobs, there.manifests
        self.tags, self.referring = there.tags, there.referring

    def amend(self, tag: str, change: Callable[[Manifest | None], Manifest]) -> Manifest:
        current = self.manifests[self.tags[tag]]
        assert change(current) == current
        return current


def test_nothing_is_written_twice() -> None:
    store, subject = source()
    there = MemoryStore("registry.example/prod/app")
    first = copied(store, subject.digest, there)
    assert {fate.value for fate in first.moved.manifests.values()} == {"copied"}
    second = copied(store, subject.digest, _ReadOnly(there))
    assert {fate.value for fate in second.moved.manifests.values()} == {"already_there"}
    assert {fate.value for fate in second.moved.blobs.values()} == {"already_there"}


class _Changes(MemoryStore):
    """A destination that changes something once it was written."""

    def __init__(self, change: Callable[[MemoryStore], object]) -> None:
        super().__init__("registry.example/prod/app")
        self.change = change

    def amend(self, tag: str, change: Callable[[Manifest | None], Manifest]) -> Manifest:
        done = MemoryStore.amend(self, tag, change)
        self.change(self)  # signatures under tags come last before everything is read back
        return done


def _other_bytes(store: MemoryStore) -> None:
    digest = max(store.blobs, key=lambda one: len(store.blobs[one]))
    store.blobs[digest] = b"x" * len(store.blobs[digest])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_other_bytes, "other bytes"),
        (lambda store: store.referring.clear(), "does not list"),
        (lambda store: store.blobs.popitem(), "there is no blob"),
        (lambda store: store.tags.clear(), "nothing lies under"),
    ],
)
def test_a_destination_that_does_not_hold_it_gets_no_tag(
    change: Callable[[MemoryStore], object], words: str
) -> None:
    store, subject = source()
    there = _Changes(change)
    with pytest.raises(VerificationError, match="does not hold what was copied") as caught:
        copied(store, subject.digest, there)
    assert words in str(caught.value.because)
    assert "live" not in there.tags


def test_a_source_that_gives_other_bytes_is_not_copied() -> None:
    store, subject = source()
    digest = next(iter(store.blobs))
    store.blobs[digest] = b"x" * len(store.blobs[digest])
    there = MemoryStore("registry.example/prod/app")
    with pytest.raises(DigestMismatchError):
        copied(store, subject.digest, there)
    assert there.manifests == {}
    assert there.tags == {}


def test_signatures_are_merged_and_none_is_lost() -> None:
    store, subject = source()
    there = MemoryStore("registry.example/prod/app")
    put_image(there)
    publication.sign_image(there, subject, signer("theirs"), at=AT)
    before = there.tags[f"sha256-{subject.digest.hex}.sig"]
    done = copied(store, subject.digest, there)
    both = Trust((signer().public_key, signer("theirs").public_key))
    report = verify(there, subject, both, at=AT)
    assert report.rejected == ()
    assert {one.key_fingerprint for one in report.signatures} == {
        signer().public_key.fingerprint,
        signer("theirs").public_key.fingerprint,
    }
    layers = _layers(there, subject)
    assert len(layers) == 2
    assert there.tags[f"sha256-{subject.digest.hex}.sig"] != before
    assert copied(store, subject.digest, there).subject == done.subject
    assert _layers(there, subject) == layers


def _layers(store: MemoryStore, subject: Subject) -> list[Any]:
    tag = store.tags[f"sha256-{subject.digest.hex}.sig"]
    layers: list[Any] = json.loads(store.manifests[tag].raw)["layers"]
    return layers


@pytest.mark.parametrize("where", ["source", "destination"])
def test_what_is_no_image_of_signatures_is_left_alone(where: str) -> None:
    store, subject = source()
    there = MemoryStore("registry.example/prod/app")
    spoiled = store if where == "source" else there
    put_raw(spoiled, subject, spoiled.manifests[put_image(spoiled, "x").digest].raw)
    stands = spoiled.tags[f"sha256-{subject.digest.hex}.sig"]
    with pytest.raises(VerificationError, match="cannot be added to"):
        copied(store, subject.digest, there)
    assert spoiled.tags[f"sha256-{subject.digest.hex}.sig"] == stands
    assert "live" not in there.tags


def test_a_tag_that_is_taken_meanwhile_is_not_moved() -> None:
    store, subject = source()
    others: list[Digest] = []

    def take(there: MemoryStore) -> None:
        others.append(put_image(there, "other").digest)
        there.tags["live"] = others[-1]

    there = _Changes(take)
    with pytest.raises(ConflictError, match="stands on another image"):
        copied(store, subject.digest, there)
    assert there.tags["live"] == others[-1]
