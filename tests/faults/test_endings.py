"""Workers and servers that are told to end, as they are really started: in time, and in order."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from subprocess import Popen

import pytest

from supplychain.model.runs import RunState
from tests.kit.aftermath import Left, require_sound
from tests.kit.cli import until
from tests.kit.crew import LEASE
from tests.kit.shops import Shop

GRACE = 1
# For what is asked of a tool that ends, and for a busy machine.
_IN_TIME = GRACE + 15
_WORKER, _SERVER = ("worker",), ("serve", "--embedded", "--worker", "--port", "0")


@pytest.fixture
def stall(corner_shop: Shop) -> Shop:
    """A shop whose workers are given little time to end."""
    host = corner_shop.repository.partition("/")[0]
    corner_shop.desk.environ.update(
        SUPPLYCHAIN_WORKER_GRACE=f"{GRACE}s",
        SUPPLYCHAIN_REGISTRY_ALLOWED=host,
        SUPPLYCHAIN_REGISTRY_PRIVATE=host.partition(":")[0],
    )
    return corner_shop


def _scanner(shop: Shop) -> int:
    """The scanner, once there is one; it stands still until it has been told to end."""
    [found] = until(shop.desk.scanners)
    os.kill(found, signal.SIGSTOP)
    return found


def _ended(process: Popen[bytes], within: float) -> int:
    began = time.monotonic()
    process.communicate(timeout=60)
    assert time.monotonic() - began < within
    return process.returncode


def _finished_by_another(shop: Shop, run: str, clean: Left, takeovers: int) -> None:
    assert shop.desk.scanners() == []
    with shop.worker():
        until(shop.crew.all_over)
    assert shop.run().takeovers == takeovers
    require_sound(shop.crew, [run], clean=clean, repository=shop.repository)


@pytest.mark.fault("a worker or server is told to end while a scanner hangs", on="sqlite")
@pytest.mark.parametrize(
    ("started", "number", "code"),
    [
        (_WORKER, signal.SIGTERM, 143),
        (_WORKER, signal.SIGINT, 130),
        (_SERVER, signal.SIGTERM, 0),
        (_SERVER, signal.SIGINT, 0),
    ],
    ids=["worker-term", "worker-int", "server-term", "server-int"],
)
def test_what_cannot_end_in_time_is_given_back(
    stall: Shop, clean: Left, started: tuple[str, ...], number: signal.Signals, code: int
) -> None:
    run = stall.submit()
    with stall.desk.typing(*started) as process:
        _scanner(stall)
        process.send_signal(number)
        assert _ended(process, _IN_TIME) == code
    assert stall.run().state is RunState.QUEUED
    _finished_by_another(stall, run, clean, takeovers=0)


@pytest.mark.fault("a worker or server that is ending is told so again", on="sqlite")
@pytest.mark.parametrize(
    ("started", "ends"),
    [(_WORKER, lambda code: code == -signal.SIGTERM), (_SERVER, lambda code: code == 143)],
    ids=["worker", "server"],
)
def test_told_twice_it_ends_at_once_and_another_takes_over(
    stall: Shop, clean: Left, started: tuple[str, ...], ends: Callable[[int], bool]
) -> None:
    run = stall.submit()
    stall.desk.environ["SUPPLYCHAIN_WORKER_GRACE"] = "60s"
    with stall.desk.typing(*started) as process:
        _scanner(stall)
        process.send_signal(signal.SIGTERM)
        time.sleep(3)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert ends(_ended(process, 3))
    assert stall.run().state is RunState.RUNNING
    time.sleep(LEASE)
    _finished_by_another(stall, run, clean, takeovers=1)


@pytest.mark.fault("a server with a worker is told to end while it answers", on="sqlite")
def test_a_server_that_answers_yet_takes_up_no_run(stall: Shop, clean: Left) -> None:
    with stall.desk.typing(*_SERVER) as process:
        assert process.stderr is not None
        process.stderr.readline()
        host, _, port = process.stderr.readline().decode().split("//")[-1].strip().rpartition(":")
        with closing(HTTPConnection(host, int(port), timeout=20)) as connection:
            connection.putrequest("POST", "/v1/gates/prod/decide")
            connection.putheader("Content-Length", "2")
            connection.endheaders(b"{")
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            run = stall.submit()
            time.sleep(3)
            assert process.poll() is None
            assert stall.run().state is RunState.QUEUED
            assert not stall.happened("claimed")
            connection.send(b"}")
            assert connection.getresponse().status == 401
        assert _ended(process, 10) == 0
    _finished_by_another(stall, run, clean, takeovers=0)
