from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING

import pytest

from supplychain.images.registry.pace import LEAST_RATE, PacedReader

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class _Source(io.RawIOBase):
    """Gives so many bytes at a time, each after a wait."""

    def __init__(self, size: int, wait: float) -> None:
        super().__init__()
        self._size = size
        self._wait = wait

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        time.sleep(self._wait)
        return min(self._size, memoryview(buffer).nbytes)


def test_a_dripping_source_ends_with_a_timeout_soon_after_its_grace() -> None:
    reader = PacedReader(_Source(1, 0.01), grace=0.05)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        reader.readall()
    assert time.monotonic() - began < 1


def test_a_source_at_the_least_rate_may_go_on() -> None:
    reader = PacedReader(_Source(LEAST_RATE, 0.01), grace=0.02)
    assert sum(len(reader.read(LEAST_RATE) or b"") for _ in range(10)) == 10 * LEAST_RATE


def test_a_slow_reader_is_not_a_slow_source() -> None:
    reader = PacedReader(_Source(1, 0.0), grace=0.05)
    for _ in range(4):
        time.sleep(0.03)
        assert len(reader.read(1) or b"") == 1


def test_closing_closes_the_source() -> None:
    source = _Source(1, 0.0)
    PacedReader(source, grace=1).close()
    assert source.closed
