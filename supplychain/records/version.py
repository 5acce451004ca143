"""Which schema a database has, and whether this program may work on it."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from supplychain.errors import SchemaVersionError
from supplychain.frozen import dataclass
from supplychain.records.database import open_engine, reading, sqlite_file
from supplychain.records.insisting import insisting
from supplychain.records.prepared import run
from supplychain.records.schema import SCHEMA_VERSION

_REVISION = text("SELECT version_num FROM alembic_version")
_SINCE = text("SELECT revision, since FROM schema_compatibility")


class SchemaState(StrEnum):
    """How a database's schema compares with this program's."""

    EMPTY = "empty"
    CURRENT = "current"
    OLDER = "older"
    NEWER = "newer"
    # Newer, and made so that this program may go on working on it.
    COMPATIBLE = "compatible"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """A database's schema, beside the one that this program needs.

    Attributes:
        current: The database's revision; None where it has no schema yet.
        head: The revision that this program reads and writes.
        state: How the two compare.
    """

    current: str | None
    head: str
    state: SchemaState

    @property
    def usable(self) -> bool:
        """Whether this program may read and write it."""
        return self.state in {SchemaState.CURRENT, SchemaState.COMPATIBLE}


def status(engine: Engine) -> SchemaStatus:
    """Read the schema's revision with one select; creates nothing.

    Raises:
        StoreError: The database cannot be read.
    """
    file = sqlite_file(engine.url)
    if file is not None and not file.exists():
        return SchemaStatus(None, SCHEMA_VERSION, SchemaState.EMPTY)
    try:
        with engine.connect() as connection:
            return _status_of(connection, _selected(connection))
    except DBAPIError:
        # A missing table and a database that cannot be read fail alike: ask which it is.
        with reading(engine) as connection:
            return status_within(connection)


def schema_status(url: str) -> SchemaStatus:
    """Read the schema's revision of the database at a URL; creates nothing.

    Raises:
        ConfigurationError: The URL is unusable.
        StoreError: The database cannot be read.
    """
    engine = open_engine(url)
    try:
        return status(engine)
    finally:
        engine.dispose()


def open_current(url: str, *, create: bool = False, connections: int = 5) -> Engine:
    """An engine for a database that has the schema which this program needs.

    Args:
        url: `sqlite:///path` or `postgresql://…`.
        create: Make the schema in a SQLite file that is missing or empty. A server's database is
            never touched: `supplychain db upgrade` is its operator's decision.
        connections: As `open_engine`.

    Raises:
        ConfigurationError: The URL is unusable.
        SchemaVersionError: The schema is missing, older, newer, or not ours.
        StoreError: The database cannot be reached.
    """
    engine = open_engine(url, connections=connections)
    try:
        if create and sqlite_file(engine.url) and status(engine).state is SchemaState.EMPTY:
            from supplychain.records.migrating import upgrade

            upgrade(url)
        require_current(engine)
    except BaseException:
        engine.dispose()
        raise
    # Whoever migrates it meanwhile may have taken away what this program goes by.
    known: list[object] = [(SCHEMA_VERSION,)]

    def still(connection: Connection) -> None:
        found = [
            tuple(row) for row in run(connection, "SELECT version_num FROM alembic_version", {})
        ]
        if found != known:
            require_current(engine)
            known[:] = found

    insisting(engine).add(still)
    return engine


def require_current(engine: Engine) -> None:
    """Stop unless the database has the schema that this program needs, or a newer one that lets it.

    Raises:
        SchemaVersionError: It is empty, older, newer, or not ours.
        StoreError: The database cannot be read.
    """
    found = status(engine)
    if found.usable:
        return
    raise refusal(engine, found)


def refusal(engine: Engine, found: SchemaStatus) -> SchemaVersionError:
    """What is said of a schema that this program cannot work on."""
    where = engine.url.render_as_string(hide_password=True)
    because = f"its schema is {found.current or 'missing'}, this program needs {found.head}"
    upgrade_hint = "type `supplychain db upgrade`"
    run_hint = "the first `supplychain run` makes it; if you have one, name its folder: --data-dir"
    message, hint = {
        SchemaState.EMPTY: (
            "the database is empty",
            run_hint if sqlite_file(engine.url) else upgrade_hint,
        ),
        SchemaState.OLDER: (
            "the database was made by an older supplychain",
            upgrade_hint,
        ),
        SchemaState.NEWER: (
            "the database was made by a newer supplychain",
            "install that version or a later one; a schema is never taken back",
        ),
        SchemaState.UNKNOWN: (
            "the database has a schema that no supplychain made",
            "name another database: this one belongs to another program or is damaged",
        ),
    }[found.state]
    return SchemaVersionError(message, where=where, because=because, hint=hint)


def status_within(connection: Connection) -> SchemaStatus:
    """The same, in a transaction, which a missing table must not end."""
    known = inspect(connection).has_table("alembic_version")
    return _status_of(connection, _selected(connection) if known else None)


def _selected(connection: Connection) -> str | None:
    revision: str | None = connection.scalar(_REVISION)
    return revision


def _status_of(connection: Connection, current: str | None) -> SchemaStatus:
    state = _state(current)
    if state is SchemaState.NEWER and current and _lets_us(connection, current):
        state = SchemaState.COMPATIBLE
    return SchemaStatus(current, SCHEMA_VERSION, state)


def _lets_us(connection: Connection, current: str) -> bool:
    """Whether the newer schema says that this program may go on; not where it says nothing."""
    if not inspect(connection).has_table("schema_compatibility"):
        return False
    said = [(row.revision, row.since) for row in connection.execute(_SINCE)]
    if len(said) != 1 or said[0][0] != current or not _is_revision(said[0][1]):
        return False
    return bool(said[0][1] <= SCHEMA_VERSION)


def _state(current: str | None) -> SchemaState:
    if current is None:
        return SchemaState.EMPTY
    if current == SCHEMA_VERSION:
        return SchemaState.CURRENT
    if not _is_revision(current):
        return SchemaState.UNKNOWN
    return SchemaState.OLDER if current < SCHEMA_VERSION else SchemaState.NEWER


def _is_revision(text: str) -> bool:
    return len(text) == len(SCHEMA_VERSION) and text.isdecimal()
