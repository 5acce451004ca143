"""The short form of `make faults`: a worker that dies over a step, and one that sleeps over it."""

from __future__ import annotations

from pathlib import Path

from tests.faults import test_workers as faults
from tests.kit.crew import Crew


def test_a_worker_killed_while_it_signs_loses_nothing(database: str, tmp_path: Path) -> None:
    crew = Crew(database, tmp_path)
    faults.test_a_worker_killed_at_a_step_loses_nothing(crew, tmp_path, "sign", "within")


def test_a_worker_that_slept_too_long_writes_nothing_any_more(
    postgresql_database: str, tmp_path: Path
) -> None:
    faults.test_a_worker_that_slept_too_long_writes_nothing_any_more(
        Crew(postgresql_database, tmp_path)
    )
