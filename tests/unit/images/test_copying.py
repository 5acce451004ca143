from __future__ import annotations

from pathlib import Path

import pytest

from demo.images import flip_byte, pack_tar
from supplychain.errors import DigestMismatchError
from supplychain.images.archive import open_archive
from supplychain.images.copying import copy_to_layout
from supplychain.images.layout import OciLayout
from supplychain.images.resolve import ResolvedImage, resolve
from supplychain.model.artifact import ArtifactStore
from supplychain.model.subject import Platform
from tests.kit.forging import child, forge, forge_index, one_file
from tests.kit.saving import docker_save


def _only(store: OciLayout) -> ResolvedImage:
    return resolve(store, store.choose().digest)


def _contents(store: ArtifactStore, image: ResolvedImage) -> list[bytes]:
    layers = [layer for one in image.images for layer in one.manifest.layers]
    return [store.blob(layer, limit=1 << 20) for layer in layers]


def test_an_archives_image_gets_a_layout_that_can_be_signed(tmp_path: Path) -> None:
    layers = [one_file(compression="none"), one_file("b", compression="none")]
    (tmp_path / "app.tar").write_bytes(pack_tar(docker_save(layers, ["app:1.0"])))
    source = open_archive(tmp_path / "app.tar", scratch=tmp_path, limit=1 << 20)
    image = resolve(source, source.choose().digest)
    layout = copy_to_layout(source, image, tmp_path / "layout")
    assert _only(layout).subject.digest == image.subject.digest
    assert _contents(layout, _only(layout)) == [layer.data for layer in layers]


def test_copying_again_changes_nothing(tmp_path: Path) -> None:
    source = OciLayout(forge(tmp_path / "source"))
    first = copy_to_layout(source, _only(source), tmp_path / "layout")
    entries = first.entries()
    assert copy_to_layout(source, _only(source), tmp_path / "layout").entries() == entries


def test_an_index_is_copied_whole_or_for_the_platforms_selected(tmp_path: Path) -> None:
    names = ["linux/amd64", "linux/arm64"]
    folder = tmp_path / "source"
    source = OciLayout(forge_index(folder, [child(folder, name) for name in names]))
    whole = copy_to_layout(source, _only(source), tmp_path / "whole")
    assert [str(one.platform) for one in _only(whole).images] == names
    amd64 = Platform.parse(names[0])
    selected = resolve(source, source.choose().digest, platform=amd64)
    part = copy_to_layout(source, selected, tmp_path / "part")
    again = resolve(part, part.choose().digest, platform=amd64)
    assert _contents(part, again) == _contents(source, selected)


def test_a_changed_layer_is_not_copied(tmp_path: Path) -> None:
    source = OciLayout(forge(tmp_path / "source"))
    image = _only(source)
    flip_byte(tmp_path / "source")
    with pytest.raises(DigestMismatchError):
        copy_to_layout(source, image, tmp_path / "layout")
    assert OciLayout(tmp_path / "layout").entries() == ()
    assert not list((tmp_path / "layout").rglob(".partial*"))
