from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from demo.images import (
    Entry,
    Layer,
    compress,
    pack_layer,
    pack_layout,
    pack_tar,
    to_json,
    tree,
)
from supplychain.errors import (
    DigestMismatchError,
    InputError,
    LimitError,
    NotFoundError,
    StoreError,
)
from supplychain.images.archive import open_archive
from supplychain.images.layout_reader import LayoutReader
from supplychain.images.resolve import resolve
from supplychain.model.artifact import OCI_MANIFEST
from supplychain.model.digest import Digest
from tests.kit.forging import forge, one_file
from tests.kit.saving import docker_save

_LIMIT = 1 << 30
_LAYERS = [one_file(compression="none"), one_file("b", b"x" * 3000, "none")]


def _archive(path: Path, entries: Iterable[Entry], compression: str = "none") -> Path:
    path.write_bytes(compress(pack_tar(entries), compression))
    return path


def _open(path: Path, scratch: Path | None = None) -> LayoutReader:
    scratch = scratch or path.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    return open_archive(path, scratch=scratch, limit=_LIMIT)


def _saved(
    layers: Sequence[Layer] = _LAYERS, names: Iterable[str] = ("app:1.0",), **edit: Any
) -> list[Entry]:
    return [*docker_save(layers, names, **edit), Entry("repositories", b"{}")]


def _data(entry: Entry) -> bytes:
    assert isinstance(entry.data, bytes)
    return entry.data


def _blobs(reader: LayoutReader) -> list[bytes]:
    image = resolve(reader, reader.choose().digest).images[0]
    return [reader.blob(layer, limit=_LIMIT) for layer in image.manifest.layers]


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("prefix", ["", "./"])
def test_a_layout_in_a_tar_is_a_layout(tmp_path: Path, compression: str, prefix: str) -> None:
    folder = tmp_path / "layout"
    expected = pack_layout(folder, _LAYERS, tag="1.0")
    path = _archive(tmp_path / "image.tar", tree(folder, prefix), compression)
    reader = _open(path)
    assert str(reader.resolve("1.0").digest) == expected
    assert _blobs(reader) == [layer.data for layer in _LAYERS]
    assert reader.name == str(path)


def test_a_compressed_archive_is_unpacked_into_the_scratch_folder_alone(tmp_path: Path) -> None:
    folder = tmp_path / "layout"
    pack_layout(folder, _LAYERS)
    (tmp_path / "in").mkdir()
    _open(_archive(tmp_path / "in" / "image.tgz", tree(folder), "gzip"), tmp_path / "scratch")
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == ["archive.tar"]
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["image.tgz"]


def test_a_bomb_of_an_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tgz"
    path.write_bytes(compress(bytes(1 << 20), "gzip"))
    (tmp_path / "scratch").mkdir()
    with pytest.raises(LimitError, match=r"bomb\.tgz unpacks to more than 1,000 bytes"):
        open_archive(path, scratch=tmp_path / "scratch", limit=1000)


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_what_docker_save_wrote_is_an_image(tmp_path: Path, compression: str) -> None:
    reader = _open(_archive(tmp_path / "image.tar", _saved(), compression))
    assert _blobs(reader) == [layer.data for layer in _LAYERS]
    assert reader.resolve("app:1.0") == reader.resolve("docker.io/library/app:1.0")
    assert reader.choose() == reader.resolve("app:1.0")


def test_the_same_archive_always_has_the_same_digest(tmp_path: Path) -> None:
    first = _open(_archive(tmp_path / "a.tar", _saved(names=["app:1.0"])))
    second = _open(_archive(tmp_path / "b.tar", reversed(_saved(names=[]))))
    assert first.choose().digest == second.choose().digest
    assert first.manifest(first.choose().digest) == second.manifest(second.choose().digest)


