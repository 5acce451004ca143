"""A worker: takes up runs, shows that it is alive, and takes over from those that are not."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from supplychain.errors import (
    CancelledError,
    SchemaVersionError,
    StoreError,
    SupersededError,
    SupplyChainError,
)
from supplychain.model.runs import RunState
from supplychain.records.run_queue import RunQueue
from supplychain.worker.engine import AbandonedError, Engine, EngineError, Step
from supplychain.worker.following import Outcome, following
from supplychain.worker.held import Held, Performer
from supplychain.worker.manner import Manner
from supplychain.worker.waiting import Waiting
from supplychain.worker.watch import Watch

_KEPT = timedelta(days=7)
_PRUNE_SECONDS = 3600.0
# How long what is told to stop, and a database that answers, may take.
_GIVING_BACK = 5.0
_LOG = logging.getLogger(__name__)


class Worker:
    """Works until it is told to end.

    Args:
        queue: Where runs are.
        engine_url: Where the engine keeps what was done.
        performer: Does the parts of runs.
        manner: How it works.
        clock: The time now (aware, UTC).
        urls: As for `Engine`.
        ending: Is set where this process is told to end: nothing more is taken up from then on.
    """

    def __init__(
        self,
        queue: RunQueue,
        engine_url: str,
        performer: Performer,
        manner: Manner,
        clock: Callable[[], datetime],
        *,
        urls: Callable[[], str] | None = None,
        ending: threading.Event | None = None,
    ) -> None:
        self._queue = queue
        self._performer = performer
        self._manner = manner
        self._clock = clock
        self._engine = Engine(
            engine_url,
            manner.name,
            concurrency=manner.concurrency,
            perform=self._perform,
            urls=urls,
        )
        self._watch = Watch(manner.name, manner.lease, manner.beat)
        self._held: dict[str, Held] = {}
        self._lock = threading.Lock()
        self._ending = ending or threading.Event()
        self._over = threading.Event()
        # Whether the record did when it was asked last.
        self._answers = True
        self._waiting = Waiting()
        # Whether the engine could take up what it was given last.
        self._engine_takes = True
        self._woken = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin.

        Raises:
            StoreError: The record cannot be reached.
        """
        self._engine.start()
        self._queue.enrol(self._manner.name, self._manner.duties, at=self._clock())
        for target in (self._take_up, self._live):
            thread = threading.Thread(target=target, name=f"worker {target.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> bool:
        """End: take up nothing more, finish what there is, and give back what takes too long.

        Returns:
            Whether all of it has ended. The engine waits for a database that is away as long as it
            lives, and so do its threads: others take over what they hold once this process is gone.
        """
        grace = self._manner.grace
        self._ending.set()
        self._woken.set()
        taking, living = self._threads
        until = time.monotonic() + grace
        taking.join(grace)
        self._wait(lambda: time.monotonic() < until)
        self._abandon()
        given_back = time.monotonic() + _GIVING_BACK
        # What is asked of others ends by limits of its own.
        self._wait(lambda: self._answers or time.monotonic() < given_back)
        self._over.set()
        ended = time.monotonic() + _GIVING_BACK
        for thread in (taking, living):
            thread.join(max(0.0, ended - time.monotonic()))
        left = not self._held and not taking.is_alive() and not living.is_alive()
        try:
            self._queue.leave(self._manner.name, at=self._clock())
        except StoreError:
            left = False
        if left:
            self._engine.stop()
        return left

    def _wait(self, is_patient: Callable[[], bool]) -> None:
        """For what is held, as long as somebody is patient."""
        while self._held and is_patient():
            time.sleep(0.05)

    @property
    def name(self) -> str:
        """What others know it by."""
        return self._manner.name

    def idle(self) -> bool:
        """Whether it holds nothing, and there is nothing that it could take up."""
        if self._held:
            return False
        try:
            return not self._queue.waiting(self._manner.duties)
        except StoreError:
            return False

    def _take_up(self) -> None:
        """Take up runs for as long as there are hands free."""
        while not self._ending.is_set():
            took = False
            try:
                if self._has_hands():
                    took = self._take_one()
                    self._waiting.end("taking up")
            except SupplyChainError as error:
                self._waiting.begin("taking up", error)
            except Exception:  # noqa: BLE001 - a worker that lives on has to look for more, too
                _LOG.exception("nobody foresaw why nothing can be taken up")
            if not took:
                self._woken.wait(self._manner.poll)
                self._woken.clear()

    def _has_hands(self) -> bool:
        with self._lock:
            held = tuple(self._held.values())
        return len(held) < self._manner.concurrency and not any(one.run.alone for one in held)

    def _take_one(self) -> bool:
        manner, busy = self._manner, bool(self._held)
        if not self._engine_takes:
            self._engine.prove()
            self._engine_takes = True
        claimed = self._queue.claim(
            manner.name, manner.duties, manner.bounds, at=self._clock(), busy=busy
        )
        if claimed is None:
            return False
        run, claim = claimed
        with self._lock:
            held = self._held[run.id] = Held(run, claim, self._queue, self._clock)
        try:
            self._engine.take_up(held.part, run.id, claim.generation)
        except StoreError:
            # No fault of the run's. Nothing is taken up before the engine's database answers.
            self._engine_takes = False
            with self._lock:
                del self._held[run.id]
            self._queue.give_back(claim, at=self._clock())
            raise
        except Exception:  # noqa: BLE001 - the engine's; what it was about is found again, and queued
            with self._lock:
                del self._held[run.id]
            _LOG.exception("the engine refused %s", run.id)
        return True

    def _perform(self, run: str, step: Step) -> None:
        """Do the part of a run that was taken up; called by the engine, in a thread of its own."""
        held = self._held.get(run)
        if held is None:
            raise AbandonedError
        with following(held, self._manner.name) as outcome:
            self._do(held, step, outcome)

    def _do(self, held: Held, step: Step, outcome: Outcome) -> None:
        run = held.run.id
        try:
            held.check()
            self._performer.perform(held, held.steps(step))
        except CancelledError:
            if held.abandoned:
                raise AbandonedError from None
            outcome.state = RunState.CANCELLED
            self._end(held, RunState.CANCELLED)
        except (SupersededError, SchemaVersionError):
            # It is another's by now; or has to be, for this worker is of the wrong release.
            raise AbandonedError from None
        except EngineError as error:
            self._engine_takes = False
            self._waiting.begin("taking up", error)
            held.give_back()
            raise AbandonedError from error
        except SupplyChainError as error:
            outcome.failed(error)
            self._end(held, RunState.FAILED, error)
        except Exception as error:
            if type(error).__module__.startswith("dbos"):
                raise  # somebody else has it, by the engine's own account
            _LOG.exception("a fault of ours, in %s", run)
            said = SupplyChainError("a fault of this program", because=f"{type(error).__name__}")
            outcome.failed(said)
            self._end(held, RunState.FAILED, said)
        finally:
            with self._lock:
                if self._held.get(run) is held:
                    del self._held[run]
            self._woken.set()

    def _end(self, held: Held, state: RunState, error: SupplyChainError | None = None) -> None:
        try:
            held.patiently(
                "end", lambda: self._queue.end(held.claim, state, at=self._clock(), error=error)
            )
        except SupplyChainError as refused:
            raise AbandonedError from refused

    def _live(self) -> None:
        """Show that this worker is alive, and look after what others left and what is cancelled."""
        beaten = pruned = -1e9
        while not self._over.is_set():
            try:
                if time.monotonic() - beaten >= self._manner.beat:
                    beaten = time.monotonic()
                    self._beat()
                    self._waiting.end("living")
                # Nobody is asked while nothing is held: workers are idle most of the time.
                cancelled = self._queue.cancelled(self._manner.name) if self._held else ()
                self._answers = True
                for run in cancelled:
                    if (held := self._held.get(run)) is not None:
                        held.stop(abandon=False)
                if time.monotonic() - pruned >= _PRUNE_SECONDS:
                    pruned = time.monotonic()
                    self._prune()
            except SupplyChainError as error:
                self._answers = False
                self._waiting.begin("living", error)
            except Exception:  # noqa: BLE001 - the engine's; a worker that lives has to say so
                self._answers = False
                _LOG.exception("the engine does not answer")
            time.sleep(min(self._manner.poll, self._manner.beat))

    def _prune(self) -> None:
        """Have the engine drop what is old; what cannot be dropped now is later."""
        try:
            self._engine.prune(self._clock() - _KEPT, self._queue.beats())
        except StoreError as error:
            _LOG.warning("what was done long ago is dropped later: %s", error)

    def _beat(self) -> None:
        name, at = self._manner.name, self._clock()
        if not self._queue.beat(name, at=at):
            # We slept, and were taken for dead: what we hold is somebody else's by now.
            self._abandon()
            self._queue.enrol(name, self._manner.duties, at=at)
        with self._lock:
            held = tuple(self._held)
        if self._watch.twice_missing(self._queue.strays(name, held)):
            self._queue.stray(name, held, at=at)
        for dead, beats in self._watch.dead(self._queue.beats(), time.monotonic()):
            if self._queue.bury(dead, beats, at=at, by=name) is not None:
                _LOG.warning("%s does not answer: what it held is taken over", dead)
                self._woken.set()

    def _abandon(self) -> None:
        with self._lock:
            held = tuple(self._held.values())
        for one in held:
            one.stop(abandon=True)
