"""A content store in a bucket: S3, Google Cloud Storage, Azure, or whatever speaks like S3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from obstore import get, head, put
from obstore import list as list_objects
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import from_url

from supplychain.errors import ConfigurationError, ContentMissingError, StoreError
from supplychain.model.digest import Digest
from supplychain.records.content import checked, key_of, named_by, passing

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_CREDENTIALS = (
    "check that this machine's identity, or the environment (AWS_…, GOOGLE_…, AZURE_…), "
    "may read and write the bucket"
)


def open_bucket(url: str) -> BucketStore:
    """The store in the bucket that a URL names; connects to nothing yet.

    Raises:
        ConfigurationError: The URL or the cloud's settings in the environment are unusable.
    """
    try:
        # Options of the HTTP client, given here, would displace those in the environment
        # (AWS_ALLOW_HTTP …); its own limits are 5 s to connect and 30 s for a request.
        store = from_url(
            url, retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=60)}
        )
    except (BaseError, ValueError) as error:
        raise ConfigurationError(
            f"the content store {url} cannot be opened",
            because=_first_line(error),
            hint="write it as s3://bucket/prefix, gs://bucket/prefix or az://account/container",
        ) from error
    return BucketStore(store, url)


class BucketStore:
    """Documents as objects; a put is acknowledged by the bucket's own promise of durability.

    Args:
        store: The bucket, or a folder in it.
        name: Its name in messages.
    """

    def __init__(self, store: ObjectStore, name: str) -> None:
        self._store = store
        self._name = name

    def put(self, data: bytes) -> Digest:
        """See `ContentStore.put`; an object of the same length is taken to be intact."""
        digest = Digest.of(data)
        with self._faults("written"):
            if self._size(digest) != len(data):
                put(self._store, key_of(digest), data)
        return digest

    def put_chunks(self, digest: Digest, size: int, chunks: Callable[[], Iterator[bytes]]) -> None:
        """See `ContentStore.put_chunks`; an object of the same length is taken to be intact."""
        with self._faults("written"):
            if self._size(digest) != size:
                put(self._store, key_of(digest), passing(digest, size, chunks()))

    def get(self, digest: Digest) -> bytes:
        """See `ContentStore.get`."""
        with self._faults("read"):
            try:
                data = bytes(get(self._store, key_of(digest)).bytes())
            except FileNotFoundError:
                raise ContentMissingError(
                    f"the content store has nothing under {digest}",
                    because=f"there is no {key_of(digest)} in {self._name}",
                    hint="restore it from a backup, or run the image again",
                ) from None
        return checked(digest, data, f"{key_of(digest)} in {self._name}")

    def has(self, digest: Digest) -> bool:
        """See `ContentStore.has`."""
        return self.size(digest) is not None

    def size(self, digest: Digest) -> int | None:
        """See `ContentStore.size`."""
        with self._faults("read"):
            return self._size(digest)

    def digests(self) -> Iterator[Digest]:
        """See `ContentStore.digests`."""
        with self._faults("read"):
            for page in list_objects(self._store, prefix="sha256"):
                yield from filter(None, (named_by(item["path"]) for item in page))

    def discard(self, digest: Digest, *, unused_since: datetime) -> bool:
        """See `ContentStore.discard`; no bucket tells whether somebody is about to use one."""
        del digest, unused_since
        return False

    def _size(self, digest: Digest) -> int | None:
        try:
            return head(self._store, key_of(digest))["size"]
        except FileNotFoundError:
            return None

    @contextmanager
    def _faults(self, done: str) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            refused = isinstance(
                error, PermissionDeniedError | UnauthenticatedError | PermissionError
            )
            raise StoreError(
                f"the content store {self._name} cannot be {done}",
                because=_first_line(error),
                hint=_CREDENTIALS if refused else "check that the bucket exists and can be reached",
                retryable=not refused,
            ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
