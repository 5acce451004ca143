"""A password of the database that is replaced while a server runs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from supplychain.bootstrap import parts
from supplychain.errors import SupplyChainError
from supplychain.model.runs import Duty, RunRequest, RunState
from supplychain.records.migrating import upgrade
from supplychain.settings import Settings
from supplychain.worker.engine import Step
from supplychain.worker.held import Held
from supplychain.worker.service import working
from tests.kit.databases import running_postgresql
from tests.kit.mounted import Mounted


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


@pytest.fixture
def mount(guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Mounts another password; the first one is mounted, and is the right one."""
    mounted = Mounted(tmp_path / "mounted")

    def mount(password: str) -> None:
        url = make_url(guarded).set(username="service", password=password)
        mounted.mount({"database_url": url.render_as_string(hide_password=False)})

    _ask(guarded, "ALTER ROLE service PASSWORD 'first'")
    mount("first")
    monkeypatch.setenv("SUPPLYCHAIN_DATABASE_FILE", str(mounted / "database_url"))
    return mount


def test_a_mounted_password_is_taken_anew_at_the_next_connection(
    guarded: str, tmp_path: Path, mount: Callable[[str], None]
) -> None:
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


class _Steps:
    """Does runs in one step of nothing."""

    def perform(self, held: Held, step: Step) -> None:
        step("scan", lambda: None)
        held.queue.end(held.claim, RunState.SUCCEEDED, at=held.clock())


@pytest.mark.timeout(120)
def test_a_worker_goes_on_with_the_password_that_is_mounted(
    guarded: str, tmp_path: Path, mount: Callable[[str], None]
) -> None:
    settings = Settings({"content": str(tmp_path / "worker")}, os.environ, tmp_path)

    def done() -> RunState:
        """Submit a run, and wait for what becomes of it."""
        with closing(parts.open_store(settings)) as store:
            runs = store.record("default").runs
            asked, at = RunRequest("registry.test/shop:1"), datetime.now(UTC)
            run = runs.submit(asked, registry="registry.test", requested_by="ann", at=at).id
            until = time.monotonic() + 40
            while not runs.get(run).state.over and time.monotonic() < until:
                time.sleep(0.1)
            return runs.get(run).state

    with working(settings, (Duty.SCAN,), around=lambda _: _Steps()):
        assert done() is RunState.SUCCEEDED
        _ask(guarded, "ALTER ROLE service PASSWORD 'second'")
        mount("second")
        _ask(
            guarded,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'service'",
        )
        assert done() is RunState.SUCCEEDED
