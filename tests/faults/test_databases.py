"""PostgreSQL killed, cut off and full, SQLite full, clocks wrong: under servers and workers."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from supplychain.model.runs import RunState
from supplychain.records.migrating import upgrade
from supplychain.worker.held import PAUSES
from tests.kit.aftermath import left, require_sound
from tests.kit.clocks import Clock
from tests.kit.crew import LEASE, Crew, until
from tests.kit.disks import fill, small_disk
from tests.kit.mortal import MortalPostgresql, mortal_postgresql
from tests.kit.posts import SBOM, Post, Server, review

_CUTS = 10


@contextmanager
def _two_workers(crew: Crew) -> Iterator[None]:
    """Two workers that have begun, and are the same two at the end."""
    with crew.worker(seconds=0.2) as one, crew.worker(seconds=0.2) as other:
        until(lambda: crew.workers() == 2 and any(run.state.over for run in crew.runs()), 120)
        yield
        until(crew.all_over, 240)
        assert (one.poll(), other.poll()) == (None, None)


# The second is longer than anybody waits for anything else: as long as a failover may take.
@pytest.mark.fault("PostgreSQL is killed under workers, and comes back", on="postgresql")
@pytest.mark.parametrize("seconds", [4, 45])
def test_workers_go_on_once_their_database_is_back(
    mortal: MortalPostgresql, tmp_path: Path, seconds: int
) -> None:
    assert seconds < 10 or seconds > sum(PAUSES)
    crew = Crew(mortal.url, tmp_path)
    submitted = crew.submit(40)
    with _two_workers(crew):
        mortal.kill()
        time.sleep(seconds)
        mortal.start()
    require_sound(crew, submitted)


@pytest.mark.fault(
    "PostgreSQL comes back as a standby under workers, and is promoted", on="postgresql"
)
def test_workers_wait_for_a_standby_to_be_promoted_and_say_so_once(
    mortal: MortalPostgresql, tmp_path: Path
) -> None:
    crew, log = Crew(mortal.url, tmp_path), tmp_path / "said"
    submitted = crew.submit(40)
    with crew.worker(seconds=0.2, log=log) as one:
        until(lambda: any(run.state.over for run in crew.runs()), 120)
        mortal.demote()
        time.sleep(6)
        mortal.promote()
        until(crew.all_over, 240)
        assert one.poll() is None
    require_sound(crew, submitted)
    _require_told_once(log, "takes no writes at present")


@pytest.mark.fault("what the engine of workers keeps is gone, and comes back", on="postgresql")
def test_workers_wait_for_what_their_engine_keeps_and_say_so_once(
    mortal: MortalPostgresql, tmp_path: Path
) -> None:
    crew, log = Crew(mortal.url, tmp_path), tmp_path / "said"
    with crew.worker(seconds=0.2, log=log) as one:
        until(lambda: crew.workers() == 1, 60)
        with psycopg.connect(mortal.url, autocommit=True) as connection:
            connection.execute("ALTER SCHEMA dbos RENAME TO elsewhere")
            submitted = crew.submit(3)
            until(lambda: "waiting" in log.read_text(), 60)
            time.sleep(3)
            connection.execute("ALTER SCHEMA elsewhere RENAME TO dbos")
        until(crew.all_over, 240)
        assert one.poll() is None
    require_sound(crew, submitted)
    assert [run.takeovers for run in crew.runs()] == [0, 0, 0]
    _require_told_once(log, "lacks a table")


def _require_told_once(log: Path, why: str) -> None:
    """A worker's log says plainly that it began to wait, why, and that that is over."""
    said = log.read_text()
    assert "Traceback" not in said
    assert said.count(f"waiting: the database {why}") == 1, said
    assert said.count("waiting no longer") == 1, said


@pytest.mark.fault("a worker is told to end while its PostgreSQL is gone", on="postgresql")
def test_a_worker_ends_in_time_without_its_database(
    mortal: MortalPostgresql, tmp_path: Path
) -> None:
    crew = Crew(mortal.url, tmp_path)
    submitted = crew.submit(30)
    with crew.worker(seconds=0.2) as other:
        with crew.worker(seconds=0.2) as one:
            until(lambda: crew.workers() == 2 and any(run.state.over for run in crew.runs()), 120)
            mortal.kill()
            time.sleep(1)
            begun = time.monotonic()
            one.terminate()
            assert one.wait(60) in {0, 128 + signal.SIGTERM}
            # Five seconds for what it does, and three times as long for it to be given back.
            assert time.monotonic() - begun < 30
        mortal.start()
        until(crew.all_over, 240)
        assert other.poll() is None
    require_sound(crew, submitted)


