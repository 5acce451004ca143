"""A part of a run as logs and traces tell of it: by whose request, and what came of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from supplychain.bootstrap.logs import TOLD, request_id, run_id
from supplychain.errors import SupplyChainError
from supplychain.model.runs import RunState
from supplychain.model.spans import span
from supplychain.worker.engine import AbandonedError
from supplychain.worker.held import Held

_LOG = logging.getLogger("supplychain.runs")


@dataclass(slots=True)
class Outcome:
    """What came of a part of a run.

    Attributes:
        state: `done`, or the state that the run came to.
        error: Why it failed; None where it did not.
    """

    state: str = "done"
    error: SupplyChainError | None = None

    def failed(self, error: SupplyChainError) -> None:
        """It failed."""
        self.state, self.error = RunState.FAILED, error


@contextmanager
def following(held: Held, worker: str) -> Iterator[Outcome]:
    """Have everything that is told and traced meanwhile say which run it is for, and whose it was.

    Args:
        held: The run.
        worker: Who works on it.
    """
    run, outcome, began = held.run, Outcome(), time.perf_counter()
    names = (request_id, run.origin.request_id), (run_id, run.id)
    tokens = [(variable, variable.set(value)) for variable, value in names]
    said: dict[str, str | int] = {"run.id": run.id, "run.duty": run.duty.value}
    try:
        with span("run", said, parent=run.origin.parent):
            yield outcome
    except AbandonedError:
        outcome.state = "left to others"
        raise
    finally:
        _tell(held, worker, outcome, time.perf_counter() - began)
        for variable, token in tokens:
            variable.reset(token)


def _tell(held: Held, worker: str, outcome: Outcome, took: float) -> None:
    error = outcome.error
    told = {
        "worker": worker,
        "duty": held.run.duty.value,
        "outcome": str(outcome.state),
        "milliseconds": round(took * 1000, 1),
    }
    if error is not None:
        told |= {"code": error.code, "error": f"{error}"}
    level = logging.INFO if error is None else logging.WARNING
    _LOG.log(level, "run", extra={TOLD: told})
