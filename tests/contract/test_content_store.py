"""One suite for every content store: a folder, memory, and an S3 server on the loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from obstore import put
from obstore.store import MemoryStore, from_url

from supplychain.errors import (
    ConfigurationError,
    DigestMismatchError,
    NotFoundError,
    StoreError,
)
from supplychain.model.digest import Digest
from supplychain.records.bucket import BucketStore
from supplychain.records.content import ContentStore, key_of
from supplychain.records.stores import open_content_store

Damage = Callable[[str, bytes], None]


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture
def s3_environment(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture(params=["folder", "memory", "s3"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[ContentStore, Damage]:
    """A store, and a way to change what it holds behind its back."""
    if request.param == "folder":
        return open_content_store(str(tmp_path / "content")), _damage_file(tmp_path / "content")
    if request.param == "memory":
        memory = MemoryStore()

        def damage_memory(key: str, data: bytes) -> None:
            memory.put(key, data)

        return BucketStore(memory, "memory"), damage_memory
    server: str = request.getfixturevalue("s3_environment")
    bucket = f"bucket-{abs(hash(tmp_path))}"
    requests.put(f"{server}/{bucket}", timeout=10).raise_for_status()

    def damage_object(key: str, data: bytes) -> None:
        put(from_url(f"s3://{bucket}/kept"), key, data)

    return open_content_store(f"s3://{bucket}/kept"), damage_object


@pytest.fixture
def store(opened: tuple[ContentStore, Damage]) -> ContentStore:
    return opened[0]


def _damage_file(root: Path) -> Damage:
    def damage(key: str, data: bytes) -> None:
        path = root / key
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    return damage


@pytest.mark.parametrize("data", [b"", b"a report", bytes(range(256)) * 4_000])
def test_bytes_come_back_under_their_digest(store: ContentStore, data: bytes) -> None:
    digest = store.put(data)

    assert digest == Digest.of(data)
    assert store.get(digest) == data
    assert store.has(digest)
    assert store.size(digest) == len(data)


def test_putting_twice_keeps_one(store: ContentStore) -> None:
    assert store.put(b"once") == store.put(b"once")

    assert list(store.digests()) == [Digest.of(b"once")]


def test_everything_put_is_listed(store: ContentStore) -> None:
    put = {store.put(b"document %d" % n) for n in range(20)}

    assert set(store.digests()) == put


@pytest.mark.parametrize(
    "key",
    [
        "sha256/ab/.nfs00000001",
        "sha256/README",
        f"sha256/ab/{'ab' * 32}.partial",
        f"sha256/AB/{'AB' * 32}",
        f"sha256/zz/{'ab' * 32}",
        f"sha256/ab/ab/{'ab' * 32}",
    ],
)
def test_what_is_no_document_is_passed_over(opened: tuple[ContentStore, Damage], key: str) -> None:
    store, damage = opened
    kept = store.put(b"kept")
    damage(key, b"left by a file server")
    assert list(store.digests()) == [kept]


def test_an_empty_store_lists_nothing(store: ContentStore) -> None:
    assert list(store.digests()) == []


@pytest.mark.parametrize("data", [b"", b"a report", bytes(range(256)) * 60_000])
def test_what_comes_in_chunks_is_kept_whole(store: ContentStore, data: bytes) -> None:
    digest, begun = Digest.of(data), []

    def chunks() -> Iterator[bytes]:
        begun.append(True)
        return iter([data[at : at + 70_000] for at in range(0, len(data), 70_000)])

    for _ in range(2):
        store.put_chunks(digest, len(data), chunks)
    assert store.get(digest) == data
    assert begun == [True]


@pytest.mark.parametrize("came", [b"other", b"rig", b"right and more"])
def test_chunks_that_are_something_else_are_not_kept(store: ContentStore, came: bytes) -> None:
    digest = Digest.of(b"right")
    with pytest.raises(DigestMismatchError):
        store.put_chunks(digest, 5, lambda: iter((came[:2], came[2:])))
    assert not store.has(digest)
    assert list(store.digests()) == []


def test_a_source_that_fails_leaves_nothing(store: ContentStore) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"ri"
        raise NotFoundError("the registry has lost it")

    with pytest.raises(NotFoundError):
        store.put_chunks(Digest.of(b"right"), 5, chunks)
    assert list(store.digests()) == []


def test_absent_bytes_are_not_found(store: ContentStore) -> None:
    absent = Digest.of(b"never put")

    assert not store.has(absent)
    assert store.size(absent) is None
    with pytest.raises(NotFoundError, match=str(absent)):
        store.get(absent)


def test_a_digest_of_another_algorithm_is_not_found(store: ContentStore) -> None:
    store.put(b"data")

    with pytest.raises(NotFoundError):
        store.get(Digest("sha512", "0" * 128))


@pytest.mark.parametrize("damaged", [b"", b"a repor", b"A report", b"a report and more"])
def test_changed_bytes_are_refused(opened: tuple[ContentStore, Damage], damaged: bytes) -> None:
    store, damage = opened
    digest = store.put(b"a report")
    damage(key_of(digest), damaged)

    with pytest.raises(DigestMismatchError, match=str(digest)) as caught:
        store.get(digest)
    assert caught.value.hint is not None


@pytest.mark.parametrize("damaged", [b"", b"a report and more"])
def test_putting_good_bytes_repairs_damage(
    opened: tuple[ContentStore, Damage], damaged: bytes
) -> None:
    store, damage = opened
    digest = store.put(b"a report")
    damage(key_of(digest), damaged)

    store.put(b"a report")

    assert store.get(digest) == b"a report"


@pytest.mark.usefixtures("s3_environment")
def test_a_missing_bucket_is_a_store_error() -> None:
    store = open_content_store("s3://no-such-bucket/prefix")

    with pytest.raises(StoreError, match="s3://no-such-bucket/prefix cannot be written") as caught:
        store.put(b"data")
    assert "\n" not in (caught.value.because or "")
    assert caught.value.hint == "check that the bucket exists and can be reached"


@pytest.mark.parametrize("location", ["ftp://host/x", "redis://host"])
def test_an_unknown_kind_of_store_is_refused(location: str) -> None:
    with pytest.raises(ConfigurationError, match="no content store of the kind"):
        open_content_store(location)


def test_a_file_url_names_a_folder(tmp_path: Path) -> None:
    digest = open_content_store(f"file://{tmp_path}/kept").put(b"data")

    assert open_content_store(str(tmp_path / "kept")).get(digest) == b"data"
