"""Whether this machine's clock is the database's: what one records, others judge by theirs.

The record is read as of an instant. To whoever is behind, what was recorded meanwhile is still to
come: a worse scan, a waiver that was taken back. They would allow by what was before.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from supplychain.errors import StoreError
from supplychain.gate.case import CLOCK_TOLERANCE
from supplychain.gate.durations import span
from supplychain.records.prepared import run

# Of two machines neither is then further from the other than evidence may lie ahead.
_MOST = CLOCK_TOLERANCE / 2
_THEIRS = "SELECT extract(epoch FROM clock_timestamp())::float8"


def require_same_clock(connection: Connection) -> None:
    """Go on only where both clocks say the same.

    Args:
        connection: To a PostgreSQL database; with SQLite there is one machine, and one clock.

    Raises:
        StoreError: They do not.
    """
    before = time.time()
    [[theirs]] = run(connection, _THEIRS, {})
    after = time.time()
    # However long the answer took, it is from between the two.
    ahead, behind = before - theirs, theirs - after
    apart = timedelta(seconds=max(ahead, behind))
    if apart > _MOST:
        whither = "ahead" if ahead > behind else "behind"
        raise StoreError(
            "this machine's clock is not that of the database",
            because=f"it is {span(apart)} {whither}: {_shown(after)}, there {_shown(theirs)}",
            hint="set the one that is wrong: nothing is judged or recorded until then",
        )


def _shown(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
