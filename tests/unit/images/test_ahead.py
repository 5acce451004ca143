from __future__ import annotations

import threading
from collections.abc import Generator

import pytest

from supplychain.images.ahead import ahead


def _numbers(count: int) -> Generator[bytes, None, None]:
    for number in range(count):
        yield str(number).encode()


def test_chunks_come_whole_and_in_order() -> None:
    assert list(ahead(_numbers(1000))) == list(_numbers(1000))


def test_an_error_comes_after_the_chunks_before_it() -> None:
    def failing() -> Generator[bytes, None, None]:
        yield b"one"
        raise ValueError("broken")

    stream = ahead(failing())
    assert next(stream) == b"one"
    with pytest.raises(ValueError, match="broken"):
        next(stream)


def test_it_runs_a_few_chunks_ahead_and_no_further() -> None:
    made: list[int] = []
    enough = threading.Event()

    def counting() -> Generator[bytes, None, None]:
        for number in range(100):
            made.append(number)
            if number == 4:
                enough.set()
            yield b"x"

    stream = ahead(counting())
    next(stream)
    assert enough.wait(5)
    assert not threading.Event().wait(0.05)
    assert len(made) <= 6
    stream.close()


def test_a_reader_that_stops_ends_the_thread_and_its_generator() -> None:
    closed = threading.Event()

    def endless() -> Generator[bytes, None, None]:
        try:
            while True:
                yield b"x"
        finally:
            closed.set()

    stream = ahead(endless())
    next(stream)
    stream.close()
    assert closed.wait(5)


def test_a_chain_stops_from_its_end_to_its_beginning() -> None:
    closed = threading.Event()

    def endless() -> Generator[bytes, None, None]:
        try:
            while True:
                yield b"x"
        finally:
            closed.set()

    def doubled(chunks: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
        for chunk in chunks:
            yield chunk * 2

    stream = ahead(doubled(ahead(endless())))
    assert next(stream) == b"xx"
    stream.close()
    assert closed.wait(5)
