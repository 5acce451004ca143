"""What every `ArtifactStore` holds to, whatever is behind it.

A new store joins by one line in `_STORES` and one fixture that makes an empty one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from supplychain.errors import (
    ConflictError,
    DigestMismatchError,
    InputError,
    LimitError,
    NotFoundError,
    SupplyChainError,
)
from supplychain.images.layout import OciLayout
from supplychain.images.registry.repository import RegistryRepository
from supplychain.model.artifact import (
    OCI_INDEX,
    OCI_MANIFEST,
    ArtifactStore,
    Descriptor,
    Manifest,
)
from supplychain.model.digest import Digest
from tests.kit.artifacts import MemoryStore
from tests.kit.referrers_registry import ReferrersRegistry
from tests.kit.registry import RunningRegistry

_STORES = ("memory_store", "layout_store", "fallback_tag_store", "referrers_api_store")
_OCTETS = "application/octet-stream"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_NOWHERE = Digest.of(b"nothing has this digest")


@pytest.fixture
def memory_store() -> ArtifactStore:
    return MemoryStore()


@pytest.fixture
def layout_store(tmp_path: Path) -> ArtifactStore:
    return OciLayout.create(tmp_path / "layout")


@pytest.fixture
def fallback_tag_store(debian_registry: RunningRegistry) -> Iterator[ArtifactStore]:
    repository = RegistryRepository(debian_registry.fresh())
    yield repository
    repository.close()


@pytest.fixture
def referrers_api_store(referrers_registry: ReferrersRegistry) -> Iterator[ArtifactStore]:
    repository = RegistryRepository(referrers_registry.fresh())
    yield repository
    repository.close()


@pytest.fixture(params=_STORES)
def store(request: pytest.FixtureRequest) -> ArtifactStore:
    made: ArtifactStore = request.getfixturevalue(request.param)
    return made


def _descriptor(data: bytes, media_type: str = _OCTETS) -> Descriptor:
    return Descriptor(media_type, Digest.of(data), len(data))


def _json(descriptor: Descriptor) -> dict[str, object]:
    return {
        "mediaType": descriptor.media_type,
        "digest": str(descriptor.digest),
        "size": descriptor.size,
    }


def _manifest(store: ArtifactStore, label: str, **more: object) -> bytes:
    """An image manifest whose configuration is in the store."""
    config = json.dumps({"os": "linux", "architecture": "amd64", "label": label}).encode()
    store.put_blob(config)
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _json(_descriptor(config, _CONFIG)),
        "layers": [],
    }
    return json.dumps(document | more).encode()


def _attachment(store: ArtifactStore, subject: bytes, label: str) -> bytes:
    return _manifest(
        store,
        label,
        subject=_json(_descriptor(subject, OCI_MANIFEST)),
        artifactType="application/vnd.example.note",
        annotations={"example.label": label},
    )


def test_a_blob_comes_back_as_it_was_stored(store: ArtifactStore) -> None:
    data = bytes(range(256)) * 8192  # 2 MiB: more than one chunk
    assert store.put_blob(data) == Digest.of(data)
    assert store.blob(_descriptor(data), limit=len(data)) == data
    chunks = list(store.blob_chunks(_descriptor(data)))
    assert b"".join(chunks) == data
    assert max(map(len, chunks)) <= 1 << 20


def test_an_empty_blob_is_a_blob(store: ArtifactStore) -> None:
    store.put_blob(b"")
    assert store.blob(_descriptor(b""), limit=0) == b""


def test_storing_a_blob_twice_does_nothing(store: ArtifactStore) -> None:
    assert store.put_blob(b"same") == store.put_blob(b"same")
    assert store.blob(_descriptor(b"same"), limit=4) == b"same"


def test_a_blob_is_stored_from_a_stream(store: ArtifactStore) -> None:
    data = bytes(range(256)) * 8192
    assert not store.has_blob(Digest.of(data))
    for _ in range(2):
        store.put_blob_chunks(_descriptor(data), lambda: iter((data[:70_000], data[70_000:])))
    assert store.has_blob(Digest.of(data))
    assert store.blob(_descriptor(data), limit=len(data)) == data


def test_an_empty_blob_is_stored_from_a_stream(store: ArtifactStore) -> None:
    store.put_blob_chunks(_descriptor(b""), lambda: iter(()))
    assert store.has_blob(Digest.of(b""))


@pytest.mark.parametrize("came", [b"other bytes!", b"right", b"right bytes and more"])
def test_a_stream_that_is_not_what_it_should_be_is_not_stored(
    store: ArtifactStore, came: bytes
) -> None:
    wanted = _descriptor(b"right bytes.")
    with pytest.raises(DigestMismatchError):
        store.put_blob_chunks(wanted, lambda: iter((came,)))
    assert not store.has_blob(wanted.digest)


def test_a_blob_is_not_taken_over_from_somewhere_else(store: ArtifactStore) -> None:
    other = MemoryStore()
    assert not store.mount_blob(other.put_blob(b"there"), other)
    assert not store.has_blob(Digest.of(b"there"))


def test_a_child_is_there_and_looked_for_by_nobody(store: ArtifactStore) -> None:
    raw = _manifest(store, "child")
    child = Manifest(OCI_MANIFEST, Digest.of(raw), raw)
    store.put_child(child)
    assert store.manifest(child.digest).raw == raw
    if isinstance(store, OciLayout):
        assert store.entries() == ()


def test_a_blob_that_is_not_there_is_not_found(store: ArtifactStore) -> None:
    missing = Descriptor(_OCTETS, _NOWHERE, 5)
    with pytest.raises(NotFoundError):
        store.blob(missing, limit=5)
    with pytest.raises(NotFoundError):
        list(store.blob_chunks(missing))


def test_a_blob_over_the_callers_limit_is_refused(store: ArtifactStore) -> None:
    store.put_blob(b"four")
    with pytest.raises(LimitError):
        store.blob(_descriptor(b"four"), limit=3)


def test_a_blob_longer_than_its_descriptor_says_is_refused(store: ArtifactStore) -> None:
    store.put_blob(b"longer")
    short = Descriptor(_OCTETS, Digest.of(b"longer"), 3)
    with pytest.raises(LimitError):
        store.blob(short, limit=100)
    with pytest.raises(LimitError):
        list(store.blob_chunks(short))


def test_a_blob_shorter_than_its_descriptor_says_is_refused(store: ArtifactStore) -> None:
    store.put_blob(b"short")
    with pytest.raises(DigestMismatchError):
        list(store.blob_chunks(Descriptor(_OCTETS, Digest.of(b"short"), 99)))


def test_a_manifest_comes_back_byte_by_byte(store: ArtifactStore) -> None:
    raw = _manifest(store, "exact") + b"\n  "
    digest = store.put_manifest(raw, OCI_MANIFEST)
    assert digest == Digest.of(raw)
    found = store.manifest(digest)
    assert (found.raw, found.digest, found.media_type) == (raw, digest, OCI_MANIFEST)


def test_an_index_is_a_manifest_too(store: ArtifactStore) -> None:
    child = _manifest(store, "child")
    store.put_manifest(child, OCI_MANIFEST)
    index = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [_json(_descriptor(child, OCI_MANIFEST))],
        }
    ).encode()
    digest = store.put_manifest(index, OCI_INDEX, tag="all")
    found = store.resolve("all")
    assert (found.media_type, found.digest, found.size) == (OCI_INDEX, digest, len(index))


def test_a_manifest_that_is_not_there_is_not_found(store: ArtifactStore) -> None:
    with pytest.raises(NotFoundError):
        store.manifest(_NOWHERE)


def test_a_tag_names_what_was_put_there_last(store: ArtifactStore) -> None:
    first, second = _manifest(store, "first"), _manifest(store, "second")
    store.put_manifest(first, OCI_MANIFEST, tag="now")
    assert store.resolve("now").digest == Digest.of(first)
    store.put_manifest(second, OCI_MANIFEST, tag="now")
    assert store.resolve("now").digest == Digest.of(second)


def test_a_tag_that_is_not_there_is_not_found_by_name(store: ArtifactStore) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        store.resolve("nowhere")


def test_nothing_refers_to_what_nobody_attached_to(store: ArtifactStore) -> None:
    raw = _manifest(store, "alone")
    store.put_manifest(raw, OCI_MANIFEST, tag="alone")
    assert store.referrers(Digest.of(raw)) == ()
    assert store.referrers(_NOWHERE) == ()


def test_what_is_attached_is_found_with_its_type_and_annotations(store: ArtifactStore) -> None:
    subject = _manifest(store, "subject")
    store.put_manifest(subject, OCI_MANIFEST, tag="subject")
    note = _attachment(store, subject, "one")
    digest = store.attach(note, OCI_MANIFEST, subject=Digest.of(subject))
    assert store.referrers(Digest.of(subject)) == (
        Descriptor(
            OCI_MANIFEST,
            digest,
            len(note),
            artifact_type="application/vnd.example.note",
            annotations=(("example.label", "one"),),
        ),
    )
    assert store.manifest(digest).raw == note


def test_attaching_the_same_twice_lists_it_once(store: ArtifactStore) -> None:
    subject = _manifest(store, "subject")
    store.put_manifest(subject, OCI_MANIFEST, tag="subject")
    note = _attachment(store, subject, "one")
    for _ in range(2):
        store.attach(note, OCI_MANIFEST, subject=Digest.of(subject))
    assert len(store.referrers(Digest.of(subject))) == 1


def test_several_attached_at_once_are_found_beside_those_that_were_there(
    store: ArtifactStore,
) -> None:
    subject = _manifest(store, "subject")
    store.put_manifest(subject, OCI_MANIFEST, tag="subject")
    notes = [_attachment(store, subject, label) for label in ("one", "two", "three")]
    first = store.attach(notes[0], OCI_MANIFEST, subject=Digest.of(subject))
    digests = store.attach_all(notes, OCI_MANIFEST, subject=Digest.of(subject))
    assert digests == tuple(Digest.of(note) for note in notes)
    assert digests[0] == first
    found = [one.digest for one in store.referrers(Digest.of(subject))]
    assert sorted(found) == sorted(digests)


def test_attachments_of_one_image_are_not_those_of_another(store: ArtifactStore) -> None:
    subjects = [_manifest(store, label) for label in ("left", "right")]
    for subject, label in zip(subjects, ("a", "b"), strict=True):
        store.put_manifest(subject, OCI_MANIFEST, tag=label)
        note = _attachment(store, subject, label)
        store.attach(note, OCI_MANIFEST, subject=Digest.of(subject))
    found = [store.referrers(Digest.of(subject)) for subject in subjects]
    assert [dict(one.annotations)["example.label"] for (one,) in found] == ["a", "b"]


def test_a_manifest_about_something_else_is_not_attached(store: ArtifactStore) -> None:
    subject = _manifest(store, "subject")
    store.put_manifest(subject, OCI_MANIFEST, tag="subject")
    with pytest.raises(InputError, match="subject"):
        store.attach(_manifest(store, "stranger"), OCI_MANIFEST, subject=Digest.of(subject))
    assert store.referrers(Digest.of(subject)) == ()


def test_attaching_at_once_loses_nothing(store: ArtifactStore) -> None:
    subject = _manifest(store, "subject")
    store.put_manifest(subject, OCI_MANIFEST, tag="subject")
    notes = [_attachment(store, subject, str(number)) for number in range(8)]
    with ThreadPoolExecutor(4) as threads:
        digests = list(
            threads.map(
                lambda note: store.attach(note, OCI_MANIFEST, subject=Digest.of(subject)), notes
            )
        )
    found = [one.digest for one in store.referrers(Digest.of(subject))]
    assert sorted(found) == sorted(digests)


def _adding(store: ArtifactStore, label: str) -> Callable[[Manifest | None], Manifest]:
    """A change that adds a label to the list that a manifest carries, once."""

    def change(current: Manifest | None) -> Manifest:
        value = {} if current is None else json.loads(current.raw)
        labels = value.get("annotations", {}).get("labels", "").split()
        if current is not None and label in labels:
            return current
        value = json.loads(base) if current is None else value
        value["annotations"] = {"labels": " ".join([*labels, label])}
        data = json.dumps(value).encode()
        return Manifest(OCI_MANIFEST, Digest.of(data), data)

    base = _manifest(store, "list")
    return change


def _labels(manifest: Manifest) -> list[str]:
    labels: str = json.loads(manifest.raw)["annotations"]["labels"]
    return labels.split()


def test_a_tag_is_amended_from_nothing_on(store: ArtifactStore) -> None:
    first = store.amend("list", _adding(store, "one"))
    second = store.amend("list", _adding(store, "two"))
    again = store.amend("list", _adding(store, "one"))
    assert [_labels(made) for made in (first, second)] == [["one"], ["one", "two"]]
    assert again == second
    assert store.manifest(store.resolve("list").digest) == second


def test_amending_at_once_loses_nothing(store: ArtifactStore) -> None:
    labels = [f"label-{number}" for number in range(8)]
    changes = [_adding(store, label) for label in labels]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda change: store.amend("list", change), changes))
    assert sorted(_labels(store.manifest(store.resolve("list").digest))) == labels


def test_an_amendment_that_is_refused_changes_nothing(store: ArtifactStore) -> None:
    before = store.amend("list", _adding(store, "one"))

    def refuse(current: Manifest | None) -> Manifest:
        raise ConflictError(f"not over {current and current.digest}")

    with pytest.raises(ConflictError, match=str(before.digest)):
        store.amend("list", refuse)
    assert store.resolve("list").digest == before.digest


def test_every_error_is_one_of_ours(store: ArtifactStore) -> None:
    for tag in ("", "-", "a b", "x" * 200, "../up"):
        with pytest.raises(SupplyChainError):
            store.resolve(tag)
