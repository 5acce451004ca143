"""Workers as processes of their own, over a record on either engine, that are made to fail.

What they do is real but for what they are told to: end in the middle of a step, by a signal. A
`Drill` is a light stand-in for the stages, for what needs many runs: it leaves a mark for each
deed.

Run as a module it is one such worker.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from supplychain.bootstrap import parts
from supplychain.model.digest import Digest
from supplychain.model.runs import Bounds, Duty, Run, RunRequest, RunState
from supplychain.records.content import PROBED
from supplychain.records.database import open_engine
from supplychain.records.folder import FolderStore
from supplychain.records.record import Record
from supplychain.records.run_queue import RunQueue
from supplychain.settings import Settings
from supplychain.worker import engine
from supplychain.worker.engine import Json, Step, engine_url
from supplychain.worker.held import Held, Performer
from supplychain.worker.manner import Manner
from supplychain.worker.parts import Pipelines
from supplychain.worker.service import end, worker_name
from supplychain.worker.worker import Worker
from tests.kit.forked import Forked, Process

# A tenth of what is real, so that tests of deaths take seconds.
BEAT, LEASE = 0.2, 1.5
WHERE = ("before", "within", "after")


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a worker is killed, or told to end.

    Attributes:
        step: The beginning of a step's name.
        where: `before` it, `within` it when it is done and nobody knows, `after` it.
        mark: A file that says that it happened; "" to be killed each time.
        run: Only over the run of this id; "" for any.
        signal: SIGKILL; or one that tells it to end, and then it gives back what it has in hand.
    """

    step: str
    where: str
    mark: str = ""
    run: str = ""
    signal: str = "SIGKILL"

    def happens(self, held: Held, name: str, where: str) -> None:
        """Signal this process, if this is the place; it goes on once it has to stop."""
        if self.run not in {"", held.run.id}:
            return
        if where != self.where or not name.startswith(self.step):
            return
        if self.mark:
            try:
                os.close(os.open(self.mark, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return
        os.kill(os.getpid(), signal.Signals[self.signal])
        until(held.stopped)


@dataclass(frozen=True, slots=True)
class Faulty:
    """Does the parts of runs as another does, and is killed over one."""

    inner: Performer
    fault: Fault

    def perform(self, held: Held, step: Step) -> None:
        def do(name: str, function: Callable[[], Json]) -> Json:
            def within() -> Json:
                done = function()
                self.fault.happens(held, name, "within")
                return done

            self.fault.happens(held, name, "before")
            done = step(name, within)
            self.fault.happens(held, name, "after")
            return done

        self.inner.perform(held, do)


@dataclass(frozen=True, slots=True)
class Drill:
    """Does nothing but wait as tools do, and leave a mark for each deed that counts.

    Attributes:
        folder: Takes the marks: one line for each deed, and who did it.
        seconds: How long a tool takes.
    """

    folder: Path
    seconds: float
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def perform(self, held: Held, step: Step) -> None:
        if held.run.duty is Duty.SCAN:
            step("scan", lambda: self._tool(held, "scan"))
            held.patiently("hand over", lambda: self._hand_over(held))
            return
        step("sign", lambda: self._once(held, "signed"))
        step("record", lambda: self._tool(held, "record"))
        held.patiently("end", lambda: self._end(held))
        self._deed(held, "ended")

    def _hand_over(self, held: Held) -> None:
        held.queue.hand_over(held.claim, Digest.of(held.run.id.encode()), at=held.clock())

    def _end(self, held: Held) -> None:
        held.queue.end(held.claim, RunState.SUCCEEDED, at=held.clock())

    def _tool(self, held: Held, step: str) -> Json:
        self._begin(held, step)
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            held.check()
            time.sleep(min(0.05, self.seconds))
        return None

    def _once(self, held: Held, what: str) -> Json:
        """As signing is: by digest, so that the second time adds nothing."""
        self._begin(held, what)
        held.hold()
        mark = self.folder / f"{held.run.id}.{what}"
        mark.touch()
        return None

    def _begin(self, held: Held, step: str) -> None:
        with (self.folder / f"{held.run.id}.begun").open("a") as log:
            log.write(f"{step}\n")

    def _deed(self, held: Held, what: str) -> None:
        with self._lock, (self.folder / f"{os.getpid()}.log").open("a") as log:
            log.write(f"{held.run.id} {what}\n")


@dataclass(frozen=True, slots=True)
class Crew:
    """Workers over one record.

    Attributes:
        url: The record's database.
        folder: Where everything else is.
    """

    url: str
    folder: Path

    @contextmanager
    def record(self) -> Iterator[Record]:
        """The record, to submit to and to look into, wherever its content store is by now."""
        with Record(open_engine(self.url), FolderStore(self.folder / "content")) as record:
            yield record

    def submit(self, count: int) -> list[str]:
        """Submit so many runs that are drills."""
        with self.record() as record:
            return [
                record.runs.submit(
                    RunRequest(f"registry.test/shop:{number}"),
                    registry="registry.test",
                    requested_by="ann",
                    at=datetime.now(UTC),
                ).id
                for number in range(count)
            ]

    def runs(self, limit: int = 2000) -> tuple[Run, ...]:
        """All runs."""
        with self.record() as record:
            return record.runs.list(limit=limit)

    def all_over(self) -> bool:
        """Whether nothing more will come of any run."""
        return all(run.state.over for run in self.runs())

    def workers(self) -> int:
        """How many work on it, by the record."""
        with closing(RunQueue.open(self.url)) as queue:
            return len(queue.beats())

    def can_be_written(self) -> bool:
        """Whether nobody holds a lock on what is SQLite's."""
        for url in {self.url, engine_url(self.url)}:
            file = url.removeprefix("sqlite:///")
            if file == url:
                continue
            try:
                with closing(sqlite3.connect(file, timeout=1)) as connection:
                    connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
        return True

    def deeds(self) -> list[str]:
        """What was brought to its end, and by whom, a line each time."""
        return [line for log in self.folder.glob("*.log") for line in log.read_text().splitlines()]

    def most_begun(self, run: str) -> int:
        """How often that step of a run was begun that was begun most often."""
        begun = (self.folder / f"{run}.begun").read_text().splitlines()
        return max(Counter(begun).values())

    @contextmanager
    def worker(
        self,
        *,
        seconds: float = 0.0,
        concurrency: int = 4,
        fault: Fault | None = None,
        duties: str = "scan,sign",
        environ: Mapping[str, str] | None = None,
        log: Path | None = None,
        version: str = "",
    ) -> Iterator[Process]:
        """A worker that does drills; it does not outlive the context.

        Of which version of the application it is, is that of this program where none is given.
        """
        told = {
            "url": self.url,
            "folder": str(self.folder),
            "seconds": seconds,
            "concurrency": concurrency,
            "duties": duties,
            "fault": fault and astuple(fault),
            "version": version,
        }
        with _process(json.dumps(told), {**os.environ, **(environ or {})}, None, log) as process:
            yield process


def until(condition: Callable[[], bool], timeout: float = 60.0) -> None:
    """Wait until something is so; looks seldom, for others need the machine."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("what was waited for did not happen")
        time.sleep(0.1)


@contextmanager
def real_worker(
    environ: dict[str, str],
    folder: Path,
    fault: Fault | None = None,
    duties: str = "scan,sign",
) -> Iterator[Process]:
    """A worker as the settings in an environment describe it, killed over one step."""
    told = {"duties": duties, "fault": fault and astuple(fault)}
    with _process(json.dumps(told), environ, folder) as process:
        yield process


@contextmanager
def _process(
    told: str, environ: dict[str, str], folder: Path | None, log: Path | None = None
) -> Iterator[Process]:
    process: Process
    if "LD_PRELOAD" in environ:  # which takes a process that begins anew
        environ = {**environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        command = [sys.executable, "-m", "tests.kit.crew", told]
        process = subprocess.Popen(command, env=environ, cwd=folder)
    else:
        process = Forked(work, told, environ, folder or Path.cwd(), log)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _now() -> datetime:
    return datetime.now(UTC)


def _fault_of(told: dict[str, object]) -> Fault | None:
    fault = told["fault"]
    return Fault(*map(str, fault)) if isinstance(fault, list) else None


def _manner(told: dict[str, object], concurrency: int, lease: float) -> Manner:
    fault = _fault_of(told)
    return Manner(
        name=worker_name(),
        duties=frozenset(map(Duty, str(told["duties"]).split(","))),
        concurrency=concurrency,
        bounds=Bounds(10_000, 10_000),
        beat=BEAT,
        lease=lease,
        poll=0.1,
        grace=5.0 if fault is None or fault.signal == "SIGKILL" else 0.2,
    )


def _drilling(told: dict[str, object], fault: Fault | None) -> Worker:
    url = str(told["url"])
    drill: Performer = Drill(Path(str(told["folder"])), float(str(told["seconds"])))
    manner = _manner(told, int(str(told["concurrency"])), LEASE)
    performer = Faulty(drill, fault) if fault else drill
    return Worker(RunQueue.open(url), engine_url(url), performer, manner, _now)


def _working(told: dict[str, object], fault: Fault | None, stack: ExitStack) -> Worker:
    """As `supplychain worker` makes one, but for its pace."""
    settings = Settings({}, os.environ, Path.cwd())
    record = stack.enter_context(parts.open_record(settings, create=True))
    record.never_idle()
    record.content.put(PROBED)
    queue = RunQueue.open(settings.database_url)
    stack.callback(queue.close)
    pipelines: Performer = Pipelines(settings, record, parts.now)
    # Reading a report may keep a busy machine from beating for a while.
    manner = _manner(told, 4, 2 * LEASE)
    performer = Faulty(pipelines, fault) if fault else pipelines
    return Worker(queue, engine_url(settings.database_url), performer, manner, parts.now)


def work(text: str) -> None:
    """Be a worker, until it is told to end."""
    told = json.loads(text)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    engine._VERSION = str(told.get("version") or engine._VERSION)
    fault = _fault_of(told)
    with ExitStack() as stack:
        worker = _drilling(told, fault) if "url" in told else _working(told, fault, stack)
        worker.start()
        ended.wait()
        end(worker)


if __name__ == "__main__":
    work(sys.argv[1])
