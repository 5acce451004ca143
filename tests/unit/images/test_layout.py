from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from demo.images import enter, put, to_json
from supplychain.errors import (
    ConflictError,
    DigestMismatchError,
    InputError,
    LimitError,
    NotFoundError,
    StoreError,
)
from supplychain.images.layout import OciLayout
from supplychain.images.layout_reader import FULL_NAME, TAG
from supplychain.model.artifact import OCI_MANIFEST, Descriptor
from supplychain.model.digest import Digest
from tests.kit.forging import child, forge, forge_index, one_file

_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


def _signature(subject: Digest, note: str = "a") -> bytes:
    empty = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": str(Digest.of(b"{}"))}
    return to_json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": _BUNDLE,
            "config": {**empty, "size": 2},
            "layers": [],
            "subject": {"mediaType": OCI_MANIFEST, "digest": str(subject), "size": 1},
            "annotations": {"note": note},
        }
    )


def _blob(layout: Path, digest: Digest) -> Path:
    return layout / "blobs" / digest.algorithm / digest.hex


def _edit_index(layout: Path, entries: list[dict[str, Any]]) -> None:
    (layout / "index.json").write_bytes(to_json({"schemaVersion": 2, "manifests": entries}))


def _index(layout: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((layout / "index.json").read_bytes())["manifests"]
    return entries


def test_a_folder_that_is_no_layout_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is no OCI layout"):
        OciLayout(tmp_path)
    with pytest.raises(NotFoundError, match="is no OCI layout"):
        OciLayout(tmp_path / "absent")


def test_another_version_is_refused(tmp_path: Path) -> None:
    (forge(tmp_path) / "oci-layout").write_text('{"imageLayoutVersion":"2.0.0"}')
    with pytest.raises(InputError, match=r"unknown version '2\.0\.0'"):
        OciLayout(tmp_path)


def test_create_makes_an_empty_layout_and_opens_it_again(tmp_path: Path) -> None:
    assert OciLayout.create(tmp_path / "new" / "layout").entries() == ()
    OciLayout.create(tmp_path / "new" / "layout").put_manifest(
        (b'{"schemaVersion":2,"config":{},"layers":[]}'), OCI_MANIFEST, tag="1"
    )
    assert len(OciLayout.create(tmp_path / "new" / "layout").entries()) == 1


def test_create_leaves_other_peoples_folders_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(ConflictError, match="neither empty nor an OCI layout"):
        OciLayout.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_place_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        OciLayout.create(tmp_path / "file" / "layout")
    assert caught.value.because == "Not a directory"
    assert caught.value.hint


def test_the_only_image_needs_no_tag(tmp_path: Path) -> None:
    layout = OciLayout(forge(tmp_path, tag="1.0"))
    assert layout.choose() == layout.resolve("1.0")


def test_of_several_images_one_has_to_be_named(tmp_path: Path) -> None:
    forge(tmp_path, tag="1.0")
    layout = OciLayout(forge(tmp_path, [one_file("other")], tag="2.0"))
    with pytest.raises(InputError, match="holds 2 images") as caught:
        layout.choose()
    assert caught.value.because == "they are 1.0, 2.0"
    assert layout.resolve("1.0") != layout.resolve("2.0")
    with pytest.raises(NotFoundError, match=r"no image tagged '3\.0'") as missing:
        layout.resolve("3.0")
    assert missing.value.hint == "it holds 1.0, 2.0"


def test_two_tags_of_one_image_are_one_image(tmp_path: Path) -> None:
    forge(tmp_path, tag="1.0")
    layout = OciLayout(forge(tmp_path, tag="latest"))
    assert layout.choose().digest == layout.resolve("latest").digest


def test_an_image_is_found_by_the_name_that_docker_wrote(tmp_path: Path) -> None:
    forge(tmp_path, tag="1.0")
    entry = _index(tmp_path)[0]
    entry["annotations"] = {FULL_NAME: "docker.io/library/app:1.0", TAG: "1.0"}
    other = put(tmp_path, to_json({"schemaVersion": 2, "layers": []}), OCI_MANIFEST)
    _edit_index(tmp_path, [entry, {**other, "annotations": {FULL_NAME: "docker.io/me/app:1.0"}}])
    layout = OciLayout(tmp_path)
    assert str(layout.resolve("app:1.0").digest) == entry["digest"]
    assert str(layout.resolve("me/app:1.0").digest) == other["digest"]


def test_what_is_attached_is_not_taken_for_the_image(tmp_path: Path) -> None:
    layout = OciLayout(forge(tmp_path))
    image = layout.choose().digest
    layout.attach(_signature(image), OCI_MANIFEST, subject=image)
    for tag in (f"sha256-{image.hex}", f"sha256-{image.hex}.sig"):
        enter(
            tmp_path, put(tmp_path, to_json({"schemaVersion": 2, "note": tag}), OCI_MANIFEST), tag
        )
    assert layout.choose().digest == image


def test_referrers_are_found_in_the_index_and_in_indexes_that_it_lists(tmp_path: Path) -> None:
    layout = OciLayout(forge(tmp_path))
    image = layout.choose().digest
    listed = layout.attach(_signature(image, "listed"), OCI_MANIFEST, subject=image)
    nested = put(tmp_path, _signature(image, "nested"), OCI_MANIFEST)
    absent = {**nested, "digest": str(Digest.of(b"absent"))}
    document = {"schemaVersion": 2, "manifests": [nested, absent]}
    enter(tmp_path, put(tmp_path, to_json(document), ""), f"sha256-{image.hex}")
    found = layout.referrers(image)
    assert {one.digest for one in found} == {listed, Digest.parse(str(nested["digest"]))}
    assert {one.artifact_type for one in found} == {_BUNDLE}
    assert {one.annotations for one in found} == {(("note", "listed"),), (("note", "nested"),)}
    assert layout.referrers(listed) == ()


def test_attaching_twice_lists_once(tmp_path: Path) -> None:
    layout = OciLayout(forge(tmp_path))
    image = layout.choose().digest
    for _ in range(2):
        layout.attach(_signature(image), OCI_MANIFEST, subject=image)
    assert len(layout.entries()) == 2


def test_attaching_to_something_else_is_refused(tmp_path: Path) -> None:
    layout = OciLayout(forge(tmp_path))
    with pytest.raises(InputError, match="as its subject"):
        layout.attach(_signature(layout.choose().digest), OCI_MANIFEST, subject=Digest.of(b"other"))


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    image = OciLayout(forge(tmp_path)).choose().digest

    def attach(number: int) -> Digest:
        # Each with a layout object of its own, as processes have.
        return OciLayout(tmp_path).attach(
            _signature(image, str(number)), OCI_MANIFEST, subject=image
        )

    with ThreadPoolExecutor(8) as pool:
        attached = set(pool.map(attach, range(40)))
    assert {one.digest for one in OciLayout(tmp_path).referrers(image)} == attached
    assert not list(tmp_path.glob(".partial*"))


def test_a_tag_moves(tmp_path: Path) -> None:
    layout = OciLayout(forge(tmp_path))
    other = forge(tmp_path / "other", [one_file("other")])
    raw = OciLayout(other).manifest(OciLayout(other).choose().digest).raw
    moved = layout.put_manifest(raw, OCI_MANIFEST, tag="latest")
    assert layout.resolve("latest").digest == moved
    assert len(layout.entries()) == 1


def test_a_manifest_without_a_tag_is_listed_once(tmp_path: Path) -> None:
    layout = OciLayout(forge(tmp_path))
    image = layout.choose()
    layout.put_manifest(layout.manifest(image.digest).raw, OCI_MANIFEST)
    assert layout.entries() == (image,)
    layout.put_manifest(_signature(image.digest), OCI_MANIFEST)
    assert len(layout.referrers(image.digest)) == 1


def test_a_full_disk_leaves_the_layout_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = OciLayout(forge(tmp_path))
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="cannot be written") as caught:
        layout.put_blob(b"content")
    assert caught.value.because == "No space left on device"
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before


