"""What belongs to an image, and sources that contradict themselves or never end."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from supplychain.errors import (
    DigestMismatchError,
    InputError,
    LimitError,
    NotFoundError,
    VerificationError,
)
from supplychain.images import graph
from supplychain.images.files import Folder
from supplychain.images.graph import Graph, survey
from supplychain.images.layout import OciLayout
from supplychain.images.layout_reader import INDEX, LayoutReader
from supplychain.model.artifact import OCI_INDEX, OCI_MANIFEST, Descriptor
from supplychain.model.digest import Digest
from tests.kit.artifacts import MemoryStore, put_image

NOTE = "application/vnd.example.note"


def look(store: MemoryStore, top: Digest) -> Graph:
    return survey(store, top, tags=lambda digest: (f"sha256-{digest.hex}.sig",))


def entry(store: MemoryStore, digest: Digest, **more: Any) -> dict[str, Any]:
    raw = store.manifests[digest].raw
    return {"mediaType": OCI_MANIFEST, "digest": str(digest), "size": len(raw), **more}


def put(store: MemoryStore, **members: Any) -> Digest:
    value = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, **members}
    return store.put_manifest(json.dumps(value).encode(), value["mediaType"])


def index(store: MemoryStore, children: Iterable[dict[str, Any]], **more: Any) -> Digest:
    return put(store, mediaType=OCI_INDEX, manifests=[*children], **more)


def attach(store: MemoryStore, subject: Digest, label: str = "note") -> Digest:
    named = {"mediaType": OCI_MANIFEST, "digest": str(subject), "size": 1}
    return put(store, layers=[], artifactType=NOTE, subject=named, annotations={"label": label})


def test_everything_is_found_once_and_children_come_first() -> None:
    store = MemoryStore()
    one, two = put_image(store, "one").digest, put_image(store, "two").digest
    top = index(store, [entry(store, one), entry(store, two), entry(store, one)])
    note = attach(store, two)
    about_note = attach(store, note)
    signature = put_image(store, "signature").digest
    store.tags[f"sha256-{top.hex}.sig"] = signature
    about_signature = attach(store, signature)

    found = look(store, top)
    order = [node.digest for node in found.nodes]
    assert order[:3] == [one, two, top]
    assert set(order[3:]) == {note, about_note, signature, about_signature}
    assert len(order) == 7
    assert found.named == {one, two, top, signature}
    assert found.attached.keys() == {two, note, signature}
    assert [(c.subject, c.manifest.digest) for c in found.companions] == [(top, signature)]
    assert len(found.blobs) == 3


def test_a_referrer_may_be_an_index_with_children_of_its_own() -> None:
    store = MemoryStore()
    image, part = put_image(store).digest, put_image(store, "part").digest
    named = {"mediaType": OCI_MANIFEST, "digest": str(image), "size": 1}
    held = index(store, [entry(store, part)], subject=named)
    found = look(store, image)
    assert [node.digest for node in found.nodes] == [image, part, held]
    assert found.named == {image, part}


def test_an_index_may_list_blobs() -> None:
    """As BuildKit's caches do."""
    store = MemoryStore()
    blob = store.put_blob(b"cache")
    kind = "application/vnd.oci.image.layer.v1.tar+gzip"
    top = index(store, [{"mediaType": kind, "digest": str(blob), "size": 5}])
    assert look(store, top).blobs == (Descriptor(kind, blob, 5),)


def test_a_child_that_is_missing_leaves_no_whole_image() -> None:
    store = MemoryStore()
    child = {"mediaType": OCI_MANIFEST, "digest": str(Digest.of(b"gone")), "size": 4}
    with pytest.raises(NotFoundError):
        look(store, index(store, [child]))


def test_a_listed_referrer_that_is_missing_is_no_referrer() -> None:
    store = MemoryStore()
    image = put_image(store).digest
    gone = Descriptor(OCI_MANIFEST, Digest.of(b"gone"), 4)
    store.referring[image] = [gone]
    with pytest.raises(NotFoundError):
        look(store, image)


