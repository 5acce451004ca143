"""Which content store a location means."""

from __future__ import annotations

import re
from pathlib import Path

from supplychain.errors import ConfigurationError
from supplychain.records.content import ContentStore

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://")
_BUCKETS = frozenset({"s3", "s3a", "gs", "az", "azure", "abfs", "abfss"})


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
