"""A worker that is stopped in the middle of recording holds up nobody for long."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from sqlalchemy import Engine, event

from supplychain.errors import SupplyChainError
from supplychain.model.runs import Bounds, Claim, Duty, RunState
from supplychain.records.folder import FolderStore
from supplychain.records.record import Record
from supplychain.records.run_queue import RunQueue
from tests.kit.crew import Crew, until
from tests.kit.forked import Forked
from tests.kit.runs import manifest_run
from tests.kit.scans import AT

BOTH, WIDE = frozenset(Duty), Bounds(9, 9)


def record_and_stop(told: str) -> None:
    """Record as a worker does, and stop while the run's row is held; exits 7 once refused."""
    url, folder, *claim = json.loads(told)

    def stop(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE runs"):
            os.kill(os.getpid(), signal.SIGSTOP)

    with Record.open(url, FolderStore(Path(folder) / "content")) as record:
        record.never_idle()
        event.listen(Engine, "after_cursor_execute", stop)
        try:
            record.held_by(Claim(*claim), 1).save_run(manifest_run(), at=AT)
        except SupplyChainError:
            os._exit(7)
    os._exit(0)


@pytest.mark.timeout(120)
def test_who_is_stopped_while_it_records_loses_the_run_and_records_nothing(
    postgresql_database: str, tmp_path: Path
) -> None:
    crew = Crew(postgresql_database, tmp_path)
    [run] = crew.submit(1)
    queue = RunQueue.open(crew.url)
    queue.enrol("sleeper", BOTH, at=AT)
    claimed = queue.claim("sleeper", BOTH, WIDE, at=AT)
    assert claimed is not None
    claim = claimed[1]
    told = json.dumps([crew.url, str(tmp_path), claim.run, claim.worker, claim.generation])
    process = Forked(record_and_stop, told, dict(os.environ), tmp_path)
    try:
        sleeper = psutil.Process(process.pid)
        until(lambda: sleeper.status() == psutil.STATUS_STOPPED)

        began = time.monotonic()
        assert queue.bury("sleeper", 0, at=AT) is not None
        assert time.monotonic() - began < 8
        queue.enrol("other", BOTH, at=AT)
        again = queue.claim("other", BOTH, WIDE, at=AT)
        assert again is not None

        process.send_signal(signal.SIGCONT)
        assert process.wait(30) == 7
        with crew.record() as record:
            assert record.images.list(at=AT) == ()
            record.held_by(again[1], 1).save_run(manifest_run(), at=AT)
        queue.end(again[1], RunState.SUCCEEDED, at=AT)
        assert [(one.id, one.state) for one in crew.runs()] == [(run, RunState.SUCCEEDED)]
    finally:
        process.kill()
        process.wait(20)
        queue.close()
