from __future__ import annotations

import gzip
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from demo.images import Entry, Layer, compress, digest, flip_byte, pack_layer, pack_tar
from supplychain.errors import (
    DigestMismatchError,
    InputError,
    LimitError,
    NotFoundError,
    RegistryError,
    StoreError,
    SupplyChainError,
    VerificationError,
)
from supplychain.images.cache import BlobCache
from supplychain.images.fetch import VerifiedImage, fetch
from supplychain.images.layout import OciLayout
from supplychain.images.limits import Limits
from supplychain.images.resolve import PlatformImage, resolve
from supplychain.model.artifact import ArtifactStore, Descriptor
from supplychain.model.digest import Digest
from tests.kit.artifacts import MemoryStore
from tests.kit.forging import Edit, forge, one_file


class _Bench:
    """One image, fetched as often as a test wants."""

    def __init__(self, tmp_path: Path) -> None:
        self.layout = tmp_path / "layout"
        self.cache = BlobCache(tmp_path / "cache")
        self._tmp_path = tmp_path
        self._count = 0

    @property
    def into(self) -> Path:
        """The folder of the last fetch."""
        return self._tmp_path / f"into-{self._count}"

    def image(self) -> PlatformImage:
        store = OciLayout(self.layout)
        return resolve(store, store.resolve("latest").digest).images[0]

    def fetch(
        self,
        *,
        keep: bool = False,
        store: ArtifactStore | None = None,
        image: PlatformImage | None = None,
        **options: Any,
    ) -> VerifiedImage:
        self._count += 1
        self.into.mkdir()
        return fetch(
            store or OciLayout(self.layout),
            image or self.image(),
            cache=self.cache,
            into=self.into,
            keep=keep,
            **options,
        )

    def refusal(self, error: type[SupplyChainError] = InputError, **options: Any) -> str:
        with pytest.raises(error) as caught:
            self.fetch(**options)
        assert not (self.into / "index.json").exists()
        return f"{caught.value}; {caught.value.because}"

    def blob(self, digest_: Digest) -> Path:
        return self.layout / "blobs" / digest_.algorithm / digest_.hex


@pytest.fixture
def bench(tmp_path: Path) -> _Bench:
    return _Bench(tmp_path)


class _Counting(MemoryStore):
    """Counts the layers that were asked for."""

    asked: list[Digest]

    def blob_chunks(self, descriptor: Descriptor) -> Iterator[bytes]:
        self.asked.append(descriptor.digest)
        return super().blob_chunks(descriptor)


def _remote(image: PlatformImage, layout: Path) -> _Counting:
    store = _Counting()
    store.asked = []
    for layer in image.manifest.layers:
        store.put_blob((layout / "blobs" / "sha256" / layer.digest.hex).read_bytes())
    return store


def _layers(folder: Path) -> list[bytes]:
    """What the private layout holds, read as a scanner would: through its own documents."""
    layout = OciLayout(folder)
    image = resolve(layout, layout.choose().digest).images[0]
    return [layout.blob(layer, limit=1 << 30) for layer in image.manifest.layers]


def test_an_image_arrives_with_every_byte_verified(bench: _Bench) -> None:
    layers = [one_file(compression=c) for c in ("gzip", "zstd", "none")]
    layers[1] = one_file("b", compression="zstd")
    layers[2] = one_file("c", compression="none")
    forge(bench.layout, layers)
    image = bench.image()
    verified = bench.fetch()
    assert verified.subject == image.subject
    assert verified.platform == image.platform
    assert verified.config_digest.matches(verified.config_raw)
    assert [str(layer.diff_id) for layer in verified.layers] == [one.diff_id for one in layers]
    assert [layer.digest for layer in verified.layers] == [Digest.of(one.data) for one in layers]
    assert [layer.size for layer in verified.layers] == [len(one.data) for one in layers]
    assert [layer.unpacked_size for layer in verified.layers] == [10240] * 3


def test_the_scanner_gets_unpacked_layers_and_the_images_own_configuration(bench: _Bench) -> None:
    layers = [one_file(), one_file("b", compression="zstd"), one_file("c", compression="none")]
    forge(bench.layout, layers)
    verified = bench.fetch()
    assert [digest(data) for data in _layers(verified.layout)] == [one.diff_id for one in layers]
    layout = OciLayout(verified.layout)
    assert resolve(layout, layout.choose().digest).images[0].config_raw == verified.config_raw
    assert not list(verified.layout.rglob(".*"))
    assert len(list((verified.layout / "blobs" / "sha256").iterdir())) == 5