@pytest.mark.fault("a worker and a server begin before PostgreSQL does", on="postgresql")
@pytest.mark.parametrize("command", ["worker --role scan", "serve --embedded --port 0"])
def test_what_begins_before_its_database_waits_for_it(
    mortal: MortalPostgresql, tmp_path: Path, command: str
) -> None:
    post, log = Post.furnished(mortal.url, tmp_path / "post"), tmp_path / "log"
    mortal.kill()
    with post.command(command, log) as process:
        until(lambda: "waiting" in log.read_text(), 60)
        assert "Connection refused" in log.read_text() or "No such file" in log.read_text()
        mortal.start()
        until(lambda: "works: scan" in log.read_text() or "http://" in log.read_text(), 60)
        process.terminate()
        assert process.wait(40) in {0, 143}


@pytest.mark.fault("a worker and a server begin, and PostgreSQL does not", on="postgresql")
@pytest.mark.parametrize("command", ["worker --role scan", "serve --embedded --port 0"])
def test_what_waits_for_its_database_in_vain_says_so(
    mortal: MortalPostgresql, tmp_path: Path, command: str
) -> None:
    post, log = Post.furnished(mortal.url, tmp_path / "post"), tmp_path / "log"
    mortal.kill()
    with post.command(command, log, {"SUPPLYCHAIN_DATABASE_WAIT": "2s"}) as process:
        began = time.monotonic()
        assert process.wait(60) == 1
        assert time.monotonic() - began > 2
    said = log.read_text()
    assert "error: the database server cannot be reached" in said
    assert "check that the server runs" in said


@pytest.mark.fault("PostgreSQL cuts the connections of workers, ten times", on="postgresql")
def test_workers_go_on_when_their_connections_are_cut(
    mortal: MortalPostgresql, tmp_path: Path
) -> None:
    crew = Crew(mortal.url, tmp_path)
    submitted = crew.submit(60)
    with _two_workers(crew):
        for _ in range(_CUTS):
            assert mortal.cut() > 0
            time.sleep(0.5)
    require_sound(crew, submitted)


@pytest.mark.fault("PostgreSQL is killed under a server, and comes back", on="postgresql")
def test_a_server_says_503_while_its_database_is_gone_and_then_goes_on(
    mortal: MortalPostgresql, tmp_path: Path
) -> None:
    post = Post.furnished(mortal.url, tmp_path / "post")
    clean = left(mortal.url)
    with post.serving() as server:
        assert server.decide().json()["decision"] == "deny"
        first = server.submit(0)
        assert first.status_code == 202
        mortal.kill()
        for asked in (server.decide(), server.submit(1), server.get("/readyz")):
            _require_503(asked)
        assert server.get("/livez").status_code == 200
        mortal.start()
        until(lambda: server.get("/readyz").status_code == 200, 30)
        assert server.decide().json()["decision"] == "deny"
        assert server.submit(1).status_code == 202
        assert server.submit(0).json()["id"] == first.json()["id"]
        runs = [run for [run] in server.submitted().values()]
        assert server.process.poll() is None
    assert len(runs) == 2
    with post.crew.worker():
        until(post.crew.all_over, 60)
    rows = {**clean.rows, "decisions": 1, "decision_links": 1}
    assert left(mortal.url).rows == rows


@pytest.mark.fault("PostgreSQL cuts the connections of a server, ten times", on="postgresql")
def test_a_server_goes_on_when_its_connections_are_cut(
    mortal: MortalPostgresql, tmp_path: Path
) -> None:
    post = Post.furnished(mortal.url, tmp_path / "post")
    ended = threading.Event()

    def ask(server: Server) -> list[httpx.Response]:
        answers = []
        while not ended.is_set():
            answers.append(server.decide())
            time.sleep(0.01)
        return answers

    with post.serving() as server, ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask, server) for _ in range(4)]
        for _ in range(_CUTS):
            time.sleep(0.3)
            mortal.cut()
        ended.set()
        for answers in asking:
            for answer in answers.result():
                if answer.status_code == 200:
                    assert answer.json()["decision"] == "deny"
                else:
                    _require_503(answer)
        assert server.decide().status_code == 200


