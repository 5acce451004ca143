"""A worker as the settings describe it."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from supplychain.bootstrap import parts, runs, trust
from supplychain.model.runs import Duty
from supplychain.records.content import PROBED
from supplychain.records.run_queue import RunQueue
from supplychain.settings import Settings
from supplychain.worker.engine import engine_url
from supplychain.worker.held import Performer
from supplychain.worker.manner import Manner
from supplychain.worker.parts import Pipelines
from supplychain.worker.worker import Worker

_LAST_WORDS = 2.0  # seconds, for what others have to put in order
_LOG = logging.getLogger(__name__)


@contextmanager
def working(
    settings: Settings,
    duties: Collection[Duty],
    *,
    around: Callable[[Performer], Performer] = lambda inner: inner,
    ending: threading.Event | None = None,
) -> Iterator[Worker]:
    """A worker that has begun, and ends in good order.

    Args:
        settings: All settings.
        duties: What it does.
        around: Gives what does the parts of runs instead, made from what would.
        ending: As for `Worker`.

    Raises:
        ConfigurationError: It is to sign, and there is no key; or a setting is wrong.
        SchemaVersionError: The record's schema is not this program's.
        SupplyChainError: The key cannot be used.
    """
    if Duty.SIGN in duties:
        trust.sealing(settings, None, sign=True, ask=lambda _: None).require_key()
    manner = Manner(
        name=worker_name(),
        duties=frozenset(duties),
        concurrency=settings.count("worker_concurrency"),
        bounds=runs.bounds(settings),
        grace=settings.duration("worker_grace"),
    )

    def urls() -> str:
        return settings.database_url

    with parts.open_record(settings, create=True) as record:
        record.never_idle()
        queue = RunQueue.open(settings.database_url)
        # A password that is mounted as a file may be replaced while this process runs.
        record.password_from(urls)
        queue.password_from(urls)
        # From here on no other store is taken for the one that it was.
        record.content.put(PROBED)
        performer = around(Pipelines(settings, record, parts.now))
        url = engine_url(settings.database_url)
        worker = Worker(queue, url, performer, manner, parts.now, urls=urls, ending=ending)
        worker.start()
        try:
            yield worker
        finally:
            end(worker)
            queue.close()


def end(worker: Worker) -> None:
    """End a worker; and soon this process with it, where what it has begun cannot be ended."""
    if worker.stop():
        return
    _LOG.warning("the record does not answer: what is under way is left to others")
    # Threads of the engine's would keep the process for as long as the database is away.
    leaving = threading.Timer(_LAST_WORDS, os._exit, [128 + signal.SIGTERM])
    leaving.daemon = True
    leaving.start()


def worker_name() -> str:
    """A name that no other process has, nor ever had."""
    return f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"
