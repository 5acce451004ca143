from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from supplychain.errors import StoreError
from supplychain.images.cache import BlobCache, LayerFact
from supplychain.images.compression import Compression
from supplychain.model.digest import Digest

_DATA = b"the bytes of a layer"
_DIGEST = Digest.of(_DATA)
_FACT = LayerFact(Digest.of(b"unpacked"), Compression.GZIP, 12345)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def _keep(root: Path, data: bytes = _DATA) -> Digest:
    source = root.parent / f"source-{Digest.of(data).short}"
    source.write_bytes(data)
    BlobCache(root).keep(Digest.of(data), source)
    return Digest.of(data)


def _kept(root: Path, digest: Digest = _DIGEST) -> Path:
    return root / "blobs" / digest.algorithm / digest.hex


def test_a_kept_blob_is_placed_without_a_copy(root: Path, tmp_path: Path) -> None:
    _keep(root)
    assert BlobCache(root).place(_DIGEST, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == _DATA
    assert (tmp_path / "target").samefile(_kept(root))


def test_what_was_never_kept_is_not_there(root: Path, tmp_path: Path) -> None:
    assert not BlobCache(root).place(_DIGEST, tmp_path / "target")
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("damage", [b"the bytes of a lay3r", b"", _DATA + b"!"])
def test_a_damaged_blob_is_thrown_away_and_never_placed(
    root: Path, tmp_path: Path, damage: bytes
) -> None:
    _keep(root)
    _kept(root).unlink()
    _kept(root).write_bytes(damage)
    assert not BlobCache(root).place(_DIGEST, tmp_path / "target")
    assert not (tmp_path / "target").exists()
    assert not _kept(root).exists()


def test_keeping_twice_is_keeping_once(root: Path) -> None:
    _keep(root)
    _keep(root)
    assert _kept(root).read_bytes() == _DATA


def test_on_another_file_system_a_blob_is_copied(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    _keep(root)
    assert BlobCache(root).place(_DIGEST, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == _DATA
    assert not (tmp_path / "target").samefile(_kept(root))


def test_a_target_that_cannot_be_written_is_a_store_error(root: Path, tmp_path: Path) -> None:
    _keep(root)
    (tmp_path / "target").write_text("something else")
    with pytest.raises(StoreError, match="target cannot be written"):
        BlobCache(root).place(_DIGEST, tmp_path / "target")


def test_a_cache_that_cannot_be_written_is_a_store_error(root: Path) -> None:
    root.write_text("a file")
    with pytest.raises(StoreError) as caught:
        BlobCache(root).remember(_DIGEST, _FACT)
    assert caught.value.because
    assert caught.value.hint


def test_a_fact_is_remembered(root: Path) -> None:
    assert BlobCache(root).fact(_DIGEST) is None
    BlobCache(root).remember(_DIGEST, _FACT)
    assert BlobCache(root).fact(_DIGEST) == _FACT


def _older_rules(text: str) -> str:
    return json.dumps({**json.loads(text), "rules": 0})


@pytest.mark.parametrize(
    "damage", [lambda text: text[:20], lambda _: "[]", lambda _: "{}", lambda _: "", _older_rules]
)
def test_a_fact_that_does_not_read_or_is_outdated_is_none(
    root: Path, damage: Callable[[str], str]
) -> None:
    BlobCache(root).remember(_DIGEST, _FACT)
    path = root / "facts" / "sha256" / _DIGEST.hex
    path.write_text(damage(path.read_text()))
    assert BlobCache(root).fact(_DIGEST) is None


def test_pruning_removes_what_was_used_longest_ago(root: Path, tmp_path: Path) -> None:
    digests = [_keep(root, bytes([number]) * 1000) for number in range(4)]
    for age, digest in enumerate(digests):
        os.utime(_kept(root, digest), (age, age))
    assert BlobCache(root).place(digests[0], tmp_path / "in-use")
    assert BlobCache(root).prune(2000) == 2000
    assert [_kept(root, digest).exists() for digest in digests] == [True, False, False, True]
    assert BlobCache(root).prune(2000) == 0
    BlobCache(root).prune(0)
    assert (tmp_path / "in-use").read_bytes() == bytes(1000)


def test_many_at_once_keep_place_and_prune(root: Path, tmp_path: Path) -> None:
    data = os.urandom(200_000)
    source = tmp_path / "source"
    source.write_bytes(data)
    digest = Digest.of(data)

    def work(number: int) -> bool:
        cache = BlobCache(root)
        cache.keep(digest, source)
        cache.remember(digest, _FACT)
        if number % 5 == 0:
            cache.prune(0)
        placed = cache.place(digest, tmp_path / f"target-{number}")
        return not placed or (tmp_path / f"target-{number}").read_bytes() == data

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(100)))
    assert BlobCache(root).fact(digest) == _FACT
    assert not list(root.rglob(".partial*"))
