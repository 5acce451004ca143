"""Decompression of streams whose length and content nobody has vouched for yet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from enum import StrEnum
from typing import Protocol, cast

from supplychain.errors import InputError, LimitError

# How much comes out at once: large enough that a chunk's cost is its bytes, not Python's.
CHUNK = 256 << 10
_RATIO_FREE = 256 << 20


class Compression(StrEnum):
    """How a layer or archive is compressed."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"

    @classmethod
    def sniff(cls, start: bytes) -> Compression:
        """By the first four bytes: RFC 1952 (gzip), RFC 8878 (zstd and its skippable frames)."""
        if start[:2] == b"\x1f\x8b":
            return cls.GZIP
        if start == b"\x28\xb5\x2f\xfd" or start[1:] == b"\x2a\x4d\x18":
            return cls.ZSTD
        return cls.NONE


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /, max_length: int = -1) -> bytes: ...


def decompressed(
    chunks: Iterable[bytes],
    compression: Compression,
    *,
    what: str,
    limit: int,
    ratio: int,
) -> Generator[bytes, None, None]:
    """What a stream decompresses to, in chunks of at most `CHUNK` bytes for compressed ones.

    Several gzip members or zstd frames behind one another are one stream, as for every other
    reader of layers; anything else behind the end is refused.

    Args:
        chunks: The compressed bytes.
        compression: What they are said to be.
        what: Names the stream in errors: "layer 2 of 5 (sha256:…)".
        limit: The most bytes that may come out.
        ratio: The most bytes that may come out for one that went in, beyond the first 256 MiB.

    Raises:
        InputError: The stream is damaged, cut off, or followed by something else.
        LimitError: More came out than `limit` or `ratio` allow.
    """
    budget = _Budget(what, limit, ratio)
    if compression is Compression.NONE:
        for chunk in chunks:
            budget.spend(len(chunk), len(chunk))
            yield chunk
        return
    start, damaged = _codec(compression)
    try:
        yield from _members(chunks, start, budget)
    except damaged as error:
        raise InputError(
            f"{what} is not a sound {compression} stream", because=str(error)
        ) from error


class _Budget:
    """Counts bytes in and out and refuses a stream that swells beyond what layers do."""

    def __init__(self, what: str, limit: int, ratio: int) -> None:
        self._what, self._limit, self._ratio = what, limit, ratio
        self._read = self._written = 0

    def spend(self, read: int, written: int) -> None:
        self._read += read
        self._written += written
        if self._written > self._limit:
            raise LimitError(
                f"{self._what} unpacks to more than {self._limit:,} bytes",
                because="that is the limit (supplychain config show max_unpacked_size)",
            )
        if self._written > _RATIO_FREE and self._written > self._read * self._ratio:
            raise LimitError(
                f"{self._what} unpacks to more than {self._ratio} times its size",
                because="that is a decompression bomb, or as good as one",
            )


def _members(
    chunks: Iterable[bytes], start: Callable[[], _Decompressor], budget: _Budget
) -> Iterator[bytes]:
    decoder = start()
    begun = False
    for data in filter(None, chunks):
        budget.spend(len(data), 0)
        begun = True
        rest = data
        while rest or not (decoder.needs_input or decoder.eof):
            if decoder.eof:
                decoder = start()
            plain = decoder.decompress(rest, CHUNK)
            rest = decoder.unused_data if decoder.eof else b""
            if plain:
                budget.spend(0, len(plain))
                yield plain
    if not (begun and decoder.eof):
        raise EOFError("it ends before its end-of-stream marker")


def _codec(
    compression: Compression,
) -> tuple[Callable[[], _Decompressor], tuple[type[Exception], ...]]:
    """A factory of decoders, and what they raise on damaged input."""
    if compression is Compression.GZIP:
        from isal import igzip_lib

        return (
            lambda: igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP),
            # isal's stub declares an instance where the module holds the class.
            (cast("type[Exception]", igzip_lib.error), EOFError),
        )
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd.ZstdDecompressor, (zstd.ZstdError, EOFError)
