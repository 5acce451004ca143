"""Unpacks a layer as it passes by, and keeps only what that proves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable
from contextlib import closing

from supplychain.errors import InputError
from supplychain.images.ahead import ahead
from supplychain.images.cache import LayerFact
from supplychain.images.compression import Compression, decompressed
from supplychain.images.limits import Limits
from supplychain.images.tarwalk import TarWalk
from supplychain.model.digest import Digest


def examined(
    chunks: Generator[bytes, None, None],
    compression: Compression,
    *,
    what: str,
    limits: Limits,
    overlap: bool,
    sink: Callable[[bytes], None],
) -> LayerFact:
    """What a layer's bytes unpack to, after all of them have been looked at.

    Args:
        chunks: The layer as it is stored; exhausted when this returns.
        compression: What its media type says.
        what: Names the layer in errors.
        limits: How far it may unpack.
        overlap: Read, unpack and hash in threads of their own.
        sink: Called with every unpacked chunk; may raise to stop.

    Raises:
        InputError: It is damaged, not compressed as it says, or holds what `TarWalk` refuses.
        LimitError: It unpacks too far.
    """
    apart = ahead if overlap else _in_turn
    plain = apart(
        decompressed(
            _as_declared(apart(chunks), compression, what),
            compression,
            what=what,
            limit=limits.unpacked_bytes,
            ratio=limits.ratio,
        )
    )
    walk, hasher, size = TarWalk(what), hashlib.sha256(), 0
    with closing(plain):
        for chunk in plain:
            sink(chunk)
            hasher.update(chunk)
            walk.feed(chunk)
            size += len(chunk)
    walk.finish()
    return LayerFact(Digest("sha256", hasher.hexdigest()), compression, size)


def _as_declared(
    chunks: Iterable[bytes], compression: Compression, what: str
) -> Generator[bytes, None, None]:
    """The chunks, of which the first has to begin as the media type says.

    Scanners and runtimes go by those first bytes and not by the media type.
    """
    start = b""
    for chunk in chunks:
        if len(start) < 4:
            start += chunk[:4]
            if len(start) >= 4 and Compression.sniff(start[:4]) is not compression:
                raise misdeclared(what, compression, Compression.sniff(start[:4]))
        yield chunk


def misdeclared(what: str, declared: Compression, actual: Compression) -> InputError:
    """The error for a layer that is compressed otherwise than its media type says."""
    return InputError(
        f"{what} is not compressed as its media type says",
        because=f"it says {declared} and begins like {actual}",
    )


def _in_turn(chunks: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    return chunks
