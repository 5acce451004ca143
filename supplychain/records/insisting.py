"""What has to be so as long as a database is worked on: looked at again once a second at most."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Connection, Engine, event

_AGAIN_SECONDS = 1.0
# Named in the execution options of an engine.
_INSISTS = "supplychain_insists"


class Insistence:
    """Has everything that has to be so looked at; threads share one."""

    def __init__(self) -> None:
        self._checks: list[Callable[[Connection], None]] = []
        self._looked = -_AGAIN_SECONDS

    def add(self, check: Callable[[Connection], None]) -> None:
        """Look at something more."""
        self._checks.append(check)
        self._looked = -_AGAIN_SECONDS

    def look(self, connection: Connection) -> None:
        """Go on only where everything is as it has to be; raises as the checks do."""
        now = time.monotonic()
        if now - self._looked < _AGAIN_SECONDS:
            return
        # What is looked at may take another connection.
        self._looked = now
        try:
            for check in self._checks:
                check(connection)
        except BaseException:
            self._looked = -_AGAIN_SECONDS
            raise


def insisting(engine: Engine) -> Insistence:
    """What is looked at wherever a transaction of an engine begins."""
    found: Insistence | None = engine.get_execution_options().get(_INSISTS)
    if found is None:
        found = Insistence()
        engine.update_execution_options(**{_INSISTS: found})
        event.listen(engine, "begin", found.look)
    return found