@pytest.mark.parametrize("names", ["nothing", "another image"])
def test_a_referrer_that_names_something_else_is_a_lie(names: str) -> None:
    store = MemoryStore()
    image, other = put_image(store).digest, put_image(store, "other").digest
    stray = other if names == "nothing" else attach(store, other)
    store.list_referrer(image, stray)
    with pytest.raises(VerificationError, match="which it is not"):
        look(store, image)


def test_sizes_that_contradict_each_other_are_refused() -> None:
    store = MemoryStore()
    image = put_image(store).digest
    with pytest.raises(VerificationError, match="bytes in one place"):
        look(store, index(store, [entry(store, image, size=7)]))
    blob = str(store.put_blob(b"blob"))
    layers = [{"mediaType": NOTE, "digest": blob, "size": size} for size in (4, 5)]
    with pytest.raises(VerificationError, match="bytes in one place"):
        look(store, put(store, layers=layers))


def test_a_layer_that_is_kept_elsewhere_cannot_go_along() -> None:
    store = MemoryStore()
    layer = {
        "mediaType": NOTE,
        "digest": str(Digest.of(b"")),
        "size": 0,
        "urls": ["https://x.example/layer"],
    }
    with pytest.raises(InputError, match="kept elsewhere"):
        look(store, put(store, layers=[layer]))


def test_other_bytes_than_those_named_are_refused() -> None:
    store = MemoryStore()
    image = put_image(store).digest
    other = store.manifests[put_image(store, "other").digest]
    store.manifests[image] = type(other)(other.media_type, image, other.raw)
    with pytest.raises(DigestMismatchError):
        look(store, image)


class _Endless(MemoryStore):
    """Has something attached to whatever it is asked about."""

    def referrers(self, digest: Digest) -> tuple[Descriptor, ...]:
        attach(self, digest, f"about {digest}")
        return super().referrers(digest)


def test_referrers_of_referrers_without_end() -> None:
    store = _Endless()
    with pytest.raises(LimitError, match="endlessly"):
        look(store, put_image(store).digest)


def test_indexes_within_indexes_without_end() -> None:
    store = MemoryStore()
    top = put_image(store).digest
    for _ in range(20):
        top = index(store, [entry(store, top, mediaType=store.manifests[top].media_type)])
    with pytest.raises(LimitError, match="endlessly"):
        look(store, top)


@pytest.mark.parametrize("limit", ["MOST_MANIFESTS", "MOST_MANIFEST_BYTES"])
def test_more_than_anybody_needs(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    image = put_image(store).digest
    for number in range(5):
        attach(store, image, str(number))
    assert len(look(store, image).nodes) == 6
    size = sum(len(manifest.raw) for manifest in store.manifests.values())
    monkeypatch.setattr(graph, limit, 5 if limit == "MOST_MANIFESTS" else size - 1)
    with pytest.raises(LimitError, match="than anybody needs"):
        look(store, image)


class _Counted(Folder):
    """A folder that counts how often its files are read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.reads = 0

    def chunks(self, path: str) -> Iterator[bytes]:
        if path != INDEX:
            self.reads += 1
        return super().chunks(path)


def test_reading_a_layout_grows_with_what_is_attached_and_no_faster(tmp_path: Path) -> None:
    reads = []
    for count in (10, 40):
        layout = OciLayout.create(tmp_path / str(count))
        image = put_image(layout).digest
        raws = [_note(image, str(number)) for number in range(count)]
        layout.attach_all(raws, OCI_MANIFEST, subject=image)
        files = _Counted(tmp_path / str(count))
        found = survey(LayoutReader(files), image, tags=lambda _: ("sig", "att"))
        assert len(found.nodes) == count + 1
        reads.append(files.reads)
    assert reads[1] < 5 * reads[0]


def _note(subject: Digest, label: str) -> bytes:
    named = {"mediaType": OCI_MANIFEST, "digest": str(subject), "size": 1}
    value = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [], "subject": named}
    return json.dumps({**value, "annotations": {"label": label}}).encode()
