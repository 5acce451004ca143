"""Several things at once, of which the first failure ends the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


class _CancelledError(Exception):
    """Another one has failed already."""


class Together:
    """Threads that end with the first of them that fails, or when their maker is interrupted.

    Args:
        at_once: How many.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._ended = threading.Event()

    def each(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """What the work makes of every item, in their order.

        Raises:
            SupplyChainError: As the first that failed.
        """
        if len(items) < 2:
            return [work(item) for item in items]
        pool = ThreadPoolExecutor(min(self._at_once, len(items)), "together")
        patient = False
        try:
            futures = [pool.submit(work, item) for item in items]
            finished, _ = wait(futures, return_when=FIRST_EXCEPTION)
            patient = True  # from here on nothing interrupts us; before, a server may be slow
            for future in finished:
                future.result()
            return [future.result() for future in futures]
        except BaseException:
            self._ended.set()
            raise
        finally:
            pool.shutdown(wait=patient, cancel_futures=True)

    def go_on(self) -> None:
        """To be called by long work now and then; ends it where another one has failed."""
        if self._ended.is_set():
            raise _CancelledError
