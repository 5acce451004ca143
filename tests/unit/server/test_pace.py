"""Many who follow runs look at them less often each, and are told all the same."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress
from dataclasses import replace

import pytest

from supplychain.model.runs import RunEvent
from supplychain.records.record import Record
from supplychain.server.pace import Pace
from supplychain.server.routes import runs
from tests.kit.serving import Served


def test_the_more_there_are_the_longer_each_waits() -> None:
    pace = Pace(0.5, 50)
    assert pace.seconds == 0.5
    with ExitStack() as followers:
        for _ in range(100):
            followers.enter_context(pace.one_more())
        assert pace.seconds == 2.0
    assert pace.seconds == 0.5


def test_all_who_follow_look_together_no_more_often_than_the_pace_lets_them(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    def look(_record: Record, run: str, _after: int) -> tuple[bool, tuple[RunEvent, ...]]:
        looks.append(run)
        return False, ()

    monkeypatch.setattr(runs, "_look", look)
    service = replace(served.service, following=Pace(0.01, 100))
    record = service.store.record("default")

    async def follow(number: int) -> None:
        async for _ in runs._stream(service, record, str(number), 0, follow=True):
            raise AssertionError("there is nothing to say")

    async def all_of_them() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(1.5), asyncio.TaskGroup() as group:
                for number in range(50):
                    group.create_task(follow(number))

    asyncio.run(all_of_them())
    assert set(looks) == {str(number) for number in range(50)}
    # Each looks at once, and then together a hundred times in a second.
    assert 100 <= len(looks) <= 250


def test_whoever_follows_hears_that_the_server_is_still_there(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_look", lambda *_: (False, ()))
    monkeypatch.setattr(runs, "_SILENT_SECONDS", 0.05)
    monkeypatch.setattr(runs, "_LONGEST_SECONDS", 0.5)
    service = replace(served.service, following=Pace(0.01, 100))
    record = served.service.store.record("default")

    async def heard() -> list[bytes]:
        return [said async for said in runs._stream(service, record, "one", 0, follow=True)]

    said = asyncio.run(heard())
    assert set(said) == {b": still there\n\n"}
    assert 2 <= len(said) <= 10