def test_fields_of_others_in_the_index_stay(tmp_path: Path) -> None:
    forge(tmp_path)
    document = json.loads((tmp_path / "index.json").read_bytes())
    (tmp_path / "index.json").write_bytes(to_json({**document, "annotations": {"a": "b"}}))
    OciLayout(tmp_path).put_manifest(_signature(Digest.of(b"x")), OCI_MANIFEST, tag="t")
    assert json.loads((tmp_path / "index.json").read_bytes())["annotations"] == {"a": "b"}


def test_a_changed_manifest_is_refused_with_both_digests(tmp_path: Path) -> None:
    layout = OciLayout(forge(tmp_path))
    digest = layout.choose().digest
    changed = _blob(tmp_path, digest).read_bytes() + b" "
    _blob(tmp_path, digest).write_bytes(changed)
    with pytest.raises(DigestMismatchError) as caught:
        layout.manifest(digest)
    assert str(digest) in str(caught.value)
    assert str(Digest.of(changed)) in str(caught.value.because)


def test_a_manifest_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    layout = OciLayout(forge(tmp_path))
    digest = layout.choose().digest
    with _blob(tmp_path, digest).open("r+b") as file:
        file.truncate(100 << 20)
    with pytest.raises(LimitError) as caught:
        layout.manifest(digest)
    assert "104,857,600 bytes" in str(caught.value.because)


