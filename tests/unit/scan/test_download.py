from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from supplychain.errors import DigestMismatchError, InputError, LimitError, NotFoundError
from supplychain.model.artifact import OCI_MANIFEST
from supplychain.model.digest import Digest
from supplychain.scan import download as module
from supplychain.scan.download import CONFIG_TYPE, LAYER_TYPE, download
from tests.kit.artifacts import MemoryStore

DATA = b"a database" * 20_000


def publish(store: MemoryStore, data: bytes = DATA, **changes: Any) -> Digest:
    """The database as Trivy's makers publish it."""
    layer = {
        "mediaType": LAYER_TYPE,
        "digest": str(store.put_blob(data)),
        "size": len(data),
        "annotations": {"org.opencontainers.image.title": "db.tar.gz"},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": CONFIG_TYPE, "digest": str(store.put_blob(b"{}")), "size": 2},
        "layers": [layer],
    }
    return store.put_manifest(json.dumps(manifest | changes).encode(), OCI_MANIFEST, tag="2")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore("registry.example/trivy-db")


def test_fetches_by_tag_and_by_digest_and_tells_how_far_it_is(
    store: MemoryStore, tmp_path: Path
) -> None:
    digest = publish(store)
    told: list[tuple[int, int]] = []
    got = download(
        store, "2", tmp_path / "a", progress=lambda done, size: told.append((done, size))
    )
    assert got == digest
    assert (tmp_path / "a").read_bytes() == DATA
    assert told[-1] == (len(DATA), len(DATA))
    assert len(told) > 1
    assert download(store, digest, tmp_path / "b") == digest
    assert (tmp_path / "b").read_bytes() == DATA


def test_a_tag_that_does_not_exist(store: MemoryStore, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        download(store, "2", tmp_path / "a")


_OTHER = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": "x", "size": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"config": {"mediaType": "application/vnd.oci.image.config.v1+json"}},
        {"layers": []},
        {"layers": [_OTHER]},
        {"layers": [{"mediaType": LAYER_TYPE, "size": 1}]},
        {"layers": [{"mediaType": LAYER_TYPE, "size": "large", "digest": "sha256:x"}]},
        {"layers": 7},
        {"config": None},
    ],
)
def test_what_is_no_database_is_refused(
    store: MemoryStore, tmp_path: Path, changes: dict[str, Any]
) -> None:
    publish(store, **changes)
    with pytest.raises(InputError, match="not a Trivy vulnerability database"):
        download(store, "2", tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_one_that_is_too_large_is_not_fetched(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store)
    monkeypatch.setattr(module, "_LIMIT", 1000)
    with pytest.raises(LimitError):
        download(store, "2", tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_other_bytes_than_those_named_are_refused(store: MemoryStore, tmp_path: Path) -> None:
    publish(store)
    store.blobs[Digest.of(DATA)] = DATA[:-1] + b"!"
    with pytest.raises(DigestMismatchError):
        download(store, "2", tmp_path / "a")
