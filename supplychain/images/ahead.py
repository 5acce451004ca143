"""Runs an iterator in a thread of its own, so that reading, hashing and unpacking overlap.

Hashing and decompression release the interpreter's lock: a chain of such iterators keeps as many
cores busy as it has parts, with a bounded number of chunks in memory.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator

_DEPTH = 4


class _Belt:
    """A few chunks between one thread that makes them and one that takes them."""

    def __init__(self) -> None:
        self._items: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._ended = self._stopped = False

    def put(self, chunk: bytes) -> bool:
        """Add a chunk when there is room; whether anybody still wants more."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or len(self._items) < _DEPTH)
            self._items.append(chunk)
            self._changed.notify()
            return not self._stopped

    def end(self, error: BaseException | None) -> None:
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def take(self) -> bytes | None:
        """The next chunk; None at the end. Raises what the maker raised."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._ended)
            if self._items:
                self._changed.notify()
                return self._items.popleft()
            if self._error is not None:
                raise self._error
            return None


def ahead(chunks: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    """The same chunks, made up to four ahead of who takes them; errors come through.

    When the taker stops early, the maker stops at its next chunk and closes its generator there.
    """
    belt = _Belt()

    def make() -> None:
        try:
            for chunk in chunks:
                if not belt.put(chunk):
                    break
            chunks.close()
        except BaseException as error:  # noqa: BLE001 - the taker raises it again
            belt.end(error)
        else:
            belt.end(None)

    threading.Thread(target=make, name="chunks", daemon=True).start()
    try:
        while (chunk := belt.take()) is not None:
            yield chunk
    finally:
        belt.stop()
