"""A run in a worker's hands: whether somebody wants it stopped, and what is told of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Protocol, TypeVar

from supplychain.errors import (
    CancelledError,
    SchemaVersionError,
    StoreError,
    SupersededError,
    SupplyChainError,
)
from supplychain.model.runs import Claim, Duty, Run
from supplychain.records.run_queue import RunQueue
from supplychain.worker.engine import AbandonedError, Json, Step

T = TypeVar("T")

# Seconds between attempts at what may succeed later without anybody changing anything.
PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)


class Held:
    """A run that this worker holds.

    Threads share one: whoever works on it, and the worker, which tells it to stop.

    Args:
        run: The run, as it was when it was taken up.
        claim: The hold on it.
        queue: Where runs are.
        clock: The time now (aware, UTC).
    """

    def __init__(
        self, run: Run, claim: Claim, queue: RunQueue, clock: Callable[[], datetime]
    ) -> None:
        self.run = run
        self.claim = claim
        self.queue = queue
        self.clock = clock
        self.abandoned = False
        self._stopped = threading.Event()

    @property
    def part(self) -> str:
        """What the engine calls the part of the run that is next."""
        return self.run.id if self.run.duty is Duty.SCAN else f"{self.run.id}-sign"

    def stop(self, *, abandon: bool) -> None:
        """Have it stopped.

        Args:
            abandon: Leave it as it is, for somebody else to go on with.
        """
        self.abandoned = self.abandoned or abandon
        self._stopped.set()

    def stopped(self) -> bool:
        """Whether somebody wants it stopped."""
        return self._stopped.is_set()

    def check(self) -> None:
        """Go on only where nobody wants it stopped.

        Raises:
            CancelledError: Somebody does.
        """
        if self.stopped():
            raise CancelledError(f"the run {self.run.id} was cancelled")

    def hold(self) -> None:
        """Go on only where nobody wants it stopped and it is still ours by the record.

        Raises:
            CancelledError: Somebody wants it stopped.
            SupersededError: Somebody else has it.
        """
        self.check()
        self.queue.require(self.claim)

    def tell(self, kind: str, stage: str, text: str) -> None:
        """Tell whoever follows the run; raises as `hold`."""
        self.check()
        self.queue.note(self.claim, kind, stage, text, at=self.clock())

    def _resume(self, step: str) -> None:
        """Tell of a step before it begins, so that it is known what somebody died of."""
        self.tell("resumed", step.partition(" ")[0], step)

    def patiently(self, stage: str, function: Callable[[], T]) -> T:
        """Do something, again and again where it fails in a way that may pass.

        That our own record or content store is away is no fault of a run: it is waited for, however
        long that takes, until somebody wants the run stopped. Others are tried some times.

        Raises:
            SupplyChainError: As `function`, at once or in the end.
        """
        tried = 0
        while True:
            try:
                return function()
            except SupplyChainError as error:
                is_ours = isinstance(error, StoreError)
                if not error.retryable or (tried == len(PAUSES) and not is_ours):
                    raise
                pause = PAUSES[min(tried, len(PAUSES) - 1)]
                with suppress(StoreError):
                    self.tell("retrying", stage, f"{error}; again in {pause:g} s")
            self._stopped.wait(pause)
            self.check()
            tried += 1

    def give_back(self) -> None:
        """Leave it to go on after its last step, for whoever can note that one was done."""
        with suppress(SupplyChainError):  # where it cannot be given back, it is found again
            self.patiently("wait", lambda: self.queue.give_back(self.claim, at=self.clock()))

    def steps(self, step: Step) -> Step:
        """Steps that are tried patiently, and left as they are once this is nobody's business."""

        def do(name: str, function: Callable[[], Json]) -> Json:
            def once() -> Json:
                try:
                    self.check()
                    if self.run.takeovers:
                        self.patiently(name, lambda: self._resume(name))
                    return self.patiently(name, function)
                except CancelledError as error:
                    if self.abandoned:
                        raise AbandonedError from error
                    raise
                except (SupersededError, SchemaVersionError) as error:
                    # The engine must not note that the step failed: another one is to do it.
                    raise AbandonedError from error

            return step(name, once)

        return do


class HeldProgress:
    """Tells of stages in the run's events; bytes are not told of, but make it look up.

    Args:
        held: The run.
    """

    def __init__(self, held: Held) -> None:
        self._held = held
        self._stage = ""

    def start(self, stage: str, about: str, *, total_bytes: int | None = None) -> None:  # noqa: ARG002
        """A stage begins."""
        self._stage = stage
        self._held.tell("started", stage, about)

    def advance(self, byte_count: int) -> None:  # noqa: ARG002
        """Some bytes moved."""
        self._held.check()

    def finish(self, summary: str) -> None:
        """The stage ended well."""
        self._held.tell("finished", self._stage, summary)


class Performer(Protocol):
    """Does the parts of runs."""

    def perform(self, held: Held, step: Step) -> None:
        """Do the part of a run that is next, and move the run on.

        Raises:
            SupplyChainError: It could not be done.
        """
        ...
