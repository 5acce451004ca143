"""What a monitor wants to know of the database, in few questions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Engine, QueuePool, func, select

from supplychain.frozen import dataclass
from supplychain.model.runs import RunState
from supplychain.records.asking import waiting
from supplychain.records.database import reading
from supplychain.records.schema import runs
from supplychain.records.version import status


@dataclass(frozen=True, slots=True)
class Figures:
    """How it stands.

    Attributes:
        schema: The schema that the database has; "" for none.
        connections_in_use: Of this process.
        connections_idle: Of this process, too.
        runs: How many runs of every project stand how.
        oldest_wait: Seconds since the oldest of those was submitted that wait; 0 where none waits.
    """

    schema: str
    connections_in_use: int
    connections_idle: int
    runs: Mapping[str, int]
    oldest_wait: float

    @property
    def queued(self) -> int:
        """How many runs wait for a worker."""
        return self.runs.get(RunState.QUEUED, 0)


def read_figures(engine: Engine, at: datetime) -> Figures:
    """Look.

    Args:
        engine: The record's database.
        at: Now (aware, UTC).

    Raises:
        StoreError: The database does not answer.
    """
    schema = status(engine).current or ""
    pool = engine.pool
    used, idle = (pool.checkedout(), pool.checkedin()) if isinstance(pool, QueuePool) else (0, 0)
    ready = waiting(engine)
    counted, oldest = _runs(engine)
    wait = max(0.0, (at - oldest).total_seconds()) if oldest else 0.0
    return Figures(schema, used - ready, idle + ready, counted, wait)


def _runs(engine: Engine) -> tuple[Mapping[str, int], datetime | None]:
    """How many runs stand how, and when the oldest was submitted that waits."""
    first = select(func.min(runs.c.submitted_at)).where(runs.c.state == RunState.QUEUED)
    with reading(engine) as connection:
        rows = connection.execute(select(runs.c.state, func.count()).group_by(runs.c.state))
        return dict.fromkeys(map(str, RunState), 0) | {
            str(state): count for state, count in rows
        }, connection.scalar(first)
