"""Which schema a database has, and how it gets the one that this program needs."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

import supplychain
from supplychain.errors import SchemaVersionError, StoreError
from supplychain.frozen import dataclass
from supplychain.records.database import open_engine, reading, sqlite_file, writing
from supplychain.records.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from alembic.config import Config

# Any number will do, as long as every version of this program takes the same one.
_UPGRADE_LOCK = 7_303_014_250_116
# Whoever waits for a table's lock makes everybody behind it wait: rather short, and again.
_LOCK_TIMEOUT = "3s"
_ATTEMPTS = 20
_PAUSE = 1.0
_STATEMENT_TIMEOUT = "10min"
_LOCK_NOT_AVAILABLE = "55P03"
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
            return _status_of(connection, _revision_on(connection))


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
            upgrade(url)
        require_current(engine)
    except BaseException:
        engine.dispose()
        raise
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
    raise _refusal(engine, found)


def _refusal(engine: Engine, found: SchemaStatus) -> SchemaVersionError:
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


def upgrade(url: str) -> SchemaStatus:
    """Bring a database to this program's schema, creating it where there is none.

    All or nothing, in one transaction. Safe to run twice at once: the second waits for the first
    and then finds nothing left to do. Safe beside a running release: on PostgreSQL no table's lock
    is waited for longer than three seconds at a time. A newer schema that lets this program work
    on it is left alone. There is no way back to an older schema.

    Raises:
        SchemaVersionError: The schema is newer than this program, or not ours.
        StoreError: The database could not be written.
    """
    engine = open_engine(url)
    try:
        make_room(engine)
        _run_migrations(engine)
        return status(engine)
    finally:
        engine.dispose()


def migrations_folder() -> Path:
    """Where the migrations are: inside the installed package, or beside it in a checkout."""
    package = Path(supplychain.__file__).parent
    shipped = package / "_migrations"
    return shipped if shipped.is_dir() else package.parent / "migrations"


def alembic_config() -> Config:
    """Alembic's configuration for our migrations, without any ini file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    return config


def _revision_on(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return _selected(connection)


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


def make_room(engine: Engine) -> None:
    """Make the folder of a SQLite database.

    Raises:
        StoreError: It cannot be made.
    """
    file = sqlite_file(engine.url)
    if file is None:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the folder for the database cannot be made: {file.parent}",
            because=error.strerror,
            hint="give this user the right to write there, or name another database",
            retryable=False,
        ) from error


def _run_migrations(engine: Engine) -> None:
    for left in reversed(range(_ATTEMPTS)):
        try:
            with writing(engine) as connection:
                prepare(connection)
                migrate(connection, "head")
        except StoreError as error:
            if not left or not _is_lock(error):
                raise
            time.sleep(_PAUSE)
        else:
            return


def prepare(connection: Connection) -> None:
    """Let nobody else migrate until this transaction ends, and wait for nothing for long."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
        # Only now: the wait for another upgrade is not the wait for a busy table.
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
        connection.execute(text(f"SET LOCAL statement_timeout = '{_STATEMENT_TIMEOUT}'"))


def migrate(connection: Connection, revision: str) -> None:
    """Bring the database of a transaction to a schema.

    Args:
        connection: In a transaction that writes.
        revision: The schema; `head` for this program's.

    Raises:
        SchemaVersionError: What is there is newer than this program, or not ours.
    """
    from alembic import command

    found = _status_of(connection, _revision_on(connection))
    if found.state is SchemaState.COMPATIBLE:
        return
    if found.state in {SchemaState.NEWER, SchemaState.UNKNOWN}:
        raise _refusal(connection.engine, found)
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _is_lock(error: StoreError) -> bool:
    driver = getattr(error.__cause__, "orig", None)
    return getattr(driver, "sqlstate", None) == _LOCK_NOT_AVAILABLE
