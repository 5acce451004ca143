"""Runs in the record: who may take what up, what goes first, and who may still write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from supplychain.errors import (
    CancelledError,
    ConflictError,
    NotFoundError,
    SupersededError,
    ToolError,
)
from supplychain.model.digest import Digest
from supplychain.model.runs import (
    MOST_DEATHS,
    MOST_UNBEGUN,
    Bounds,
    Claim,
    Duty,
    Priority,
    Run,
    RunRequest,
    RunState,
    new_run_id,
)
from supplychain.records.record import Record
from supplychain.records.run_queue import RunQueue
from tests.kit.records import row_counts
from tests.kit.runs import manifest_run
from tests.kit.scans import AT, SUBJECT

BOTH = frozenset(Duty)
WIDE = Bounds(100, 100)
SECOND = timedelta(seconds=1)
DRAFT = Digest.of(b"a draft")


@pytest.fixture
def queue(database: str) -> Iterator[RunQueue]:
    """The queue of the same database, with two workers."""
    opened = RunQueue.open(database)
    for name in ("one", "two"):
        opened.enrol(name, BOTH, at=AT)
    yield opened
    opened.close()


def _submit(
    record: Record,
    reference: str = "registry.test/shop:1",
    *,
    priority: Priority = Priority.NORMAL,
    registry: str = "registry.test",
    key: str | None = None,
    digest: Digest | None = None,
    late: int = 0,
) -> Run:
    return record.runs.submit(
        RunRequest(reference, priority=priority),
        registry=registry,
        requested_by="ann",
        at=AT + late * SECOND,
        key=key,
        digest=digest,
    )


def _claim(queue: RunQueue, name: str = "one", bounds: Bounds = WIDE) -> tuple[Run, Claim]:
    found = queue.claim(name, BOTH, bounds, at=AT)
    assert found is not None
    return found


def test_ids_sort_as_runs_were_submitted() -> None:
    ids = [new_run_id(AT + timedelta(microseconds=n)) for n in range(0, 5000, 500)]

    assert ids == sorted(ids)
    assert {name[14] for name in ids} == {"7"}


def test_the_same_key_is_the_same_run_and_nothing_else(record: Record) -> None:
    first = _submit(record, key="build-1")

    assert _submit(record, key="build-1", late=1) == first
    with pytest.raises(ConflictError, match="something else"):
        _submit(record, "registry.test/other:1", key="build-1")
    assert len(record.runs.list()) == 1


def test_what_waits_for_a_verdict_goes_first_then_what_is_oldest(
    record: Record, queue: RunQueue
) -> None:
    bulk = _submit(record, priority=Priority.BULK)
    older, newer = _submit(record, late=1), _submit(record, late=2)
    gate = _submit(record, priority=Priority.GATE, late=3)

    taken = [_claim(queue)[0].id for _ in range(4)]

    assert taken == [gate.id, older.id, newer.id, bulk.id]
    assert queue.claim("two", BOTH, WIDE, at=AT) is None


def test_no_more_than_so_many_of_one_registry_and_of_one_project(
    record: Record, queue: RunQueue
) -> None:
    for late in range(3):
        _submit(record, late=late)
    elsewhere = _submit(record, registry="other.test", late=9)
    bounds = Bounds(2, 3)
    first = [_claim(queue, bounds=bounds) for _ in range(3)]

    assert first[2][0].id == elsewhere.id
    assert queue.claim("two", BOTH, bounds, at=AT) is None

    queue.end(first[0][1], RunState.SUCCEEDED, at=AT)
    assert queue.claim("two", BOTH, bounds, at=AT) is not None


def test_who_scans_takes_nothing_up_that_is_to_be_signed(record: Record, queue: RunQueue) -> None:
    run = _submit(record)
    _, claim = _claim(queue)
    queue.hand_over(claim, DRAFT, at=AT)

    assert queue.claim("one", {Duty.SCAN}, WIDE, at=AT) is None
    found = queue.claim("two", {Duty.SIGN}, WIDE, at=AT)

    assert found is not None
    assert (found[0].id, found[0].draft) == (run.id, DRAFT)


def test_a_hold_that_was_taken_over_writes_nothing(record: Record, queue: RunQueue) -> None:
    _submit(record)
    _, old = _claim(queue)
    beats = queue.beats()["one"]
    taken = queue.bury("one", beats, at=AT)
    assert taken is not None
    assert [run.takeovers for run in taken] == [1]
    run, new = _claim(queue, "two")

    late: tuple[Callable[[], None], ...] = (
        lambda: queue.require(old),
        lambda: queue.note(old, "started", "scan", "", at=AT),
        lambda: queue.hand_over(old, DRAFT, at=AT),
        lambda: queue.end(old, RunState.FAILED, at=AT, error=ToolError("late")),
        lambda: record.held_by(old, run.project).save_run(manifest_run(), at=AT),
    )
    for write in late:
        with pytest.raises(SupersededError):
            write()
    assert record.images.list(at=AT) == ()

    record.held_by(new, run.project).save_run(manifest_run(), at=AT)
    queue.end(new, RunState.SUCCEEDED, at=AT)
    assert record.runs.get(run.id).state is RunState.SUCCEEDED
    assert len(record.images.list(at=AT)) == 1


def test_who_beats_is_not_taken_for_dead_and_who_was_hears_of_it(
    record: Record, queue: RunQueue
) -> None:
    _submit(record)
    _claim(queue)
    before = queue.beats()["one"]
    assert queue.beat("one", at=AT)
    assert queue.bury("one", before, at=AT) is None

    assert queue.bury("one", before + 1, at=AT) is not None
    assert queue.bury("one", before + 1, at=AT) is None
    assert not queue.beat("one", at=AT)
    queue.enrol("one", BOTH, at=AT)
    assert queue.beat("one", at=AT)


def test_a_run_over_which_workers_die_again_and_again_is_set_aside(
    record: Record, queue: RunQueue
) -> None:
    run = _submit(record)
    for number in range(MOST_DEATHS + 1):
        name = f"poor-{number}"
        queue.enrol(name, BOTH, at=AT)
        _, claim = _claim(queue, name)
        queue.note(claim, "resumed", "scan", "scan a", at=AT)
        assert queue.bury(name, 0, at=AT) is not None

    dead = record.runs.list(states=[RunState.DEAD])
    assert [one.id for one in dead] == [run.id]
    assert queue.claim("one", BOTH, WIDE, at=AT) is None
    again = record.runs.again(run.id, by="ben", at=AT)
    assert (again.again_of, again.takeovers, again.state) == (run.id, 0, RunState.QUEUED)


def test_a_run_is_not_blamed_for_who_dies_before_it_begins_a_step_or_after_it_ended_one(
    record: Record, queue: RunQueue
) -> None:
    run = _submit(record)
    for number in range(4 * MOST_DEATHS):
        name = f"poor-{number}"
        queue.enrol(name, BOTH, at=AT)
        _, claim = _claim(queue, name)
        if number % 2:
            queue.note(claim, "resumed", "scan", f"scan {number // 4}", at=AT)
        assert queue.bury(name, 0, at=AT) is not None

    left = record.runs.get(run.id)
    assert (left.state, left.takeovers) == (RunState.QUEUED, 4 * MOST_DEATHS)


def test_a_run_over_which_two_died_is_done_alone(record: Record, queue: RunQueue) -> None:
    suspected = _submit(record)
    for name in ("poor", "too"):
        queue.enrol(name, BOTH, at=AT)
        _claim(queue, name)
        assert queue.bury(name, 0, at=AT) is not None
    _submit(record, late=1)

    assert queue.claim("one", BOTH, WIDE, at=AT, busy=True) is None
    run, _ = _claim(queue)
    assert (run.id, run.alone) == (suspected.id, True)


def test_who_ends_in_good_order_is_not_counted(record: Record, queue: RunQueue) -> None:
    run = _submit(record)
    _claim(queue)

    queue.leave("one", at=AT)

    back = record.runs.get(run.id)
    assert (back.state, back.takeovers) == (RunState.QUEUED, 0)
    assert "one" not in queue.beats()


def test_a_run_that_waits_is_cancelled_at_once_and_one_that_is_over_not(
    record: Record, queue: RunQueue
) -> None:
    waiting, running = _submit(record, late=1), _submit(record, late=0)
    _, claim = _claim(queue)

    assert record.runs.cancel(waiting.id, by="ben", at=AT).state is RunState.CANCELLED
    assert record.runs.cancel(running.id, by="ben", at=AT).state is RunState.RUNNING
    assert queue.cancelled("one") == {running.id}
    queue.end(claim, RunState.CANCELLED, at=AT)
    asked = record.runs.events(running.id)[-2]
    assert (asked.kind, asked.text) == ("cancelling", "by ben")
    with pytest.raises(ConflictError, match="is over") as caught:
        record.runs.cancel(running.id, by="ben", at=AT)
    assert caught.value.because == "its state is cancelled"
    with pytest.raises(NotFoundError):
        record.runs.cancel("nothing", by="ben", at=AT)


def test_what_is_cancelled_records_nothing_more_and_is_handed_to_nobody(
    record: Record, queue: RunQueue
) -> None:
    run = _submit(record)
    _, claim = _claim(queue)
    record.runs.cancel(run.id, by="ben", at=AT)

    late: tuple[Callable[[], None], ...] = (
        lambda: queue.require(claim),
        lambda: queue.note(claim, "started", "scan", "", at=AT),
        lambda: queue.hand_over(claim, DRAFT, at=AT),
        lambda: record.held_by(claim, run.project).save_run(manifest_run(), at=AT),
        lambda: queue.end(claim, RunState.SUCCEEDED, at=AT),
    )
    for write in late:
        with pytest.raises(CancelledError, match="was cancelled by ben"):
            write()

    assert record.images.list(at=AT) == ()
    queue.end(claim, RunState.CANCELLED, at=AT)
    assert record.runs.get(run.id).state is RunState.CANCELLED


@pytest.mark.parametrize("ends", ["dies", "leaves"])
def test_what_is_cancelled_is_over_when_its_worker_ends(
    record: Record, queue: RunQueue, ends: str
) -> None:
    run = _submit(record)
    for number in range(MOST_UNBEGUN):  # once more, and it were dead
        queue.enrol(name := f"poor-{number}", BOTH, at=AT)
        _claim(queue, name)
        assert queue.bury(name, 0, at=AT) is not None
    _claim(queue)
    record.runs.cancel(run.id, by="ben", at=AT)

    if ends == "dies":
        assert queue.bury("one", queue.beats()["one"], at=AT) is not None
    else:
        queue.leave("one", at=AT)

    found = record.runs.get(run.id)
    assert (found.state, found.finished_at) == (RunState.CANCELLED, AT)
    last = record.runs.events(run.id)[-1]
    assert (last.kind, last.text) == ("cancelled", "by ben")
    assert queue.claim("two", BOTH, WIDE, at=AT) is None


def test_who_was_taken_for_dead_takes_nothing_up_before_it_says_that_it_lives(
    record: Record, queue: RunQueue
) -> None:
    """Else nobody would ever take it from a worker that dies then."""
    _submit(record)
    assert queue.bury("one", queue.beats()["one"], at=AT) is not None
    assert queue.claim("one", BOTH, WIDE, at=AT) is None
    assert queue.claim("nobody", BOTH, WIDE, at=AT) is None

    queue.enrol("one", BOTH, at=AT)
    assert queue.claim("one", BOTH, WIDE, at=AT) is not None


def test_the_same_once_more_is_known_to_be_of_an_image_where_its_digest_was_named(
    record: Record, queue: RunQueue
) -> None:
    """So that a gate says that it waits, and starts no other."""
    named = _submit(record, f"registry.test/shop@{SUBJECT.digest}", digest=SUBJECT.digest)
    tagged = _submit(record, late=1)
    for run in (named, tagged):
        _, claim = _claim(queue)
        queue.resolved(claim, SUBJECT.digest, None, at=AT)
        queue.end(claim, RunState.FAILED, at=AT, error=ToolError("it broke"))
        assert record.runs.get(run.id).digest == SUBJECT.digest

    assert record.runs.again(named.id, by="ben", at=AT).digest == SUBJECT.digest
    # What a tag stands for is to be looked up again.
    assert record.runs.again(tagged.id, by="ben", at=AT).digest is None


def test_events_are_numbered_and_can_be_read_from_any_of_them(
    record: Record, queue: RunQueue, database: str
) -> None:
    run = _submit(record)
    _, claim = _claim(queue)
    queue.note(claim, "started", "scan", "linux/amd64", at=AT)
    queue.end(claim, RunState.FAILED, at=AT, error=ToolError("it broke", hint="mend it"))

    kinds = [(event.number, event.kind) for event in record.runs.events(run.id)]
    assert kinds == [(1, "submitted"), (2, "claimed"), (3, "started"), (4, "failed")]
    assert [event.number for event in record.runs.events(run.id, after=2)] == [3, 4]
    failed = record.runs.get(run.id)
    assert failed.error == ToolError("it broke", hint="mend it").diagnostics()
    assert row_counts(database)["run_events"] == 4


def test_a_gate_hears_of_a_run_that_waits_or_is_under_way(record: Record, queue: RunQueue) -> None:
    run = _submit(record, f"registry.test/shop@{SUBJECT.digest}", digest=SUBJECT.digest)

    waiting = record.dossier(SUBJECT.digest, at=AT + SECOND)
    assert waiting is not None
    assert [one.detail for one in waiting.underway] == [f"run {run.id}, queued"]

    _, claim = _claim(queue)
    queue.note(claim, "started", "scan", "", at=AT)
    under_way = record.dossier(SUBJECT.digest, at=AT + SECOND)
    assert under_way is not None
    assert [one.detail for one in under_way.underway] == [f"run {run.id}, scan"]

    queue.end(claim, RunState.FAILED, at=AT, error=ToolError("it broke"))
    in_vain = record.dossier(SUBJECT.digest, at=AT + SECOND)
    assert in_vain is not None
    assert (in_vain.platforms, in_vain.underway) == ((), ())
    assert in_vain.attempt is not None
    assert in_vain.attempt.run == run.id
    assert "it broke" in in_vain.attempt.reason


@pytest.mark.parametrize("begun", [0, MOST_UNBEGUN])
def test_a_run_is_not_taken_up_for_ever_by_who_never_begins_it(
    record: Record, queue: RunQueue, begun: int
) -> None:
    run = _submit(record).id
    for number in range(MOST_UNBEGUN + 1):
        name = f"w{number}"
        queue.enrol(name, BOTH, at=AT)
        _, claim = _claim(queue, name)
        if number and number == begun:
            queue.note(claim, "resumed", "scan", "scan", at=AT)
        assert queue.bury(name, 0, at=AT) is not None

    found = record.runs.get(run)
    assert found.state is (RunState.QUEUED if begun else RunState.DEAD)
    assert ("none had begun a step" in str(found.error)) is (begun == 0)


def test_whoever_asks_about_a_run_that_goes_first_already_keeps_nobody_from_writing(
    record: Record,
) -> None:
    _submit(record, f"registry.test/shop@{SUBJECT.digest}", digest=SUBJECT.digest)
    record.runs.hurry(SUBJECT.digest, by="gate", at=AT)
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement.split(maxsplit=1)[0])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        record.runs.hurry(SUBJECT.digest, by="gate", at=AT)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert "SELECT" in said
    assert "UPDATE" not in said
