"""The database by its URL: a file for one machine, a PostgreSQL server for many."""

from __future__ import annotations

import re
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from supplychain.errors import ConfigurationError
from supplychain.model.spans import traced
from supplychain.records.asking import has_ended, keep_ready
from supplychain.records.clocks import require_same_clock
from supplychain.records.faults import database_faults
from supplychain.records.insisting import insisting

# Named in the execution options of a connection whose transaction is going to write.
_WRITES = "supplychain_writes"
# What tells one connection to SQLite from another.
_WHICH = "supplychain_which"
_CONNECT_TIMEOUT = 10
# Seconds: less than others wait for a worker, and far more than lies between two statements.
LONGEST_IDLE = 5.0
_WAL_WAIT = 10.0
# libpq takes both spellings; SQLAlchemy takes the longer one.
_SHORT_SCHEME = re.compile(r"^postgres://")


def open_engine(url: str, *, wait: float = 10.0, connections: int = 5) -> Engine:
    """An engine for `sqlite:///path` or `postgresql://…`; connects to nothing yet.

    Args:
        url: The database.
        wait: How long to wait for another writer's lock, in seconds.
        connections: How many are kept open; as many threads may use the engine at once.

    Raises:
        ConfigurationError: The URL does not parse, names another engine or what is no file, or its
            driver is not installed.
    """
    parsed = _parse(url)
    _require_file(parsed)
    arguments = _connect_arguments(parsed, wait)
    engine = create_engine(parsed, connect_args=arguments, pool_size=connections)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        # Before SQLAlchemy itself asks for anything: it would trip over what is not text.
        event.listen(engine.pool, "connect", _require_utf8, insert=True)
        event.listen(engine, "connect", _prefer_indexes)
        event.listen(engine, "checkout", _require_open)
        insisting(engine).add(require_same_clock)
        keep_ready(engine)
        event.listen(engine, "checkin", _insist_on_nothing)
    if traced():
        from supplychain.records.traced import trace_statements

        trace_statements(engine)
    return engine


def password_from(engine: Engine, urls: Callable[[], str]) -> None:
    """Connect with the password that the database's URL has by then, which may be another one.

    Args:
        engine: A PostgreSQL database; others have none.
        urls: Its URL as it is now.
    """
    if engine.dialect.name != "postgresql":
        return

    @event.listens_for(engine, "do_connect")
    def renew(_dialect: Any, _entry: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
        password = _parse(urls()).password
        if password is not None:
            parameters["password"] = password


def never_idle(engine: Engine) -> None:
    """Have the server end what does nothing for `LONGEST_IDLE` in the middle of a transaction.

    Who is stopped there, or whose machine is gone, would keep everybody from what it has locked.

    Args:
        engine: A PostgreSQL database; with SQLite, who is gone has no lock, and none can be taken
            from who is stopped.
    """
    if engine.dialect.name != "postgresql":
        return

    @event.listens_for(engine, "connect")
    def limit(connection: Any, _entry: ConnectionPoolEntry) -> None:
        connection.execute(f"SET idle_in_transaction_session_timeout = {LONGEST_IDLE * 1000:.0f}")
        connection.commit()

    engine.dispose()  # whatever was connected before


def sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite database; None for a server."""
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes: all of it is there afterwards, or nothing.

    On SQLite the lock is taken at the start, so that two writers queue instead of failing when
    both turn from reading to writing.

    Raises:
        StoreError: The database failed.
    """
    with database_faults(engine.url), engine.connect() as connection:
        connection.execution_options(**{_WRITES: True})
        with connection.begin():
            yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that reads: everything it sees is of one moment.

    Raises:
        StoreError: The database failed.
    """
    with database_faults(engine.url), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with connection.begin():
            yield connection


def state_of(connection: Connection) -> object:
    """Something that is equal as long as nobody writes to the database, and no longer.

    On PostgreSQL it is which transactions there were: whoever writes takes a number, also in a
    neighbouring database. On SQLite it is a counter of other connections' commits beside one of
    this connection's own changes, so another connection's is never equal to it.
    """
    if connection.dialect.name == "postgresql":
        return connection.exec_driver_sql("SELECT pg_current_snapshot()::text").scalar()
    # The pool keeps this as long as the connection lives; a number may be used again.
    mine = connection.info.setdefault(_WHICH, object())
    commits = connection.exec_driver_sql("PRAGMA data_version").scalar()
    own = connection.exec_driver_sql("SELECT total_changes()").scalar()
    return mine, commits, own


def _parse(url: str) -> URL:
    try:
        parsed = make_url(_SHORT_SCHEME.sub("postgresql://", url))
    except (ArgumentError, ValueError):
        # The text may hold a password: it is not repeated.
        raise ConfigurationError(
            "the database URL does not parse",
            hint="write it as sqlite:///absolute/path.db or postgresql://user@host/name",
        ) from None
    if parsed.drivername == "sqlite" and parsed.database:
        return parsed
    if parsed.drivername in {"postgresql", "postgresql+psycopg"}:
        if find_spec("psycopg") is None:
            raise ConfigurationError(
                "PostgreSQL needs a driver that is not installed",
                hint="type `pip install 'supplychain[postgresql]'`",
            )
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigurationError(
        f"there is no support for a database of the kind {parsed.drivername!r}",
        hint="use sqlite:///absolute/path.db or postgresql://user@host/name",
    )


def _require_file(url: URL) -> None:
    """Refuse what SQLite would take for a disk that fails: a folder, a pipe, a device."""
    file = sqlite_file(url)
    with suppress(OSError):  # what cannot be looked at, SQLite tells of itself
        if file is None or stat.S_ISREG(file.stat().st_mode):
            return
        raise ConfigurationError(
            f"the database {file} is no file",
            because="a folder, a pipe or a device is in its place",
            hint="name another one with SUPPLYCHAIN_DATABASE, or move that out of the way",
        )


def _connect_arguments(url: URL, wait: float) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        # No isolation level: transactions are begun by `_begin_sqlite`, not guessed by the driver.
        return {"timeout": wait, "isolation_level": None}
    if "connect_timeout" in url.query:
        return {}
    return {"connect_timeout": _CONNECT_TIMEOUT}


def _require_utf8(connection: Any, _entry: ConnectionPoolEntry) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise ConfigurationError(
            f"the database {connection.info.dbname} does not hold text as UTF8",
            because=f"its encoding is {encoding}",
            hint="make one with `createdb --encoding UTF8 --template template0 NAME`, and name it",
        )


def _prefer_indexes(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # PostgreSQL takes it that pages lie on turning disks, and reads small tables whole where a few
    # rows are asked for. Who has set anything else than it comes with knows better than we do.
    connection.execute(
        "SELECT set_config('random_page_cost', '1.1', false)"
        " WHERE current_setting('random_page_cost') = '4'"
    )
    connection.commit()


def _require_open(driver: Any, *_: object) -> None:
    """Have another connection taken where the database has ended this one while it waited."""
    if has_ended(driver):
        raise InvalidatePoolError


def _insist_on_nothing(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # SQLAlchemy has what was read with say READ WRITE from then on: a standby refuses that as
    # something that it cannot do at all, and who keeps a database from writing is overruled.
    if connection is not None and not connection.closed:
        connection.read_only = None


def _configure_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # FULL: a committed row survives a power cut, which WAL alone (NORMAL) does not promise.
    _use_wal(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}").close()


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL; while others do so too, SQLite fails at once instead of waiting."""
    give_up_at = time.monotonic() + _WAL_WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > give_up_at:
                raise
            time.sleep(0.02)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
