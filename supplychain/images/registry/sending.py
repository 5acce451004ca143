"""Bodies that are sent as they come, and begun anew for every attempt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field

from supplychain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Stream:
    """A body that is never whole in memory.

    Attributes:
        size: Its length, which is announced.
        chunks: Begins it, each time from the start.
    """

    size: int
    chunks: Callable[[], Iterator[bytes]] = field(repr=False)

    def opened(self) -> Opened:
        """The body, once, as HTTP clients read it."""
        return Opened(self.size, self.chunks())


class Opened:
    """A body that is being sent, as `urllib3` reads it."""

    def __init__(self, size: int, chunks: Iterator[bytes]) -> None:
        self._size, self._chunks, self._rest = size, chunks, b""

    def __len__(self) -> int:
        """Its length."""
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        """What is left of it."""
        while chunk := self.read():
            yield chunk

    def read(self, amount: int = -1) -> bytes:
        """Some bytes, at most `amount` of them; b"" at the end."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = chunk
        end = len(self._rest) if amount < 0 else amount
        taken, self._rest = self._rest[:end], self._rest[end:]
        return taken
