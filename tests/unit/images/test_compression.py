from __future__ import annotations

import gzip
import os

import pytest

from demo.images import compress
from supplychain.errors import InputError, LimitError
from supplychain.images.compression import CHUNK, Compression, decompressed

_PLAIN = os.urandom(700_000) + b"a" * 1_500_000
_PACKED = [Compression.GZIP, Compression.ZSTD]


def _unpack(
    data: bytes, compression: Compression, *, step: int = 50_000, limit: int = 1 << 30
) -> list[bytes]:
    chunks = (data[at : at + step] for at in range(0, len(data), step))
    return list(decompressed(chunks, compression, what="layer 1 of 1", limit=limit, ratio=200))


@pytest.mark.parametrize("compression", list(Compression))
def test_what_was_compressed_comes_out_in_bounded_chunks(compression: Compression) -> None:
    chunks = _unpack(compress(_PLAIN, compression.value), compression)
    assert b"".join(chunks) == _PLAIN
    assert max(map(len, chunks)) <= CHUNK


@pytest.mark.parametrize("compression", _PACKED)
def test_a_stream_may_come_byte_by_byte(compression: Compression) -> None:
    assert b"".join(_unpack(compress(b"hello", compression.value), compression, step=1)) == b"hello"


@pytest.mark.parametrize("compression", _PACKED)
@pytest.mark.parametrize("step", [1000, 1 << 22])
def test_several_members_are_one_stream(compression: Compression, step: int) -> None:
    parts = [_PLAIN[:300_000], b"", _PLAIN[300_000:]]
    data = b"".join(compress(part, compression.value) for part in parts)
    assert b"".join(_unpack(data, compression, step=step)) == _PLAIN


@pytest.mark.parametrize("compression", list(Compression))
def test_a_compression_is_known_by_its_first_bytes(compression: Compression) -> None:
    assert Compression.sniff(compress(b"hello", compression.value)[:4]) is compression


def test_a_skippable_frame_is_zstd() -> None:
    assert Compression.sniff(b"\x50\x2a\x4d\x18") is Compression.ZSTD


@pytest.mark.parametrize("compression", _PACKED)
@pytest.mark.parametrize("cut", [1, 4, 5000])
def test_a_cut_stream_is_refused(compression: Compression, cut: int) -> None:
    with pytest.raises(InputError, match="layer 1 of 1 is not a sound"):
        _unpack(compress(_PLAIN, compression.value)[:-cut], compression)


@pytest.mark.parametrize("compression", _PACKED)
@pytest.mark.parametrize("rest", [b"garbage behind the end", b"\0" * 20])
def test_garbage_behind_the_end_is_refused(compression: Compression, rest: bytes) -> None:
    with pytest.raises(InputError, match="not a sound"):
        _unpack(compress(_PLAIN, compression.value) + rest, compression)


@pytest.mark.parametrize("compression", _PACKED)
def test_nothing_at_all_is_no_stream(compression: Compression) -> None:
    with pytest.raises(InputError, match="not a sound"):
        _unpack(b"", compression)


def test_a_wrong_checksum_is_refused() -> None:
    data = bytearray(gzip.compress(_PLAIN))
    data[-6] ^= 1
    with pytest.raises(InputError, match="not a sound gzip"):
        _unpack(bytes(data), Compression.GZIP)


@pytest.mark.parametrize("compression", list(Compression))
def test_more_than_the_limit_is_refused(compression: Compression) -> None:
    data = compress(_PLAIN, compression.value)
    assert _unpack(data, compression, limit=len(_PLAIN))
    with pytest.raises(LimitError, match="more than 2,199,999 bytes"):
        _unpack(data, compression, limit=len(_PLAIN) - 1)


def test_a_bomb_is_refused_long_before_it_has_gone_off() -> None:
    member = gzip.compress(bytes(1 << 26), 9)
    bomb = (member for _ in range(1000))
    sizes: list[int] = []
    stream = decompressed(bomb, Compression.GZIP, what="x", limit=1 << 40, ratio=200)
    with pytest.raises(LimitError, match="200 times its size"):
        sizes.extend(map(len, stream))
    assert (255 << 20) <= sum(sizes) <= (256 << 20)


def test_zeros_are_no_bomb_while_they_are_few() -> None:
    data = gzip.compress(bytes(1 << 24))
    assert len(data) * 200 < 1 << 24
    assert sum(map(len, _unpack(data, Compression.GZIP))) == 1 << 24
