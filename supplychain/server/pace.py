"""How often each of many looks at something, so that all together do not look too often."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Pace:
    """What those who wait for something in one process have in common; of one event loop.

    Args:
        seconds: How long each waits between two looks, at least.
        together: How often all of them look in a second, at most.
    """

    def __init__(self, seconds: float, together: float) -> None:
        self._seconds = seconds
        self._together = together
        self._number = 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Somebody waits."""
        self._number += 1
        try:
            yield
        finally:
            self._number -= 1

    @property
    def seconds(self) -> float:
        """How long each waits now."""
        return max(self._seconds, self._number / self._together)
