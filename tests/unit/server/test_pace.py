"""Many who follow runs look at them less often each, and are told all the same."""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack, suppress
from dataclasses import replace

import pytest

from supplychain.model.runs import RunEvent
from supplychain.records.record import Record
from supplychain.server.pace import Pace
from supplychain.server.routes import runs
from tests.kit.serving import Served

NOTHING: tuple[bool, tuple[RunEvent, ...]] = (False, ())


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
        async for _ in runs._stream(service, record, str(number), 0, NOTHING, follow=True):
            raise AssertionError("there is nothing to say")

    async def all_of_them() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(1.5), asyncio.TaskGroup() as group:
                for number in range(50):
                    group.create_task(follow(number))

    asyncio.run(all_of_them())
    assert set(looks) == {str(number) for number in range(50)}
    # What each saw at once is given; then they look together a hundred times in a second.
    assert 50 <= len(looks) <= 200


def test_whoever_follows_hears_that_the_server_is_still_there(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_look", lambda *_: (False, ()))
    monkeypatch.setattr(runs, "_SILENT_SECONDS", 0.05)
    monkeypatch.setattr(runs, "_LONGEST_SECONDS", 0.5)
    service = replace(served.service, following=Pace(0.01, 100))
    record = served.service.store.record("default")

    async def heard() -> list[bytes]:
        stream = runs._stream(service, record, "one", 0, NOTHING, follow=True)
        return [said async for said in stream]

    said = asyncio.run(heard())
    assert set(said) == {b": still there\n\n"}
    assert 2 <= len(said) <= 10


def test_what_was_seen_already_is_not_looked_up_again(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"reference": f"registry.test/shop@sha256:{'0' * 64}"}
    monkeypatch.setenv("SUPPLYCHAIN_REGISTRY_ALLOWED", "registry.test")
    run = served.post("/v1/runs", body).json()["id"]
    looks: list[str] = []
    look = runs._look

    def counting(record: Record, name: str, after: int) -> tuple[bool, tuple[RunEvent, ...]]:
        looks.append(name)
        return look(record, name, after)

    monkeypatch.setattr(runs, "_look", counting)
    told = served.get(f"/v1/runs/{run}/events", params={"follow": "false"})
    assert "event: submitted" in told.text
    assert looks == [run]


def test_however_seldom_they_look_they_hear_at_once_that_the_server_ends(served: Served) -> None:
    service = replace(served.service, following=Pace(60, 100), ending=threading.Event())
    record = served.service.store.record("default")

    async def follow() -> list[bytes]:
        service.ending.clear()
        asyncio.get_running_loop().call_later(0.1, service.ending.set)
        stream = runs._stream(service, record, "one", 0, NOTHING, follow=True)
        async with asyncio.timeout(10):
            return [said async for said in stream]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "_look", lambda *_: NOTHING)
        assert asyncio.run(follow()) == []
