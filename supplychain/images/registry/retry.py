"""When to try again, and how long to wait before."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from supplychain.errors import SupplyChainError
from supplychain.frozen import dataclass
from supplychain.images.registry.failures import TransientError

T = TypeVar("T")

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 8.0
# A server that asks for more than this is answered by giving up, with its wish in the hint.
LONGEST_RETRY_AFTER = 60.0


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance, so that a test can play both.

    Attributes:
        sleep: Wait for seconds.
        now: The current instant (aware, UTC).
        monotonic: Seconds since some fixed point.
        chance: A number from 0 up to 1.
    """

    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random


class Retry:
    """Exponential backoff with jitter, or what `Retry-After` says.

    Args:
        retries: How often to try again after the first time.
        clock: Time and chance.
    """

    def __init__(self, retries: int, clock: Clock) -> None:
        self._retries = retries
        self._clock = clock

    def call(self, attempt: Callable[[], T]) -> T:
        """The result of the first attempt that did not fail for a passing reason.

        Raises:
            SupplyChainError: The last attempt's error, or one that no repetition would cure.
        """
        for number in range(self._retries):
            try:
                return attempt()
            except TransientError as failure:
                self.pause(number, failure)
        try:
            return attempt()
        except TransientError as failure:
            raise failure.error from None

    def pause(self, number: int, failure: TransientError) -> None:
        """Wait before repetition `number`, counted from 0.

        Raises:
            SupplyChainError: There are none left, or the server asks for too long a wait.
        """
        if number >= self._retries:
            raise failure.error from None
        asked = self._seconds(failure.retry_after)
        if asked is not None and asked > LONGEST_RETRY_AFTER:
            raise _later(failure.error, asked) from None
        if asked is None:
            longest = min(_FIRST_PAUSE * 2**number, _LONGEST_PAUSE)
            asked = longest * (0.5 + self._clock.chance() / 2)
        self._clock.sleep(asked)

    def _seconds(self, retry_after: str | None) -> float | None:
        """`Retry-After` is a number of seconds or an HTTP date (RFC 9110, 10.2.3)."""
        if retry_after is None:
            return None
        if retry_after.isascii() and retry_after.isdigit():
            return float(retry_after[:9])
        try:
            until = parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        return max(0.0, (until - self._clock.now()).total_seconds())


def _later(error: SupplyChainError, seconds: float) -> SupplyChainError:
    error.hint = f"try again in {seconds:.0f} s"
    return error
