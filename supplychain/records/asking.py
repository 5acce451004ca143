"""Questions that are of one moment by themselves, and need no transaction around them."""

from __future__ import annotations

import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event

from supplychain.records.faults import database_faults
from supplychain.records.insisting import insisting
from supplychain.records.prepared import run

# What is asked all the time is planned once: rows are found by their keys whatever the values are,
# and to plan takes longer than to find. Nothing is asked twice in one question (measured).
_ONE_PLAN = """
SELECT set_config('plan_cache_mode', 'force_generic_plan', false),
    set_config('enable_memoize', 'off', false)
"""
# So many are kept; who asks while all of them are taken gets one from the pool, as everybody else.
_KEPT = 8
# Named in the execution options of an engine.
_READY = "supplychain_ready"
# The connection that a thread has taken for more than one question.
_taken = threading.local()


class _Ready:
    """Connections that stay open for what is asked all the time, one question after another.

    To take one from the pool, to make it ready and to give it back takes longer than most answers.

    Args:
        engine: A PostgreSQL database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._insistence = insisting(engine)
        self._idle: list[Connection] = []
        self._number = 0
        self._lock = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[Connection]:
        """One of them, or one for this time alone."""
        connection = self._waiting_one()
        if connection is None and not self._counts_one_more():
            with _autocommitting(self._engine) as connection:
                yield connection
            return
        try:
            if connection is None:
                connection = self._made()
            self._insistence.look(connection)
            yield connection
        except BaseException:
            self._let_go(connection)
            raise
        if connection.invalidated:
            self._let_go(connection)
        else:
            with self._lock:
                self._idle.append(connection)

    def _waiting_one(self) -> Connection | None:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is not None and has_ended(connection.connection.dbapi_connection):
            self._let_go(connection)
            return None
        return connection

    def _counts_one_more(self) -> bool:
        """Whether one more may be made, which is counted from then on."""
        with self._lock:
            makes = self._number < _KEPT
            self._number += makes
        return makes

    def _made(self) -> Connection:
        connection = _autocommitting(self._engine)
        try:
            run(connection, _ONE_PLAN, {})
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        return connection

    def _let_go(self, broken: Connection | None) -> None:
        """Of one that broke, and of those that wait: whatever broke it may have broken them."""
        with self._lock:
            self._number -= 1
        self.close()
        if broken is not None:
            broken.invalidate()
            broken.close()

    @property
    def waiting(self) -> int:
        """How many nobody has taken."""
        return len(self._idle)

    def close(self) -> None:
        """Let go of those that wait."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._number -= len(idle)
        for connection in idle:
            connection.invalidate()  # nobody else is to have their settings
            connection.close()


def keep_ready(engine: Engine) -> None:
    """Keep connections of a PostgreSQL database ready for whoever is `asking`."""
    ready = _Ready(engine)
    engine.update_execution_options(**{_READY: ready})
    event.listen(engine, "engine_disposed", lambda _: ready.close())


def has_ended(driver: Any) -> bool:
    """Whether PostgreSQL has said something to who asked nothing, as it does when it ends.

    Args:
        driver: A connection that nobody has taken, as psycopg has it.
    """
    if driver.closed:
        return True
    poll = select.poll()
    poll.register(driver.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))


def waiting(engine: Engine) -> int:
    """How many connections wait for whoever asks; the pool takes them for connections in use."""
    ready: _Ready | None = engine.get_execution_options().get(_READY)
    return 0 if ready is None else ready.waiting


@contextmanager
def asking(engine: Engine) -> Iterator[Connection]:
    """A connection for one question, which is of one moment by itself: no transaction is needed.

    Raises:
        StoreError: The database failed.
    """
    taken: Connection | None = getattr(_taken, "connection", None)
    if taken is not None and taken.engine is engine:
        with database_faults(engine.url):
            yield taken
        return
    ready: _Ready | None = engine.get_execution_options().get(_READY)
    with database_faults(engine.url), engine.connect() if ready is None else ready.taken() as one:
        yield one


@contextmanager
def asking_often(engine: Engine) -> Iterator[None]:
    """Have every question of this thread go over one connection.

    Raises:
        StoreError: The database cannot be reached.
    """
    with asking(engine) as connection:
        _taken.connection = connection
        try:
            yield
        finally:
            _taken.connection = None


def _autocommitting(engine: Engine) -> Connection:
    return engine.connect().execution_options(isolation_level="AUTOCOMMIT")
