"""How often somebody may ask: a bucket each, which fills up again as time passes."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from supplychain.errors import RateError

# More callers at once than any organisation has; the ones that have asked longest ago go.
_MOST = 10_000
_BURST_SECONDS = 15


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Rates:
    """Counts what everybody asks; threads may share one.

    Args:
        per_minute: How often each may ask in a minute, a quarter of that at once.
        clock: Seconds that only go forward.
        what: What is counted, in words.
        at_once: So many at once in any case.
    """

    def __init__(
        self,
        per_minute: int,
        clock: Callable[[], float] = time.monotonic,
        *,
        what: str = "requests",
        at_once: int = 1,
    ) -> None:
        self._per_second = per_minute / 60
        self._what = what
        self._most = max(float(at_once), self._per_second * _BURST_SECONDS)
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str) -> None:
        """Count one of somebody's.

        Raises:
            RateError: They have asked too often.
        """
        now = self._clock()
        with self._lock:
            bucket = self._buckets.setdefault(name, _Bucket(self._most, now))
            self._buckets.move_to_end(name)
            if len(self._buckets) > _MOST:
                self._buckets.popitem(last=False)
            bucket.left = min(self._most, bucket.left + (now - bucket.at) * self._per_second)
            bucket.at = now
            if bucket.left >= 1:
                bucket.left -= 1
                return
            wait = (1 - bucket.left) / self._per_second
        raise RateError(
            f"too many {self._what}",
            because=f"{self._per_second * 60:.0f} in a minute are answered",
            retry_after=wait,
        )
