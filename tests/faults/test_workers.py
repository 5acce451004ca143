"""Workers that die, sleep and lose their database: no run is lost, and none is done twice."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from supplychain.model.runs import MOST_DEATHS, RunState
from supplychain.records.schema import SCHEMA_VERSION
from tests.kit.aftermath import require_sound
from tests.kit.crew import BEAT, LEASE, WHERE, Crew, Fault, until
from tests.kit.forked import Process

# How often a worker is killed at any moment.
RANDOM = int(os.environ.get("SUPPLYCHAIN_FAULTS", "3"))


def _put_to_sleep(worker: Process, crew: Crew) -> None:
    """Stop a worker, but not in the middle of a write to SQLite: then nobody else could write."""
    while True:
        time.sleep(BEAT)
        worker.send_signal(signal.SIGSTOP)
        if crew.can_be_written():
            return
        worker.send_signal(signal.SIGCONT)


@pytest.mark.fault("a worker is killed at each boundary of its steps (work that only waits)")
@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("step", ["scan", "sign", "record"])
def test_a_worker_killed_at_a_step_loses_nothing(
    crew: Crew, tmp_path: Path, step: str, where: str
) -> None:
    submitted = crew.submit(3)
    fault = Fault(step, where, str(tmp_path / "killed"))

    with crew.worker(fault=fault) as first:
        assert first.wait(60) == -signal.SIGKILL
        with crew.worker(fault=fault):
            until(crew.all_over, 60)

    require_sound(crew, submitted)
    assert sum(run.takeovers for run in crew.runs()) >= 1


@pytest.mark.fault("workers end as soon as they took up runs, over and over")
def test_no_run_is_blamed_for_workers_that_end_before_they_begin_it(crew: Crew) -> None:
    [run] = crew.submit(1)
    fault = Fault("", "before")
    with ExitStack() as stack:
        for _ in range(MOST_DEATHS + 2):
            assert stack.enter_context(crew.worker(fault=fault)).wait(60) == -signal.SIGKILL
        stack.enter_context(crew.worker())
        until(crew.all_over, 60)

    require_sound(crew, [run])
    assert crew.runs()[0].takeovers > MOST_DEATHS


@pytest.mark.fault("a run kills each worker that touches it, and others are done beside it")
def test_nobody_is_blamed_for_a_run_beside_it_that_kills(crew: Crew) -> None:
    poison, *others = crew.submit(4)
    fault = Fault("scan", "within", run=poison)
    with ExitStack() as stack:
        for _ in range(MOST_DEATHS + 1):
            worker = crew.worker(fault=fault, seconds=0.5)
            assert stack.enter_context(worker).wait(60) == -signal.SIGKILL
        stack.enter_context(crew.worker(fault=fault))
        until(crew.all_over, 60)

    require_sound(crew, [poison, *others], set_aside=[poison])


@pytest.mark.fault("a run kills each worker that touches it")
def test_a_run_that_kills_whoever_touches_it_is_set_aside(crew: Crew) -> None:
    [run] = crew.submit(1)
    fault = Fault("scan", "within")
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(crew.worker(fault=fault)).wait(60)
        stack.enter_context(crew.worker())
        until(crew.all_over, 60)

        with crew.record() as record:
            dead = record.runs.get(run)
            assert (dead.state, dead.takeovers) == (RunState.DEAD, 4)
            assert dead.error is not None
            assert dead.error["code"] == "worker_lost"
            again = record.runs.again(run, by="ben", at=dead.submitted_at)
        until(crew.all_over, 60)
        with crew.record() as record:
            assert record.runs.get(again.id).state is RunState.SUCCEEDED


@pytest.mark.fault("a worker is stopped (SIGSTOP) for longer than its lease, and goes on (SIGCONT)")
def test_a_worker_that_slept_too_long_writes_nothing_any_more(crew: Crew) -> None:
    submitted = crew.submit(2)

    with crew.worker(seconds=1.0) as sleeper:
        until(lambda: any(run.state is RunState.RUNNING for run in crew.runs()))
        _put_to_sleep(sleeper, crew)
        with crew.worker(seconds=0.1):
            until(crew.all_over, 60)
            sleeper.send_signal(signal.SIGCONT)
            time.sleep(LEASE + 1.5)
            assert sleeper.poll() is None
            # It is of use again.
            more = crew.submit(4)
            until(crew.all_over, 60)
        # And takes over from others, alone.
        more += crew.submit(8)
        with crew.worker(fault=Fault("sign", "within")) as other:
            assert other.wait(60) == -signal.SIGKILL
        until(crew.all_over, 60)

    require_sound(crew, submitted + more)


@pytest.mark.fault("a worker is killed at a random moment")
def test_workers_killed_at_any_moment_lose_nothing(
    crew: Crew, record_property: Callable[[str, object], None]
) -> None:
    record_property("times", RANDOM)
    submitted, chance = crew.submit(20 + 2 * RANDOM), random.Random(RANDOM)
    with crew.worker(seconds=0.05), ExitStack() as stack:
        for _ in range(RANDOM):
            worker = stack.enter_context(crew.worker(seconds=0.05))
            time.sleep(chance.uniform(0.3, 2.5))
            worker.kill()
        until(crew.all_over, 300)
        # Only who was at one step each time is set aside, and is done when somebody asks again.
        unlucky = [run.id for run in crew.runs() if run.state is RunState.DEAD]
        assert all(crew.most_begun(run) > MOST_DEATHS for run in unlucky)
        assert len(unlucky) <= RANDOM // 50
        with crew.record() as record:
            again = [record.runs.again(run, by="ann", at=datetime.now(UTC)).id for run in unlucky]
        until(crew.all_over, 60)

    require_sound(crew, submitted + again, set_aside=unlucky)


@pytest.mark.fault("a run is cancelled while its tool runs")
def test_a_cancelled_run_ends_soon_and_another_goes_on(crew: Crew) -> None:
    first, second = crew.submit(2)
    with crew.worker(seconds=30, concurrency=1):
        until(lambda: crew.runs()[1].state is RunState.RUNNING)
        at = crew.runs()[0].submitted_at
        with crew.record() as record:
            assert record.runs.cancel(second, by="ann", at=at).state is RunState.CANCELLED
            record.runs.cancel(first, by="ann", at=at)
            until(lambda: record.runs.get(first).state is RunState.CANCELLED, 10)


@pytest.mark.fault("a worker is told to end (SIGTERM) in the middle of a run")
def test_a_worker_told_to_end_gives_back_what_it_has_not_done(crew: Crew) -> None:
    [run] = crew.submit(1)
    with crew.worker(seconds=30) as worker:
        until(lambda: crew.runs()[0].state is RunState.RUNNING)
        worker.terminate()
        worker.wait(30)
    left = crew.runs()[0]
    assert (left.state, left.takeovers) == (RunState.QUEUED, 0)

    with crew.worker():
        until(crew.all_over, 30)
    require_sound(crew, [run])


@pytest.mark.fault("workers of two versions die over a run, and take it up from each other")
@pytest.mark.parametrize("step", ["scan", "sign", "record"])
def test_a_run_of_an_older_version_is_ended_by_a_newer_one(
    crew: Crew, step: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    [run] = crew.submit(1)
    versions = ("0", "2", "0")
    record_property("times", len(versions))
    for number, version in enumerate(versions):
        place = Fault(step, ("before", "within", "after")[number], str(tmp_path / f"{number}"))
        with crew.worker(fault=place, version=version) as worker:
            assert worker.wait(60) == -signal.SIGKILL
    with crew.worker(version="2"):
        until(crew.all_over, 60)
    assert crew.runs()[0].takeovers == len(versions)
    require_sound(crew, [run])


@pytest.mark.fault("a newer release migrates under workers of an older one", on="postgresql")
def test_a_worker_whose_schema_is_gone_leaves_its_runs_to_newer_ones(
    postgresql_database: str, tmp_path: Path
) -> None:
    (tmp_path / "crew").mkdir()
    crew = Crew(postgresql_database, tmp_path / "crew")
    [run] = crew.submit(1)
    # Longer than it takes to see that it runs, and for a worker to look at its schema again.
    with crew.worker(seconds=5) as worker:
        until(lambda: crew.runs()[0].state is RunState.RUNNING)
        with psycopg.connect(postgresql_database, autocommit=True) as database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
            time.sleep(9)
            assert database.execute("SELECT state FROM runs").fetchall() == [("running",)]
            # As if who begins now were of that release.
            database.execute(f"UPDATE alembic_version SET version_num = '{SCHEMA_VERSION}'")
        until(crew.all_over, 60)
        assert worker.poll() is None
    require_sound(crew, [run])
