"""Large documents, compressed: what a decision was made from repeats itself a lot."""

from __future__ import annotations

import sys

from supplychain.errors import DigestMismatchError
from supplychain.model.digest import Digest

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# More than any dossier; a document that grows beyond was not written by us.
_LARGEST = 1 << 30


def packed(document: bytes) -> bytes:
    """The document, compressed."""
    return zstd.compress(document, level=6)


def unpacked(data: bytes, digest: Digest | None) -> bytes:
    """The document again.

    Args:
        data: What `packed` gave.
        digest: What the document has to be.

    Raises:
        DigestMismatchError: It is something else.
    """
    try:
        document = zstd.ZstdDecompressor().decompress(data, max_length=_LARGEST)
    except zstd.ZstdError as error:
        raise DigestMismatchError(f"what is stored of {digest} is damaged") from error
    if digest is None or not digest.matches(document):
        raise DigestMismatchError(f"what is stored of {digest} is another document")
    return document
