"""Questions that are of one moment by themselves, and need no transaction around them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from supplychain.records.faults import database_faults

# What is asked all the time is planned once: rows are found by their keys whatever the values are,
# and to plan takes longer than to find. Nothing is asked twice in one question (measured).
_ONE_PLAN = ("plan_cache_mode = force_generic_plan", "enable_memoize = off")
# The connection that a thread has taken to ask over.
_taken = threading.local()


class Standing:
    """A connection that stays open for what is asked all the time, one thread after another.

    To take one from the pool, to make it ready and to give it back takes longer than most answers.

    Args:
        engine: A PostgreSQL database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Have this thread's `asking` go over this connection; another one is made after a fault.

        Raises:
            StoreError: The database cannot be reached.
        """
        with self._lock:
            with database_faults(self._engine.url):
                connection = self._connection or self._made()
            self._connection = None
            _taken.connection = connection
            try:
                yield
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
            finally:
                _taken.connection = None
            if connection.invalidated:
                connection.close()
            else:
                self._connection = connection

    def _made(self) -> Connection:
        connection = _ready_to_ask(self._engine)
        for setting in _ONE_PLAN:
            connection.exec_driver_sql(f"SET {setting}")
        return connection

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None


def _ready_to_ask(engine: Engine) -> Connection:
    return engine.connect().execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def asking(engine: Engine) -> Iterator[Connection]:
    """A connection for one question, which is of one moment by itself: no transaction is needed.

    Raises:
        StoreError: The database failed.
    """
    if engine.dialect.name != "postgresql":
        with database_faults(engine.url), engine.connect() as connection:
            yield connection
        return
    taken: Connection | None = getattr(_taken, "connection", None)
    with database_faults(engine.url):
        if taken is not None and taken.engine is engine:
            yield taken
            return
        with _ready_to_ask(engine) as connection:
            yield connection
