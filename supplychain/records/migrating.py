"""How a database gets the schema that this program needs."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, text

import supplychain
from supplychain.errors import StoreError
from supplychain.records.database import open_engine, sqlite_file, writing
from supplychain.records.private import make_file, make_folders
from supplychain.records.version import SchemaState, SchemaStatus, refusal, status, status_within

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


def make_room(engine: Engine) -> None:
    """Make the file of a SQLite database, and its folder.

    Raises:
        StoreError: It cannot be made.
    """
    file = sqlite_file(engine.url)
    if file is None:
        return
    try:
        make_folders(file.parent)
    except OSError as error:
        raise StoreError(
            f"the folder for the database cannot be made: {file.parent}",
            because=error.strerror,
            hint="give this user the right to write there, or name another database",
            retryable=False,
        ) from error
    with suppress(OSError):  # what cannot be made, SQLite tells of itself
        make_file(file)


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

    found = status_within(connection)
    if found.state is SchemaState.COMPATIBLE:
        return
    if found.state in {SchemaState.NEWER, SchemaState.UNKNOWN}:
        raise refusal(connection.engine, found)
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _is_lock(error: StoreError) -> bool:
    driver = getattr(error.__cause__, "orig", None)
    return getattr(driver, "sqlstate", None) == _LOCK_NOT_AVAILABLE
