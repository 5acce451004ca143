"""Bytes on their way from one place to another, hashed as they pass."""

from __future__ import annotations

from collections.abc import Iterator

from supplychain.errors import DigestMismatchError
from supplychain.model.artifact import Descriptor


def checked(descriptor: Descriptor, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks, as long as they are not more than the descriptor says.

    Raises:
        DigestMismatchError: At its end the stream is not what the descriptor names.
    """
    hasher, received = descriptor.digest.hasher(), 0
    for chunk in chunks:
        hasher.update(chunk)
        received += len(chunk)
        if received > descriptor.size:
            break
        yield chunk
    if hasher.hexdigest() != descriptor.digest.hex or received != descriptor.size:
        raise DigestMismatchError(
            f"what was to be stored is not {descriptor.digest}",
            because=f"{received:,} of {descriptor.size:,} bytes came, and they hash to "
            f"{descriptor.digest.algorithm}:{hasher.hexdigest()}",
        )