def _require_503(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.json()["retryable"] is True
    assert answer.headers["retry-after"] == "1"


@pytest.mark.fault("the disk of a SQLite record is full for a while", on="sqlite")
def test_workers_go_on_once_their_sqlite_has_room(tmp_path: Path) -> None:
    with small_disk(32) as disk:
        url = f"sqlite:///{disk / 'record.db'}"
        upgrade(url)
        crew = Crew(url, tmp_path)
        submitted = crew.submit(40)
        with _two_workers(crew):
            filler = fill(disk)
            time.sleep(4)
            filler.unlink()
        require_sound(crew, submitted)


@pytest.mark.fault("the disk of PostgreSQL is full for a while", on="postgresql")
def test_workers_go_on_once_their_postgresql_has_room(tmp_path: Path) -> None:
    with small_disk(400) as disk, mortal_postgresql(disk) as postgresql:
        upgrade(postgresql.url)
        crew = Crew(postgresql.url, tmp_path)
        submitted = crew.submit(40)
        with _two_workers(crew):
            filler = fill(disk)
            time.sleep(4)
            filler.unlink()
            # What cannot write its log gives up, and is started again by whoever watches it.
            postgresql.start()
        require_sound(crew, submitted)


@pytest.mark.fault("the disk of a server's content store is full for a while", on="sqlite")
def test_a_server_takes_nothing_while_its_disk_is_full(
    sqlite_template: Path, tmp_path: Path
) -> None:
    file = tmp_path / "record.db"
    file.write_bytes(sqlite_template.read_bytes())
    with small_disk(32) as disk:
        post = Post.furnished(f"sqlite:///{file}", disk / "post")
        clean = left(post.url)
        with post.serving() as server:
            filler = fill(disk)
            refused = server.hand_in(review(), kind="attestation", environment="prod")
            assert refused.status_code == 503, refused.text
            assert left(post.url) == clean
            filler.unlink()
            taken = server.hand_in(review(), kind="attestation", environment="prod")
            assert taken.status_code == 201, taken.text
            assert server.decide().json()["decision"] == "allow"


@pytest.mark.fault("the clock of a server jumps by hours, forth and back", on="sqlite")
def test_a_server_whose_clock_jumps_allows_nothing_that_is_stale_or_to_come(
    sqlite_template: Path, tmp_path: Path
) -> None:
    clock = Clock.at(tmp_path / "clock")
    file = tmp_path / "record.db"
    file.write_bytes(sqlite_template.read_bytes())
    post = Post.furnished(f"sqlite:///{file}", tmp_path / "post")
    with post.serving(environ=clock.environ) as server:
        taken = server.hand_in(review(), kind="attestation", environment="prod")
        assert taken.status_code == 201, taken.text
        said = []
        for hours in (0, 48, 0, -5, 0, 48, -5, 0):
            clock.jump(hours)
            said.append((hours, server.decide().json()["decision"]))
    assert said == [(hours, "deny" if hours else "allow") for hours, _ in said]


@pytest.mark.fault("the clock of a worker jumps by hours, forth and back, while it works")
def test_workers_go_on_whatever_their_clock_says(crew: Crew, tmp_path: Path) -> None:
    clock = Clock.at(tmp_path / "clock")
    submitted = crew.submit(40)
    with crew.worker(seconds=0.3, environ=clock.environ), crew.worker(seconds=0.3):
        until(lambda: any(run.state.over for run in crew.runs()), 120)
        for hours in (6, -6, 0, 48, 0):
            clock.jump(hours)
            time.sleep(0.5)
        until(crew.all_over, 120)
    require_sound(crew, submitted)


@pytest.mark.fault("the clock of a server is ten minutes wrong", on="postgresql")
@pytest.mark.parametrize("minutes", [10, -10])
def test_a_server_whose_clock_is_wrong_judges_and_takes_nothing(
    postgresql_database: str, tmp_path: Path, minutes: int
) -> None:
    clock = Clock.at(tmp_path / "clock")
    post = Post.furnished(postgresql_database, tmp_path / "post")
    with post.serving(environ=clock.environ) as server:
        handed = server.hand_in(review(), kind="attestation", environment="prod")
        assert handed.status_code == 201, handed.text
        assert server.decide().json()["decision"] == "allow"
        before = left(post.url)
        clock.jump(minutes / 60)
        time.sleep(1)
        for answer in (server.decide(), server.hand_in(SBOM, kind="sbom"), server.submit(1)):
            assert answer.status_code == 503, answer.text
            assert "clock" in answer.json()["detail"], answer.text
        assert server.get("/readyz").status_code == 503
        assert left(post.url) == before
        clock.jump(0)
        assert server.get("/readyz").status_code == 200
        assert server.decide().json()["decision"] == "allow"


@pytest.mark.fault("the clock of a worker is ten minutes wrong", on="postgresql")
@pytest.mark.parametrize("minutes", [10, -10])
def test_a_worker_whose_clock_is_wrong_leaves_its_runs_to_others(
    postgresql_database: str, tmp_path: Path, minutes: int
) -> None:
    (tmp_path / "crew").mkdir()
    clock, crew = Clock.at(tmp_path / "clock"), Crew(postgresql_database, tmp_path / "crew")
    [run] = crew.submit(1)
    # Longer than it takes to see that it runs, and for a worker to look at its clock again.
    with crew.worker(seconds=6, environ=clock.environ):
        until(lambda: crew.runs()[0].state is RunState.RUNNING, 60)
        clock.jump(minutes / 60)
        with crew.worker():
            until(crew.all_over, 60)
        assert crew.runs()[0].takeovers == 1
        clock.jump(0)
        time.sleep(2 * LEASE)
    require_sound(crew, [run])
