"""Workers that die, sleep and lose their database: no run is lost, and none is done twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from supplychain.model.runs import RunState
from tests.kit.crew import BEAT, LEASE, WHERE, Crew, Fault, until

# How often a worker is killed at any moment.
RANDOM = int(os.environ.get("SUPPLYCHAIN_FAULTS", "3"))


@pytest.fixture
def crew(database: str, tmp_path: Path) -> Crew:
    """Nobody yet, over an empty record on each engine."""
    (tmp_path / "crew").mkdir()
    return Crew(database, tmp_path / "crew")


def _all_over(crew: Crew) -> bool:
    return all(run.state.over for run in crew.runs())


def _require_each_done_once(crew: Crew, submitted: list[str]) -> None:
    assert {run.id for run in crew.runs()} == set(submitted)
    assert Counter(run.state for run in crew.runs()) == {RunState.SUCCEEDED: len(submitted)}
    deeds = Counter(crew.deeds())
    # Whoever is killed right after an end has no time to say so, and nobody says so twice.
    assert all(count == 1 for count in deeds.values()), deeds
    for run in submitted:
        with crew.record() as record:
            events = record.runs.events(run)
        assert [event.number for event in events] == list(range(1, len(events) + 1))
        assert [event.kind for event in events].count("succeeded") == 1


def _put_to_sleep(worker: subprocess.Popen[bytes], crew: Crew) -> None:
    """Stop a worker, but not in the middle of a write to SQLite: then nobody else could write."""
    while True:
        time.sleep(BEAT)
        worker.send_signal(signal.SIGSTOP)
        if crew.can_be_written():
            return
        worker.send_signal(signal.SIGCONT)


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
            until(lambda: _all_over(crew), 60)

    _require_each_done_once(crew, submitted)
    assert sum(run.takeovers for run in crew.runs()) >= 1


def test_a_run_that_kills_whoever_touches_it_is_set_aside(crew: Crew) -> None:
    [run] = crew.submit(1)
    fault = Fault("scan", "within")
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(crew.worker(fault=fault)).wait(60)
        stack.enter_context(crew.worker())
        until(lambda: _all_over(crew), 60)

        with crew.record() as record:
            dead = record.runs.get(run)
            assert (dead.state, dead.takeovers) == (RunState.DEAD, 4)
            assert dead.error is not None
            assert dead.error["code"] == "worker_lost"
            again = record.runs.again(run, by="ben", at=dead.submitted_at)
        until(lambda: _all_over(crew), 60)
        with crew.record() as record:
            assert record.runs.get(again.id).state is RunState.SUCCEEDED


def test_a_worker_that_slept_too_long_writes_nothing_any_more(crew: Crew) -> None:
    submitted = crew.submit(2)

    with crew.worker(seconds=1.0) as sleeper:
        until(lambda: any(run.state is RunState.RUNNING for run in crew.runs()))
        _put_to_sleep(sleeper, crew)
        with crew.worker(seconds=0.1):
            until(lambda: _all_over(crew), 60)
            sleeper.send_signal(signal.SIGCONT)
            time.sleep(LEASE + 1.5)
            assert sleeper.poll() is None
            # It is of use again.
            more = crew.submit(4)
            until(lambda: _all_over(crew), 60)

    _require_each_done_once(crew, submitted + more)


def test_workers_killed_at_any_moment_lose_nothing(crew: Crew) -> None:
    submitted, chance = crew.submit(20 + 2 * RANDOM), random.Random(RANDOM)
    with crew.worker(seconds=0.05), ExitStack() as stack:
        for _ in range(RANDOM):
            worker = stack.enter_context(crew.worker(seconds=0.05))
            time.sleep(chance.uniform(0.3, 2.5))
            worker.kill()
        until(lambda: _all_over(crew), 120)

    _require_each_done_once(crew, submitted)


def test_a_cancelled_run_ends_soon_and_another_goes_on(crew: Crew) -> None:
    first, second = crew.submit(2)
    with crew.worker(seconds=30, concurrency=1):
        until(lambda: crew.runs()[1].state is RunState.RUNNING)
        at = crew.runs()[0].submitted_at
        with crew.record() as record:
            assert record.runs.cancel(second, by="ann", at=at).state is RunState.CANCELLED
            record.runs.cancel(first, by="ann", at=at)
            until(lambda: record.runs.get(first).state is RunState.CANCELLED, 10)


def test_a_worker_told_to_end_gives_back_what_it_has_not_done(crew: Crew) -> None:
    [run] = crew.submit(1)
    with crew.worker(seconds=30) as worker:
        until(lambda: crew.runs()[0].state is RunState.RUNNING)
        worker.terminate()
        worker.wait(30)
    left = crew.runs()[0]
    assert (left.state, left.takeovers) == (RunState.QUEUED, 0)

    with crew.worker():
        until(lambda: _all_over(crew), 30)
    _require_each_done_once(crew, [run])


def test_a_thousand_runs_at_once_are_all_done(crew: Crew) -> None:
    many = int(os.environ.get("SUPPLYCHAIN_MANY", "100"))
    submitted = crew.submit(many)
    with crew.worker(concurrency=8), crew.worker(concurrency=8):
        until(lambda: _all_over(crew), 600)

    _require_each_done_once(crew, submitted)
