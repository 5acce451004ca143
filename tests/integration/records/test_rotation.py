"""A password of the database that is replaced while a server runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from supplychain.bootstrap import parts
from supplychain.errors import SupplyChainError
from supplychain.records.version import upgrade
from supplychain.settings import Settings
from tests.kit.databases import running_postgresql


def _ask(url: str, statement: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        answer = connection.execute(statement.encode())
        row = answer.fetchone() if answer.description else None
        return str(row[0]) if row else ""


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    """A PostgreSQL server that asks the user `service` for a password."""
    with running_postgresql() as url:
        rules = Path(_ask(url, "SHOW hba_file"))
        rules.write_text("local all service scram-sha-256\n" + rules.read_text())
        _ask(url, "CREATE ROLE service LOGIN SUPERUSER PASSWORD 'first'")
        _ask(url, "SELECT pg_reload_conf()")
        upgrade(url)
        yield url


def test_a_mounted_password_is_taken_anew_at_the_next_connection(
    guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted = tmp_path / "database_url"

    def mount(password: str) -> None:
        named = make_url(guarded).set(username="service", password=password)
        mounted.write_text(named.render_as_string(hide_password=False))

    mount("first")
    monkeypatch.setenv("SUPPLYCHAIN_DATABASE_FILE", str(mounted))
    settings = Settings({"content": str(tmp_path / "content")}, os.environ, tmp_path)
    store = parts.open_store(settings)
    store.check()
    _ask(guarded, "ALTER ROLE service PASSWORD 'second'")
    mount("second")
    cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'service'"
    assert _ask(guarded, cut) == "1"

    store.check()

    mount("wrong")
    _ask(guarded, cut)
    with pytest.raises(SupplyChainError) as caught:
        store.check()
    assert "wrong" not in str(caught.value) + str(caught.value.because)
    mount("second")
    store.check()
    store.close()
