"""That something is waited for, told once; and once that it is over."""

from __future__ import annotations

import logging
import threading
import time

from supplychain.errors import SupplyChainError

_LOG = logging.getLogger(__name__)


class Waiting:
    """What a worker's threads wait for, as its log tells of it; they share one.

    A wait begins with the first of them that has to wait, and is over when none has to any more.
    Meanwhile each cause is told once, however often it comes back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._who: set[str] = set()
        self._told: set[str] = set()
        self._since = 0.0

    def begin(self, who: str, error: SupplyChainError) -> None:
        """Somebody has to wait, or has to go on waiting.

        Args:
            who: Which of those who share this.
            error: Why.
        """
        with self._lock:
            if not self._who:
                self._since = time.monotonic()
            self._who.add(who)
            is_new = f"{error}" not in self._told
            self._told.add(f"{error}")
        if is_new:
            _LOG.warning("waiting: %s: %s; %s", error, error.because, error.hint)

    def end(self, who: str) -> None:
        """Somebody does not wait, or no longer."""
        with self._lock:
            if who not in self._who:
                return
            self._who.remove(who)
            if self._who:
                return
            self._told.clear()
        _LOG.warning("waiting no longer, after %.0f s", time.monotonic() - self._since)