def test_layers_proven_before_are_handed_over_as_they_are_stored(bench: _Bench) -> None:
    layer = one_file()
    forge(bench.layout, [layer])
    bench.fetch()
    assert _layers(bench.fetch().layout) == [layer.data]


def test_a_large_image_is_not_left_unpacked(bench: _Bench) -> None:
    layer = one_file()
    forge(bench.layout, [layer])
    assert _layers(bench.fetch(limits=Limits(spread_bytes=1)).layout) == [layer.data]


def test_a_layer_that_swells_is_not_left_unpacked(bench: _Bench) -> None:
    layer = pack_layer([Entry("zeros", bytes(9 << 20))])
    forge(bench.layout, [layer])
    verified = bench.fetch()
    assert _layers(verified.layout) == [layer.data]
    assert not list(verified.layout.rglob(".plain*"))


def test_127_layers_and_their_whiteouts(bench: _Bench) -> None:
    layers = [one_file(f"file{number}") for number in range(125)]
    layers += [pack_layer([Entry(".wh.file1")]), pack_layer([Entry(".wh..wh..opq")])]
    forge(bench.layout, layers)
    verified = bench.fetch()
    assert [str(layer.diff_id) for layer in verified.layers] == [one.diff_id for one in layers]


def test_a_layer_may_occur_twice(bench: _Bench) -> None:
    layer = one_file()
    forge(bench.layout, [layer, one_file("b"), layer])
    verified = bench.fetch()
    assert verified.layers[0] == verified.layers[2]
    assert len(_layers(verified.layout)) == 3


def test_one_content_stored_in_three_ways(bench: _Bench) -> None:
    layers = [one_file(compression=c) for c in ("gzip", "none", "zstd")]
    forge(bench.layout, layers)
    assert _layers(bench.fetch().layout) == [layers[1].data] * 3


def test_a_layer_that_needs_threads(bench: _Bench) -> None:
    entries = [Entry(f"f{number}", os.urandom(100_000)) for number in range(40)]
    layers = [pack_layer(entries, compression) for compression in ("gzip", "zstd", "none")]
    forge(bench.layout, [layers[0], layers[1]])
    assert [str(one.diff_id) for one in bench.fetch().layers] == [layers[0].diff_id] * 2
    forge(bench.layout, [layers[2]])
    assert bench.fetch().layers[0].unpacked_size == len(layers[2].data)


def test_progress_counts_the_bytes_that_are_stored(bench: _Bench) -> None:
    layers = [one_file(), one_file("b")]
    forge(bench.layout, layers)
    lock, counted = threading.Lock(), [0]

    def count(further: int) -> None:
        with lock:
            counted[0] += further

    bench.fetch(on_bytes=count, keep=True)
    assert counted[0] == sum(len(layer.data) for layer in layers)
    bench.fetch(on_bytes=count, keep=True)
    assert counted[0] == 2 * sum(len(layer.data) for layer in layers)


def test_kept_blobs_are_not_asked_for_again(bench: _Bench) -> None:
    forge(bench.layout, [one_file(), one_file("b")])
    image = bench.image()
    store = _remote(image, bench.layout)
    first = bench.fetch(store=store, image=image, keep=True)
    assert len(store.asked) == 2
    assert bench.fetch(store=store, image=image, keep=True).layers == first.layers
    assert len(store.asked) == 2


def test_a_kept_blob_that_was_damaged_is_fetched_again(bench: _Bench, tmp_path: Path) -> None:
    forge(bench.layout)
    image = bench.image()
    store = _remote(image, bench.layout)
    bench.fetch(store=store, image=image, keep=True)
    (kept,) = (tmp_path / "cache" / "blobs" / "sha256").iterdir()
    kept.unlink()
    kept.write_bytes(b"damaged")
    bench.fetch(store=store, image=image, keep=True)
    assert len(store.asked) == 2
    assert kept.read_bytes() == store.blobs[image.manifest.layers[0].digest]


def test_an_image_on_this_machine_is_looked_at_every_time(bench: _Bench, tmp_path: Path) -> None:
    forge(bench.layout)
    bench.fetch()
    assert not (tmp_path / "cache" / "blobs").exists()
    flip_byte(bench.layout)
    assert "does not hold what its name says" in bench.refusal(DigestMismatchError)


