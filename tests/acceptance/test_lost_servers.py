"""The command line as a process, and a server that is killed while it is asked."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]
import pytest

from tests.acceptance.test_serve import serving
from tests.kit.cli import Desk, Outcome, until

IMAGE = f"registry.test/shop/web@sha256:{'0' * 64}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is, however often it is started there."""

    desk: Desk
    port: int

    @property
    def server(self) -> tuple[str, str]:
        return "--server", f"http://127.0.0.1:{self.port}"

    @contextmanager
    def served(self) -> Iterator[subprocess.Popen[bytes]]:
        with serving(self.desk, "--port", str(self.port)) as (process, _, _):
            yield process

    def waits(self, client: int) -> bool:
        """Whether a process has a connection to the server."""
        found = psutil.Process(client).net_connections()
        return any(one.raddr and one.raddr.port == self.port for one in found)


@pytest.fixture
def place(bare_desk: Desk) -> Place:
    """A place where nobody listens yet, and somebody with the token of who will."""
    bare_desk.environ["SUPPLYCHAIN_REGISTRY_ALLOWED"] = "registry.test"
    bare_desk.environ["SUPPLYCHAIN_TOKEN_FILE"] = str(bare_desk.data / "server.token")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return Place(bare_desk, int(taken.getsockname()[1]))


def told(process: subprocess.Popen[bytes]) -> Outcome:
    stdout, stderr = process.communicate(timeout=60)
    return Outcome(process.returncode, stdout.decode(), stderr.decode())


def test_a_server_that_is_killed_while_it_judges_is_an_error_and_no_verdict(place: Place) -> None:
    ask = (*place.server, "gate", IMAGE, "-e", "prod")
    with place.served() as server:
        server.send_signal(signal.SIGSTOP)
        with place.desk.typing(*ask, "--output", "json") as client:
            until(lambda: place.waits(client.pid))
            server.kill()
            told(client).refused(1, f"127.0.0.1:{place.port} cannot be reached")
    with place.served():
        assert place.desk.type(*ask, "--output", "json").ended(10).json()["verdict"] == "deny"


def test_of_what_is_sent_once_is_said_how_to_see_whether_it_was_done(place: Place) -> None:
    create = (*place.server, "tokens", "create", "ci", "--role", "viewer")
    with place.served() as server:
        server.send_signal(signal.SIGSTOP)
        with place.desk.typing(*create, "--owner", "machine:ci") as client:
            until(lambda: place.waits(client.pid))
            server.kill()
            told(client).refused(1, "cannot be reached", "look first: supplychain tokens list")
    with place.served():
        listed = place.desk.type(*place.server, "tokens", "list").ended(0)
        assert "machine:ci" not in listed.stdout
        place.desk.type(*create, "--owner", "machine:ci").ended(0)


def test_whoever_follows_a_run_goes_on_when_the_server_is_back(place: Place) -> None:
    with place.served() as server:
        run = submitted(place)
        with place.desk.typing(*place.server, "runs", "follow", run, "-o", "json") as client:
            assert client.stdout is not None
            first = json.loads(client.stdout.readline())
            server.kill()
            server.wait()
            with place.served():
                place.desk.type(*place.server, "runs", "cancel", run).ended(0)
                done = told(client)
    assert (done.code, done.stderr) == (1, "")
    seen = [first, *map(json.loads, done.stdout.splitlines())]
    assert [one["number"] for one in seen] == list(range(1, len(seen) + 1))
    assert (seen[0]["kind"], seen[-1]["kind"]) == ("submitted", "cancelled")


def test_a_run_that_is_asked_for_is_followed_over_a_restart_too(place: Place) -> None:
    with place.served() as server:
        asked = (*place.server, "run", "registry.test/shop/web:1.4", "-e", "prod")
        with place.desk.typing(*asked) as client:
            assert client.stderr is not None
            assert b"submitted" in client.stderr.readline()
            server.kill()
            server.wait()
            with place.served():
                [run] = place.desk.type(*place.server, "runs", "list", "-o", "json").json()["runs"]
                place.desk.type(*place.server, "runs", "cancel", run["id"]).ended(0)
                told(client).refused(1, "cancelled", f"run {run['id']} is cancelled, and nothing")


def test_or_is_told_how_to_go_on_where_it_is_not(place: Place) -> None:
    with place.served() as server:
        run = submitted(place)
        follow = (*place.server, "runs", "follow", run)
        with place.desk.typing(*follow, SUPPLYCHAIN_SERVER_TIMEOUT="2s") as client:
            assert client.stdout is not None
            assert b"submitted" in client.stdout.readline()
            server.kill()
            told(client).refused(1, "cannot be reached", f"runs follow {run} --after 1")
    with place.served():
        place.desk.type(*place.server, "runs", "cancel", run).ended(0)
        rest = place.desk.type(*follow, "--after", "1").ended(1)
        assert rest.stdout.split()[0] == "2"
        assert "cancelled" in rest.stdout.splitlines()[-1]


def submitted(place: Place) -> str:
    asked = ("runs", "submit", "registry.test/shop/web:1.4", "-o", "json")
    return str(place.desk.type(*place.server, *asked).ended(0).json()["id"])