def test_the_made_manifest_is_an_oci_manifest_of_those_bytes(tmp_path: Path) -> None:
    reader = _open(_archive(tmp_path / "a.tar", _saved()))
    manifest = json.loads(reader.manifest(reader.choose().digest).raw)
    assert manifest["mediaType"] == OCI_MANIFEST
    assert [(layer["digest"], layer["size"]) for layer in manifest["layers"]] == [
        (layer.diff_id, len(layer.data)) for layer in _LAYERS
    ]


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_layers_may_be_compressed_as_crane_writes_them(tmp_path: Path, compression: str) -> None:
    layers = [one_file(compression=compression)]
    reader = _open(_archive(tmp_path / "a.tar", _saved(layers)))
    image = resolve(reader, reader.choose().digest).images[0]
    assert image.manifest.layers[0].digest == Digest.of(layers[0].data)
    assert image.manifest.layers[0].media_type.endswith(f"tar+{compression}")
    assert _blobs(reader) == [layers[0].data]


def test_a_layer_that_occurs_twice_is_a_link_within_the_archive(tmp_path: Path) -> None:
    entries = _saved([_LAYERS[0], _LAYERS[0]])
    entries[1] = Entry(entries[1].path, kind=tarfile.SYMTYPE, target="../layer0/layer.tar")
    assert _blobs(_open(_archive(tmp_path / "a.tar", entries))) == [_LAYERS[0].data] * 2


@pytest.mark.parametrize("target", ["../../../etc/passwd", "/etc/passwd", "layer.tar", "../none"])
def test_a_link_to_anything_else_leads_nowhere(tmp_path: Path, target: str) -> None:
    entries = _saved()
    entries[1] = Entry(entries[1].path, kind=tarfile.SYMTYPE, target=target)
    with pytest.raises(NotFoundError, match=r"has no layer1/layer\.tar"):
        _open(_archive(tmp_path / "a.tar", entries))


def test_of_several_images_one_has_to_be_named(tmp_path: Path) -> None:
    images = json.loads(_data(_saved()[-2]))
    other = _saved([pack_layer([Entry("other")], "none")], ["other:2"])
    named = {**json.loads(_data(other[-2]))[0], "Layers": ["other.tar"]}
    entries = [*_saved()[:3], Entry("other.tar", other[0].data), other[1]]
    path = tmp_path / "a.tar"
    reader = _open(_archive(path, [*entries, Entry("manifest.json", to_json([*images, named]))]))
    with pytest.raises(InputError, match="holds 2 images") as caught:
        reader.choose()
    assert caught.value.because == "they are app:1.0, other:2"
    assert reader.resolve("other:2") != reader.resolve("app:1.0")


def test_a_configuration_that_is_not_what_its_name_says_is_refused(tmp_path: Path) -> None:
    entries = _saved()
    entries[2] = Entry(entries[2].path, b" " + _data(entries[2]))
    with pytest.raises(DigestMismatchError, match="does not hold what its name says"):
        _open(_archive(tmp_path / "a.tar", entries))


def test_a_layer_that_is_not_its_diff_id_is_refused_when_it_is_read(tmp_path: Path) -> None:
    entries = _saved()
    entries[0] = Entry(entries[0].path, _LAYERS[0].data[:-512] + b"x" * 512)
    with pytest.raises(DigestMismatchError, match=_LAYERS[0].diff_id):
        _blobs(_open(_archive(tmp_path / "a.tar", entries)))


