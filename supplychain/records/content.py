"""Where documents are kept byte for byte, under the sha256 of their bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Protocol

from supplychain.errors import DigestMismatchError, InputError
from supplychain.model.digest import Digest

# What whoever serves from a store keeps there, to see that it is still the same one.
PROBED = b"This content store is in use.\n"
PROBE = Digest.of(PROBED)


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

    def put_chunks(self, digest: Digest, size: int, chunks: Callable[[], Iterator[bytes]]) -> None:
        """As `put`, of a document that is not whole in memory.

        Args:
            digest: What it has to be.
            size: How many bytes.
            chunks: Begins it; not called where it is there already, and intact.

        Raises:
            DigestMismatchError: It was something else; nothing is kept.
        """
        ...

    def get(self, digest: Digest) -> bytes:
        """The bytes of a digest, hashed again.

        Raises:
            ContentMissingError: They are not there.
            DigestMismatchError: Other bytes are there.
        """
        ...

    def has(self, digest: Digest) -> bool:
        """Whether something is there under this digest; `get` tells whether it is intact."""
        ...

    def size(self, digest: Digest) -> int | None:
        """How many bytes are there under this digest; None where there is nothing."""
        ...

    def digests(self) -> Iterator[Digest]:
        """Every document that is there, in no particular order; what is none is passed over."""
        ...

    def discard(self, digest: Digest, *, unused_since: datetime) -> bool:
        """Take a document away that no row names, unless somebody put it since; whether it went.

        Who puts it at the same time has it afterwards. A store that cannot promise this takes
        nothing away.
        """
        ...


def key_of(digest: Digest) -> str:
    """Where a digest's bytes are kept, relative to the store: 256 folders, so that none is huge."""
    return f"{digest.algorithm}/{digest.hex[:2]}/{digest.hex}"


def named_by(key: str) -> Digest | None:
    """The document that is kept at a place; None for what is none, as file servers leave.

    Args:
        key: The place, relative to the store.
    """
    algorithm, _, name = key.partition("/")
    try:
        digest = Digest(algorithm, name.rpartition("/")[2])
    except InputError:
        return None
    return digest if key == key_of(digest) else None


def passing(digest: Digest, size: int, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks of a document; fails at its end where it is not what it should be.

    Raises:
        DigestMismatchError: It is not.
    """
    hasher, passed = digest.hasher(), 0
    for chunk in chunks:
        hasher.update(chunk)
        passed += len(chunk)
        if passed > size:
            break
        yield chunk
    if passed != size or hasher.hexdigest() != digest.hex:
        raise DigestMismatchError(
            f"what was to be kept is not {digest}", because=f"{passed:,} of {size:,} bytes came"
        )


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
