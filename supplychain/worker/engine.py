"""The one place that knows DBOS: steps whose results outlive the process that made them.

Of DBOS only public calls of its MIT-licensed part are used, and of those few. What it does not do
itself is done by the record: who works on what, who is alive, who may still write, how often
somebody has tried (`supplychain.records.run_queue`). So it can be exchanged: all that is asked of
an engine is to run a part of a run step by step, and after a death to go on after the last step.

What was learnt of DBOS 3.4, and is seen to here:

- It recovers only what its own executor left, so each process has a name of its own, and what
  another left is resumed into a queue to which only this process listens.
- Its version of the application is a hash of the source unless it is pinned: then half of the
  workers would not touch what the other half began.
- It writes arguments and results with pickle, which whoever can write the database could use to
  run code beside the signing key. Here they are JSON.
- It waits for a database that is gone, but not for each that is (`supplychain.records.patience`).
- A workflow that ends in an error stays ended. Whoever was taken over, or gives back what he has
  not done, therefore leaves by an exception that it does not catch.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from dbos import DBOS, DBOSConfig, SetWorkflowID

from supplychain.errors import StoreError
from supplychain.records.database import LONGEST_IDLE
from supplychain.records.patience import PATIENT, URLS, faults_of
from supplychain.records.private import make_file
from supplychain.worker.remembered import JsonSerializer

# Changes with what the steps are: what another version began is begun anew, from its first step.
_VERSION = "1"
_NAME = "supplychain"
_POLL_SECONDS = 0.3
_DONE = frozenset({"SUCCESS", "ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})
_PRUNED_AT_ONCE = 500

Json = str | int | bool | None | list["Json"] | dict[str, "Json"]
# Does something under a name, unless that was done already: then its result is given again.
Step = Callable[[str, Callable[[], Json]], Json]


class AbandonedError(BaseException):
    """Whoever raises it leaves a part as it is, for somebody else to go on with."""


class EngineError(StoreError):
    """What was done cannot be noted, by the engine's own account: no fault of the run's."""


class Engine:
    """Runs parts of runs, step by step; there is one in a process.

    Args:
        url: Where it keeps what was done: `sqlite:///file` or `postgresql://…`.
        name: Of this worker; nobody else's.
        concurrency: How many parts at once.
        perform: Does a part: takes the run's id, and what does its steps.
        urls: Gives the URL of a PostgreSQL database with the password as it is by then; None where
            it stays as it is.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        concurrency: int,
        perform: Callable[[str, Step], None],
        urls: Callable[[], str] | None = None,
    ) -> None:
        self._urls = urls
        self._url = url
        self._name = name
        self._concurrency = concurrency
        self._perform = perform
        self._part: Callable[[str], str] | None = None
        self._probe: Callable[[], None] | None = None

    def start(self) -> None:
        """Begin; makes or upgrades what the engine keeps.

        Raises:
            StoreError: What it keeps cannot be opened.
        """
        try:
            self._launch()
        except Exception as error:
            raise StoreError(
                "what workers did cannot be looked up",
                because=f"{error}".partition("\n")[0],
                hint="see that the database answers, and that its user may make the schema dbos",
            ) from error

    def _launch(self) -> None:
        said = logging.getLogger("dbos")
        said.setLevel(logging.CRITICAL)
        if not said.handlers:  # else it would write to the terminal by itself
            said.addHandler(logging.NullHandler())
        config: DBOSConfig = {
            "name": _NAME,
            "system_database_url": _prepared(self._url),
            "sys_db_pool_size": 4 + self._concurrency,
            "db_engine_kwargs": {"plugins": [PATIENT], URLS: self._urls},
            # As the record's: who is stopped in the middle of a write holds up nobody for long.
            "sys_db_idle_transaction_timeout_sec": LONGEST_IDLE,
            "executor_id": self._name,
            "application_version": _VERSION,
            "serializer": JsonSerializer(),
            "log_level": "CRITICAL",
            "enable_otlp": False,
            "scheduler_polling_interval_sec": 3600.0,
        }
        DBOS(config=config)
        DBOS.listen_queues([_queue_of(self._name)])

        def part(run: str) -> str:
            self._perform(run, self._step)
            return run

        def probe() -> None:
            DBOS.run_step({"name": "probe"}, lambda: None)

        self._part = DBOS.workflow(name="part")(part)
        self._probe = DBOS.workflow(name="probe")(probe)
        DBOS.launch()
        self.listen()

    def listen(self) -> None:
        """See that this worker's queue is there, and so that what the engine keeps can be written.

        Raises:
            StoreError: It cannot.
        """
        with faults_of(self._url):
            DBOS.register_queue(
                _queue_of(self._name),
                worker_concurrency=self._concurrency,
                polling_interval_sec=_POLL_SECONDS,
                on_conflict="always_update",
            )

    def prove(self) -> None:
        """See that the engine can note what is done, to the last of its tables.

        Raises:
            StoreError: It cannot.
        """
        self.listen()
        name = f"{_queue_of(self._name)}-{uuid4()}"
        with faults_of(self._url):
            try:
                if self._probe is not None:
                    with SetWorkflowID(name):
                        self._probe()
            finally:
                DBOS.delete_workflows([name])

    def take_up(self, part: str, run: str, generation: int) -> None:
        """Begin a part of a run, or go on with it after the last step that somebody finished.

        Args:
            part: Its name, the same whoever takes it up.
            run: The run.
            generation: The how-manieth hold on the run this is.

        Raises:
            StoreError: What the engine keeps cannot be read or written.
        """
        with faults_of(self._url):
            self._take_up(part, run, generation)

    def _take_up(self, part: str, run: str, generation: int) -> None:
        status = DBOS.get_workflow_status(part)
        if status is not None and status.status not in _DONE and status.app_version == _VERSION:
            # Somebody may have dropped it who took this worker for dead: nothing in it would begin.
            self.listen()
            DBOS.resume_workflows([part], queue_name=_queue_of(self._name))
            return
        # What ended here without the run's being over cannot go on: its steps are done anew.
        name = part if status is None else f"{part}.{generation}"
        if self._part is None:
            raise AssertionError("the engine was not started")
        with SetWorkflowID(name):
            DBOS.start_workflow(self._part, run)

    def prune(self, before: datetime, workers: Collection[str]) -> int:
        """Drop what was done in parts that began before an instant; how many there were.

        Args:
            before: The instant (aware, UTC).
            workers: Who is there: the queues of all others are dropped too. Not as soon as somebody
                is taken for dead, who may come back at that moment.

        Raises:
            StoreError: What the engine keeps cannot be read or written.
        """
        with faults_of(self._url):
            return self._prune(before, workers)

    def _prune(self, before: datetime, workers: Collection[str]) -> int:
        for queue in {one.name for one in DBOS.list_queues()} - set(map(_queue_of, workers)):
            DBOS.delete_queue(queue)
        old = DBOS.list_workflows(
            end_time=before.isoformat(),
            limit=_PRUNED_AT_ONCE,
            load_input=False,
            load_output=False,
        )
        if old:
            DBOS.delete_workflows([one.workflow_id for one in old])
        return len(old)

    def _step(self, name: str, function: Callable[[], Json]) -> Json:
        failed: list[BaseException] = []

        def once() -> Json:
            try:
                return function()
            except BaseException as error:
                failed.append(error)
                raise

        try:
            with faults_of(self._url):
                done: Json = DBOS.run_step({"name": name}, once)
        except StoreError as error:
            if error in failed:
                raise
            raise EngineError(
                f"{error}", because=error.because, hint=error.hint, retryable=error.retryable
            ) from error
        return done

    def stop(self) -> None:
        """End, whatever is still being done."""
        try:
            DBOS.delete_queue(_queue_of(self._name))
        finally:
            DBOS.destroy(destroy_registry=True)


def _queue_of(name: str) -> str:
    return f"{_NAME}-{name}"


def engine_url(record: str) -> str:
    """Where the engine keeps what was done, for the record in a database.

    On PostgreSQL that is a schema of its own in the same database. SQLite lets one write at a
    time, so there it is a file beside the record's.
    """
    if not record.startswith("sqlite:///"):
        return record.replace("postgres://", "postgresql://", 1)
    file = Path(record.removeprefix("sqlite:///"))
    return f"sqlite:///{file.with_name(f'{file.stem}-work.db')}"


def _prepared(url: str) -> str:
    """The URL; a SQLite file is made, and told to write ahead: five times as fast."""
    if url.startswith("sqlite:///"):
        file = url.removeprefix("sqlite:///")
        make_file(Path(file))
        with closing(sqlite3.connect(file, timeout=30)) as connection:
            connection.execute("PRAGMA journal_mode=WAL").close()
    return url