@pytest.mark.parametrize(
    ("edit", "error", "words"),
    [
        ({"Layers": ["layer0/layer.tar"]}, InputError, "1 layers, its configuration 2"),
        ({"Layers": ["layer0/layer.tar", "none"]}, NotFoundError, "has no none"),
        ({"Config": "none.json"}, NotFoundError, r"has no none\.json"),
        ({"Config": 5}, InputError, "'Config' is not a string"),
        ({"config": "other"}, InputError, "another case"),
    ],
)
def test_a_damaged_manifest_json_is_refused(
    tmp_path: Path, edit: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        _open(_archive(tmp_path / "a.tar", _saved(**edit)))


@pytest.mark.parametrize(
    ("entry", "because"),
    [
        (Entry("../evil"), "outside of the root"),
        (Entry("/etc/passwd"), "absolute path"),
        (Entry("null", kind=tarfile.CHRTYPE), "a character device"),
        (Entry("sda", kind=tarfile.BLKTYPE), "a block device"),
        (Entry("pipe", kind=tarfile.FIFOTYPE), "hard link or a FIFO"),
        (Entry("hard", kind=tarfile.LNKTYPE, target="manifest.json"), "hard link or a FIFO"),
        (Entry("manifest.json", b"[]"), "there twice"),
        (Entry("./manifest.json", b"[]"), "there twice"),
        (Entry("manifest.json", kind=tarfile.SYMTYPE, target="x"), "there twice"),
    ],
)
def test_an_archive_with_a_trap_is_refused(tmp_path: Path, entry: Entry, because: str) -> None:
    with pytest.raises(InputError, match=r"a\.tar is not an archive that is accepted") as caught:
        _open(_archive(tmp_path / "a.tar", [*_saved(), entry]))
    assert because in str(caught.value.because)


def test_an_archive_with_too_many_members_is_refused(tmp_path: Path) -> None:
    many = (Entry(f"{number}") for number in range(20_001))
    with pytest.raises(InputError) as caught:
        _open(_archive(tmp_path / "a.tar", many))
    assert caught.value.because == "it has more than 20,000 members"


@pytest.mark.parametrize("cut", [700, 5000, 9000])
def test_a_cut_archive_is_refused(tmp_path: Path, cut: int) -> None:
    path = _archive(tmp_path / "a.tar", _saved())
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(InputError) as caught:
        _open(path)
    assert "a.tar" in str(caught.value)


def test_an_archive_that_shrinks_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = _archive(tmp_path / "a.tar", _saved())
    reader = _open(path)
    image = resolve(reader, reader.choose().digest).images[0]
    with path.open("r+b") as file:
        file.truncate(4000)
    with pytest.raises(InputError, match="ends in the middle of layer1"):
        reader.blob(image.manifest.layers[1], limit=_LIMIT)


@pytest.mark.parametrize("data", [b"", b"no archive at all " * 100])
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.tar").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.tar"):
        _open(tmp_path / "a.tar")


def test_an_archive_of_something_else_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no image") as caught:
        _open(_archive(tmp_path / "a.tar", [Entry("letter.txt", b"dear")]))
    assert "neither oci-layout nor manifest.json" in str(caught.value.because)


def test_an_archive_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"none\.tar does not exist"):
        _open(tmp_path / "none.tar")
    with pytest.raises(StoreError) as caught:
        _open(tmp_path)
    assert caught.value.because == "Is a directory"


def test_long_names_are_read_in_both_dialects(tmp_path: Path) -> None:
    deep = "deep/" * 30 + "layer.tar"
    entries = _saved([_LAYERS[1]], Layers=[deep])
    entries[0] = Entry(deep, _LAYERS[1].data)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for entry in entries:
            info = tarfile.TarInfo(entry.path)
            info.size = len(_data(entry))
            archive.addfile(info, io.BytesIO(_data(entry)))
    (tmp_path / "gnu.tar").write_bytes(buffer.getvalue())
    for path in (tmp_path / "gnu.tar", _archive(tmp_path / "pax.tar", entries)):
        assert _blobs(_open(path)) == [_LAYERS[1].data]


def test_an_archive_cannot_be_written(tmp_path: Path) -> None:
    reader = _open(_archive(tmp_path / "a.tar", tree(forge(tmp_path / "layout"))))
    subject = reader.choose().digest
    writes: list[Callable[[], Digest]] = [
        lambda: reader.put_blob(b"x"),
        lambda: reader.put_manifest(b"{}", OCI_MANIFEST, tag="1"),
        lambda: reader.attach(b"{}", OCI_MANIFEST, subject=subject),
        lambda: reader.attach_all((b"{}",), OCI_MANIFEST, subject=subject)[0],
    ]
    for write in writes:
        with pytest.raises(InputError, match="cannot be written"):
            write()
