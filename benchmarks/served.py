"""A service on this machine: `supplychain serve` as a process, over either kind of database."""

from __future__ import annotations

import contextlib
import http.client
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]

from benchmarks.scene import SUPPLYCHAIN
from benchmarks.timing import clean_environment
from supplychain.bootstrap.access import create_token
from supplychain.model.access import Acting, Role, Scope
from supplychain.records.folder import FolderStore
from supplychain.records.migrating import upgrade
from supplychain.records.record import Record
from tests.kit.databases import running_postgresql

ENGINES = ("SQLite", "PostgreSQL")
_ENDS_WITHIN = 60


@dataclass(frozen=True, slots=True)
class Prepared:
    """A database, a content store, and somebody who may ask everything.

    Attributes:
        folder: Everything else is in it.
        url: The database.
        token: Whom a server lets in.
    """

    folder: Path
    url: str
    token: str = field(repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """What a process of the service is told."""
        return {
            **clean_environment(),
            "HOME": str(self.folder),
            "SUPPLYCHAIN_DATA_DIR": str(self.folder / "data"),
            "SUPPLYCHAIN_DATABASE": self.url,
            "SUPPLYCHAIN_RATE_LIMIT": "100000000",
        }

    def record(self) -> Record:
        """The record, to fill it behind a server's back."""
        return Record.open(self.url, FolderStore(self.folder / "data" / "content"))

    @contextlib.contextmanager
    def process(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A command that goes on until it is told to end."""
        process = subprocess.Popen(
            [SUPPLYCHAIN, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=_ENDS_WITHIN)

    @contextlib.contextmanager
    def serving(self, processes: int = 1) -> Iterator[Server]:
        """A server that answers, in so many processes."""
        with self.process("serve", "--port", "0", "--processes", str(processes)) as process:
            yield Server(process, said(process, "serve"), self.token)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    process: subprocess.Popen[str]
    url: str
    token: str = field(repr=False)

    def connect(self) -> http.client.HTTPConnection:
        """A connection that stays open."""
        place = urlsplit(self.url)
        return http.client.HTTPConnection(place.hostname or "", place.port, timeout=120)

    @property
    def headers(self) -> Mapping[str, str]:
        """Who asks."""
        return {"Authorization": f"Bearer {self.token}"}


def asked(
    server: Server,
    on: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes = b"",
    *,
    kind: str = "application/octet-stream",
) -> bytes:
    """Ask once; the answer, which has to be one of success."""
    given = {"Content-Type": kind} if body else {}
    on.request(method, path, body or None, {**server.headers, **given})
    with on.getresponse() as answer:
        text = answer.read()
    if answer.status >= 300:
        raise RuntimeError(f"{method} {path[:100]} was answered {answer.status}: {text[:500]!r}")
    return text


def sent(server: Server, requests: Sequence[tuple[str, bytes]], connections: int) -> None:
    """Post all of these, over so many connections at once."""
    failed: list[Exception] = []

    def some(number: int) -> None:
        try:
            with contextlib.closing(server.connect()) as on:
                for path, body in requests[number::connections]:
                    asked(server, on, "POST", path, body)
        except (OSError, http.client.HTTPException, RuntimeError) as error:
            failed.append(error)  # told by whoever waits

    threads = [threading.Thread(target=some, args=(n,)) for n in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def said(process: subprocess.Popen[str], word: str) -> str:
    """What a process says behind a word at the beginning of a line, as soon as it does."""
    assert process.stderr is not None  # noqa: S101  # it was asked for
    for line in process.stderr:
        first, _, rest = line.partition(" ")
        if first == word:
            # What it says from now on must not fill the pipe.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return rest.strip()
    raise RuntimeError(f"nobody said {word!r}")


def memory_of(process: subprocess.Popen[str]) -> float:
    """What the largest of a server's processes holds of the machine's memory, in MiB."""
    first = psutil.Process(process.pid)
    return float(max(one.memory_info().rss for one in (first, *first.children())) / 2**20)


@contextlib.contextmanager
def prepared(engine: str) -> Iterator[Prepared]:
    """A database of a kind with our schema, and a token on it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, _database(engine, name) as url:
        upgrade(url)
        folder = Path(name)
        with Record.open(url, FolderStore(folder / "data" / "content")) as record:
            acted = record.acted_on(Acting("bench", "a benchmark", "a benchmark"))
            made = create_token(
                acted.access,
                name="bench",
                owner="bench",
                scope=Scope((Role.VIEWER, Role.SUBMITTER), None),
                lasts=timedelta(days=1),
                by="bench",
                at=datetime.now(UTC),
            )
        yield Prepared(folder, url, made.text)


@contextlib.contextmanager
def _database(engine: str, folder: str) -> Iterator[str]:
    if engine == "SQLite":
        yield f"sqlite:///{folder}/record.db"
        return
    with running_postgresql() as url:
        yield url
