"""Which schema a database has, and how it gets the one that this program needs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

import supplychain
from supplychain.errors import SchemaVersionError, StoreError
from supplychain.records.database import open_engine, reading, sqlite_file, writing
from supplychain.records.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from alembic.config import Config

# Any number will do, as long as every version of this program takes the same one.
_UPGRADE_LOCK = 7_303_014_250_116
_LOCK_TIMEOUT = "10s"
_STATEMENT_TIMEOUT = "10min"
_REVISION = text("SELECT version_num FROM alembic_version")


class SchemaState(StrEnum):
    """How a database's schema compares with this program's."""

    EMPTY = "empty"
    CURRENT = "current"
    OLDER = "older"
    NEWER = "newer"
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


def status(engine: Engine) -> SchemaStatus:
    """Read the schema's revision with one select; creates nothing.

    Raises:
        StoreError: The database cannot be read.
    """
    file = sqlite_file(engine.url)
    current = None if file is not None and not file.exists() else _revision(engine)
    return _status_of(current)


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


def require_current(engine: Engine) -> None:
    """Stop unless the database has exactly the schema that this program needs.

    Raises:
        SchemaVersionError: It is empty, older, newer, or not ours.
        StoreError: The database cannot be read.
    """
    found = status(engine)
    if found.state is SchemaState.CURRENT:
        return
    raise _refusal(engine, found)


def _refusal(engine: Engine, found: SchemaStatus) -> SchemaVersionError:
    where = engine.url.render_as_string(hide_password=True)
    because = f"its schema is {found.current or 'missing'}, this program needs {found.head}"
    upgrade_hint = "type `supplychain db upgrade`"
    run_hint = "the first `supplychain run` makes it; if you have one, name its folder: --data-dir"
    message, hint = {
        SchemaState.EMPTY: (
            f"the database {where} is empty",
            run_hint if sqlite_file(engine.url) else upgrade_hint,
        ),
        SchemaState.OLDER: (
            f"the database {where} was made by an older supplychain",
            upgrade_hint,
        ),
        SchemaState.NEWER: (
            f"the database {where} was made by a newer supplychain",
            "install that version or a later one; a schema is never taken back",
        ),
        SchemaState.UNKNOWN: (
            f"the database {where} has a schema that no supplychain made",
            "name another database: this one belongs to another program or is damaged",
        ),
    }[found.state]
    return SchemaVersionError(message, because=because, hint=hint)


def upgrade(url: str) -> SchemaStatus:
    """Bring a database to this program's schema, creating it where there is none.

    All or nothing, in one transaction. Safe to run twice at once: the second waits for the first
    and then finds nothing left to do. There is no way back to an older schema.

    Raises:
        SchemaVersionError: The schema is newer than this program, or not ours.
        StoreError: The database could not be written.
    """
    engine = open_engine(url)
    try:
        _make_room(engine)
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


def _revision(engine: Engine) -> str | None:
    try:
        with engine.connect() as connection:
            return _selected(connection)
    except DBAPIError:
        # A missing table and a database that cannot be read fail alike: ask which it is.
        with reading(engine) as connection:
            return _revision_on(connection)


def _revision_on(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return _selected(connection)


def _selected(connection: Connection) -> str | None:
    revision: str | None = connection.scalar(_REVISION)
    return revision


def _status_of(current: str | None) -> SchemaStatus:
    return SchemaStatus(current, SCHEMA_VERSION, _state(current))


def _state(current: str | None) -> SchemaState:
    if current is None:
        return SchemaState.EMPTY
    if current == SCHEMA_VERSION:
        return SchemaState.CURRENT
    if len(current) != len(SCHEMA_VERSION) or not current.isdecimal():
        return SchemaState.UNKNOWN
    return SchemaState.OLDER if current < SCHEMA_VERSION else SchemaState.NEWER


def _make_room(engine: Engine) -> None:
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
    from alembic import command

    config = alembic_config()
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
            # Only now: the wait for another upgrade is not the wait for a busy table.
            connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
            connection.execute(text(f"SET LOCAL statement_timeout = '{_STATEMENT_TIMEOUT}'"))
        found = _status_of(_revision_on(connection))
        if found.state in {SchemaState.NEWER, SchemaState.UNKNOWN}:
            raise _refusal(engine, found)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