def test_a_repaired_blob_replaces_a_damaged_one(tmp_path: Path) -> None:
    layout = OciLayout.create(tmp_path / "layout")
    digest = layout.put_blob(b"content")
    _blob(tmp_path / "layout", digest).write_bytes(b"damaged")
    layout.put_blob(b"content")
    assert layout.blob(Descriptor("", digest, 7), limit=10) == b"content"


def test_a_blob_may_be_a_link_within_the_layout(tmp_path: Path) -> None:
    layout = OciLayout.create(tmp_path / "layout")
    digest = layout.put_blob(b"content")
    path = _blob(tmp_path / "layout", digest)
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")
    assert layout.blob(Descriptor("", digest, 7), limit=10) == b"content"


def test_a_blob_that_leads_outside_is_refused_though_it_would_match(tmp_path: Path) -> None:
    layout = OciLayout.create(tmp_path / "layout")
    digest = layout.put_blob(b"content")
    path = _blob(tmp_path / "layout", digest)
    path.rename(tmp_path / "secret")
    path.symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match="leads outside"):
        layout.blob(Descriptor("", digest, 7), limit=10)


def test_a_blob_folder_that_leads_outside_is_refused(tmp_path: Path) -> None:
    layout = OciLayout.create(tmp_path / "layout")
    digest = layout.put_blob(b"content")
    (tmp_path / "layout" / "blobs").rename(tmp_path / "moved")
    (tmp_path / "layout" / "blobs").symlink_to(tmp_path / "moved")
    with pytest.raises(InputError, match="leads outside"):
        layout.blob(Descriptor("", digest, 7), limit=10)


def test_a_fifo_in_place_of_a_blob_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    layout = OciLayout.create(tmp_path / "layout")
    digest = layout.put_blob(b"content")
    _blob(tmp_path / "layout", digest).unlink()
    os.mkfifo(_blob(tmp_path / "layout", digest))
    with pytest.raises(InputError, match="is not a file"):
        layout.blob(Descriptor("", digest, 7), limit=10)


@pytest.mark.parametrize(("size", "error"), [(6, LimitError), (8, DigestMismatchError)])
def test_a_descriptor_that_lies_about_the_size_is_refused(
    tmp_path: Path, size: int, error: type[Exception]
) -> None:
    layout = OciLayout.create(tmp_path / "layout")
    digest = layout.put_blob(b"content")
    with pytest.raises(error, match=f"7 bytes, its descriptor says {size}"):
        layout.blob(Descriptor("", digest, size), limit=10)


def test_an_index_of_platforms_is_one_choice(tmp_path: Path) -> None:
    forge_index(tmp_path, [child(tmp_path, "linux/amd64"), child(tmp_path, "linux/arm64")])
    layout = OciLayout(tmp_path)
    assert layout.manifest(layout.choose().digest).media_type.endswith("index.v1+json")
