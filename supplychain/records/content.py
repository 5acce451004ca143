"""Where documents are kept byte for byte, under the sha256 of their bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from supplychain.errors import ConfigurationError, DigestMismatchError
from supplychain.model.digest import Digest

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://")
_BUCKETS = frozenset({"s3", "s3a", "gs", "az", "azure", "abfs", "abfss"})


class ContentStore(Protocol):
    """Documents by their digest. What is in it never changes and never lies.

    Every operation raises `StoreError` when the store cannot be read or written; a failed put
    leaves nothing behind that `has`, `get` or `digests` would show.
    """

    def put(self, data: bytes) -> Digest:
        """Keep these bytes, and return only when a power cut could not lose them.

        Putting what is there already does nothing, unless the store sees that it is damaged:
        then the good bytes replace it.
        """
        ...

    def get(self, digest: Digest) -> bytes:
        """The bytes of a digest, hashed again.

        Raises:
            NotFoundError: They are not there.
            DigestMismatchError: Other bytes are there.
        """
        ...

    def has(self, digest: Digest) -> bool:
        """Whether something is there under this digest; `get` tells whether it is intact."""
        ...

    def digests(self) -> Iterator[Digest]:
        """Everything that is there, in no particular order."""
        ...


def open_content_store(location: str) -> ContentStore:
    """The store at a folder's path or `file://` URL, or in a bucket by its URL.

    Args:
        location: A path, or `s3://bucket/prefix`, `gs://bucket/prefix`,
            `az://account/container/prefix`; credentials come from the environment (`AWS_…`,
            `GOOGLE_…`, `AZURE_…`) or from the machine's identity.

    Raises:
        ConfigurationError: Nothing is known about that kind of location.
        StoreError: The bucket cannot be opened.
    """
    scheme = _SCHEME.match(location)
    if scheme is None or scheme[1] == "file":
        from supplychain.records.folder import FolderStore

        return FolderStore(Path(location.removeprefix("file://")))
    if scheme[1] in _BUCKETS:
        from supplychain.records.bucket import open_bucket

        return open_bucket(location)
    raise ConfigurationError(
        f"there is no content store of the kind {scheme[1]!r}",
        hint="name a folder, or s3://bucket/prefix, gs://bucket/prefix, az://account/container",
    )


def key_of(digest: Digest) -> str:
    """Where a digest's bytes are kept, relative to the store: 256 folders, so that none is huge."""
    return f"{digest.algorithm}/{digest.hex[:2]}/{digest.hex}"


def checked(digest: Digest, data: bytes, where: str) -> bytes:
    """The bytes, if they are what their digest says.

    Raises:
        DigestMismatchError: They are not.
    """
    if not digest.matches(data):
        raise DigestMismatchError(
            f"the content store holds other bytes under {digest} than those named",
            because=f"{where} was changed or damaged after it was written",
            hint="restore it from a backup, or run the image again",
        )
    return data
