"""What reads a whole record is done for one caller at a time, whoever else asks for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from supplychain.errors import RateError

_SECONDS = 10.0


class Alone:
    """Lets one in and sends the others away; threads may share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be the one.

        Raises:
            RateError: Somebody else is.
        """
        if not self._lock.acquire(blocking=False):
            raise RateError(
                "another chain is being verified at this moment",
                because="it reads everything on record: each server process verifies one at a time",
                retry_after=_SECONDS,
            )
        try:
            yield
        finally:
            self._lock.release()