def test_removing_the_folder_leaves_the_cache_whole(bench: _Bench, tmp_path: Path) -> None:
    layer = one_file(compression="none")
    forge(bench.layout, [layer])
    folder = bench.fetch(keep=True).layout
    for path in (folder / "blobs" / "sha256").iterdir():
        path.unlink()
    (kept,) = (tmp_path / "cache" / "blobs" / "sha256").iterdir()
    assert kept.read_bytes() == layer.data


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_one_changed_byte_of_a_layer_is_refused_by_name(bench: _Bench, compression: str) -> None:
    forge(bench.layout, [one_file(), one_file("b", b"x" * 5000, compression)])
    wanted = bench.image().manifest.layers[1].digest
    changed = flip_byte(bench.layout, 1)
    refusal = bench.refusal(DigestMismatchError)
    assert str(wanted) in refusal
    assert digest(changed.read_bytes()) in refusal


def test_one_changed_byte_is_refused_also_when_the_layer_was_proven_before(bench: _Bench) -> None:
    forge(bench.layout)
    bench.fetch()
    flip_byte(bench.layout)
    assert "expected sha256:" in bench.refusal(DigestMismatchError)


def _second_diff_id(value: str) -> Edit:
    return lambda config: config["rootfs"]["diff_ids"].__setitem__(1, value)


@pytest.mark.parametrize("again", [False, True])
def test_a_diff_id_that_lies_is_refused_by_name(bench: _Bench, again: bool) -> None:
    layers = [one_file(), one_file("b")]
    lie = digest(b"something else")
    forge(bench.layout, layers, config=_second_diff_id(lie))
    if again:
        bench.refusal(DigestMismatchError)
    refusal = bench.refusal(DigestMismatchError)
    assert "layer 2 of 2" in refusal
    assert f"expected the diffID {lie}" in refusal
    assert layers[1].diff_id in refusal


def test_diff_ids_in_the_wrong_order_are_refused(bench: _Bench) -> None:
    layers = [one_file(), one_file("b")]
    ids = [layers[1].diff_id, layers[0].diff_id]
    forge(bench.layout, layers, config=lambda c: c["rootfs"].update(diff_ids=ids))
    assert "layer 1 of 2" in bench.refusal(DigestMismatchError)


def test_one_blob_with_two_diff_ids_is_refused(bench: _Bench) -> None:
    layer = one_file()
    forge(bench.layout, [layer, layer], config=_second_diff_id(digest(b"other")))
    assert "layer 2 of 2" in bench.refusal(DigestMismatchError)


@pytest.mark.parametrize("field", ["size", "mediaType"])
def test_one_blob_described_in_two_ways_is_refused(bench: _Bench, field: str) -> None:
    other = {"size": 5, "mediaType": "application/vnd.oci.image.layer.v1.tar"}[field]
    layer = one_file()
    forge(bench.layout, [layer, layer], manifest=lambda m: m["layers"][1].update({field: other}))
    assert "describe one blob differently" in bench.refusal(VerificationError)


@pytest.mark.parametrize(("change", "error"), [(-1, LimitError), (1, DigestMismatchError)])
@pytest.mark.parametrize("keep", [False, True])
def test_a_size_that_lies_is_refused(
    bench: _Bench, change: int, error: type[SupplyChainError], keep: bool
) -> None:
    forge(bench.layout)
    bench.fetch(keep=keep)
    size = len(one_file().data) + change
    forge(bench.layout, manifest=lambda m: m["layers"][0].update(size=size))
    expected = DigestMismatchError if keep else error
    assert f"its descriptor says {size:,}" in bench.refusal(expected, keep=keep)


def _as(data: bytes, plain: bytes, compression: str = "gzip") -> Layer:
    return Layer(data, digest(plain), compression)


