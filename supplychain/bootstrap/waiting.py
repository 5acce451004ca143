"""What begins before its database does, as services do that start side by side, waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable

from supplychain.errors import StoreError
from supplychain.records.version import schema_status
from supplychain.settings import Settings

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0


def await_database(settings: Settings, tell: Callable[[str], None]) -> None:
    """Return once the database answers, whatever schema it has.

    Args:
        settings: All settings; `database_wait` says how long at most.
        tell: Is given a line where the database is waited for, and whenever the cause changes.

    Raises:
        ConfigurationError: The URL is unusable.
        StoreError: It did not answer in time, or refuses in a way that does not pass.
    """
    until = time.monotonic() + settings.duration("database_wait")
    pause, told = _FIRST_PAUSE, ""
    while True:
        try:
            schema_status(settings.database_url)
        except StoreError as error:
            left = until - time.monotonic()
            if not error.retryable or left <= 0:
                raise
            if (why := f"{error}: {error.because}") != told:
                tell(f"waiting   at most {left:.0f} s for the database: {why}")
                told = why
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)
        else:
            return
