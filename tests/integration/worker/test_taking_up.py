"""A worker goes on looking for runs whatever happens while it does."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from supplychain.model.runs import Bounds, Duty
from supplychain.records.run_queue import RunQueue
from supplychain.worker.manner import Manner
from supplychain.worker.worker import Worker


@pytest.mark.timeout(60)
def test_a_fault_that_nobody_foresaw_ends_no_looking_for_runs(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    queue = RunQueue.open(database)
    manner = Manner("one", frozenset(Duty), 1, Bounds(9, 9), poll=0.01)
    nobody: Any = None
    worker = Worker(
        queue, f"sqlite:///{tmp_path / 'engine.db'}", nobody, manner, lambda: datetime.now(UTC)
    )
    looks: list[int] = []

    def claim(*_: object, **__: object) -> None:
        looks.append(1)
        if len(looks) == 1:
            raise ValueError("nobody foresaw this")
        worker._ending.set()

    monkeypatch.setattr(queue, "claim", claim)
    with caplog.at_level(logging.ERROR):
        worker._take_up()
    queue.close()
    assert len(looks) == 2
    assert "nobody foresaw" in caplog.text