_PLAIN = pack_tar([Entry("hello", os.urandom(3000))])


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (_as(gzip.compress(_PLAIN)[:-9], _PLAIN), "not a sound gzip stream"),
        (_as(gzip.compress(_PLAIN) + b"garbage!" * 4, _PLAIN), "not a sound gzip stream"),
        (_as(compress(_PLAIN, "zstd")[:-9], _PLAIN, "zstd"), "not a sound zstd stream"),
        (_as(_PLAIN, _PLAIN), "it says gzip and begins like none"),
        (_as(compress(_PLAIN, "zstd"), _PLAIN), "it says gzip and begins like zstd"),
        (_as(gzip.compress(_PLAIN), _PLAIN, "none"), "it says none and begins like gzip"),
        (_as(gzip.compress(b"no tar"), b"no tar"), "middle of an entry"),
        (_as(b"", b"", "none"), "not even an end-of-archive marker"),
        (_as(b"", b""), "not a sound gzip stream"),
        (pack_layer([Entry("../../etc/cron.d/evil")]), "outside of the root"),
        (pack_layer([Entry("/etc/passwd")]), "absolute path"),
        (pack_layer([Entry("dev/sda", kind=tarfile.BLKTYPE)]), "a block device"),
    ],
)
def test_a_layer_that_is_not_sound_is_refused_by_name(
    bench: _Bench, layer: Layer, words: str
) -> None:
    forge(bench.layout, [one_file(), layer])
    refusal = bench.refusal()
    assert words in refusal
    assert f"layer 2 of 2 ({digest(layer.data)})" in refusal
    assert bench.cache.fact(Digest.of(layer.data)) is None


def test_a_proven_layer_under_another_compressions_name_is_refused(bench: _Bench) -> None:
    forge(bench.layout)
    bench.fetch()
    plain = "application/vnd.oci.image.layer.v1.tar"
    forge(bench.layout, manifest=lambda m: m["layers"][0].update(mediaType=plain))
    assert "it says none and begins like gzip" in bench.refusal()


def test_a_gzip_bomb_is_refused_and_does_not_fill_the_disk(bench: _Bench) -> None:
    member = gzip.compress(bytes(64 << 20), 9)
    forge(bench.layout, [Layer(member * 40, digest(b""), "gzip")])
    assert "200 times its size" in bench.refusal(LimitError)
    assert sum(p.stat().st_size for p in bench.into.rglob("*") if p.is_file()) <= 50 << 20


def test_an_image_that_unpacks_too_far_is_refused(bench: _Bench) -> None:
    forge(bench.layout, [one_file(), one_file("b")])
    assert bench.fetch(limits=Limits(unpacked_bytes=20480)).layers
    assert "more than 20,479 bytes" in bench.refusal(
        LimitError, limits=Limits(unpacked_bytes=20479)
    )


def test_a_missing_layer_is_not_found(bench: _Bench) -> None:
    forge(bench.layout, [one_file(), one_file("b")])
    wanted = bench.image().manifest.layers[1].digest
    bench.blob(wanted).unlink()
    assert f"there is no blob {wanted}" in bench.refusal(NotFoundError)


def test_a_layer_that_is_a_link_out_of_the_layout_is_refused(bench: _Bench, tmp_path: Path) -> None:
    forge(bench.layout)
    path = bench.blob(bench.image().manifest.layers[0].digest)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert "leads outside" in bench.refusal()


def test_the_first_failure_ends_the_others(bench: _Bench) -> None:
    """A registry that fails for one layer while another one never ends."""
    forge(bench.layout, [one_file(), one_file("b")])
    image = bench.image()
    first, second = (layer.digest for layer in image.manifest.layers)
    begun = threading.Event()

    class Uneven(MemoryStore):
        def blob_chunks(self, descriptor: Descriptor) -> Iterator[bytes]:
            if descriptor.digest == first:
                begun.wait(10)
                raise RegistryError("the registry has gone away")
            return self._endless(descriptor)

        def _endless(self, descriptor: Descriptor) -> Iterator[bytes]:
            yield bench.blob(second).read_bytes()
            begun.set()
            while True:
                yield gzip.compress(bytes(512))

    assert "has gone away" in bench.refusal(RegistryError, store=Uneven(), image=image)


def test_a_folder_that_cannot_be_written_is_a_store_error(bench: _Bench, tmp_path: Path) -> None:
    forge(bench.layout)
    (tmp_path / "cache").write_text("a file where the cache should be")
    assert "cannot be written" in bench.refusal(StoreError, keep=True)


def test_a_full_disk_is_a_store_error(bench: _Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    forge(bench.layout)
    image = replace(bench.image())
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    original = Path.open

    def open_full(self: Path, mode: str = "r", **options: Any) -> Any:
        return original(full, "wb", **options) if mode == "xb" else original(self, mode, **options)

    monkeypatch.setattr(Path, "open", open_full)
    refusal = bench.refusal(StoreError, image=image)
    assert "No space left on device" in refusal


def test_the_private_layouts_index_lists_one_manifest(bench: _Bench) -> None:
    forge(bench.layout, tag="latest")
    folder = bench.fetch().layout
    index = json.loads((folder / "index.json").read_bytes())
    assert len(index["manifests"]) == 1
    assert json.loads((folder / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
