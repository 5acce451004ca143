"""Runs at a server: submitted, listed, followed to their end, cancelled, asked for again."""

from __future__ import annotations

import json
import threading
import time

import pytest

from supplychain.model.runs import Bounds, Duty, RunState
from supplychain.records.run_queue import RunQueue
from tests.kit.failings import in_order
from tests.kit.listening import Remote
from tests.kit.misbehaving import Exchange, cut, reply, scripted_server
from tests.kit.scans import SUBJECT
from tests.kit.typist import Typist

SHOP = "registry.test/shop:1.4"
RUN = "0199f0c2-7b1e-7c3a-9d55-2f6a1b0c4d5e"


def end(remote: Remote, state: RunState = RunState.SUCCEEDED) -> None:
    """Bring the next run to its end, as a worker would."""
    queue = RunQueue.open(remote.served.service.settings.database_url)
    at = remote.served.service.clock()
    queue.enrol("one", tuple(Duty), at=at)
    claimed = queue.claim("one", tuple(Duty), Bounds(9, 9), at=at)
    assert claimed is not None
    queue.end(claimed[1], state, at=at)
    queue.close()


def submit(remote: Remote, *more: str) -> str:
    there = remote.type("runs", "submit", SHOP, "-o", "json", *more)
    assert there.code == 0, there
    return str(json.loads(there.stdout)["id"])


def test_runs_are_as_they_are_at_the_record(remote: Remote) -> None:
    run = submit(remote, "-e", "prod", "--priority", "gate", "--platform", "linux/amd64")
    words = [("runs", "show", run), ("runs", "list"), ("runs", "list", "--state", "queued")]
    for each in words:
        for form in ("json", "text"):
            there = remote.type(*each, "-o", form)
            assert there.code == 0, there
            assert there.ageless == remote.here(*each, "-o", form).ageless
            assert SHOP in there.stdout
    assert remote.type("runs", "list", "--state", "dead").stdout == ""
    assert remote.type("runs", "cancel", run).stdout.count("cancelled") == 1
    remote.type("runs", "cancel", run).refused(1)
    again = json.loads(remote.type("runs", "again", run, "-o", "json").stdout)
    assert again["again_of"] == run
    remote.type("runs", "show", RUN).refused(1, "no run")
    assert remote.type("runs", "show", "../images").code == 1
    remote.type("runs", "submit", "oci:/etc").refused(2)


def test_under_the_same_key_it_is_the_same_run(remote: Remote) -> None:
    first = submit(remote, "--idempotency-key", "build-17")
    assert submit(remote, "--idempotency-key", "build-17") == first
    assert submit(remote) != first
    remote.type("runs", "submit", SHOP, "--idempotency-key", "ä").refused(2, "the key is none")


@pytest.mark.parametrize("state", [RunState.SUCCEEDED, RunState.FAILED])
def test_a_run_is_followed_to_its_end(remote: Remote, state: RunState) -> None:
    run = submit(remote)
    later = threading.Timer(0.7, end, (remote, state))
    later.start()
    there = remote.type("runs", "follow", run)
    later.join()
    assert there.code == (0 if state is RunState.SUCCEEDED else 1)
    kinds = [line.split()[2] for line in there.stdout.splitlines()]
    assert kinds == ["submitted", "claimed", str(state)]
    assert there.ageless == remote.here("runs", "follow", run).ageless
    rest = remote.type("runs", "follow", run, "--after", "2", "-o", "json")
    assert [json.loads(line)["number"] for line in rest.stdout.splitlines()] == [3]
    assert remote.type("runs", "follow", run, "--after", "3").stdout == ""


def test_a_stream_that_breaks_off_is_taken_up_where_it_was(typist: Typist) -> None:
    typist.patch.setenv("SUPPLYCHAIN_TOKEN", "sct_k3v9x2m4q7ab_x")
    path = f"/v1/runs/{RUN}"
    shown = {
        "id": RUN, "reference": SHOP, "platform": None, "environment": None, "sign": True,
        "priority": "normal", "requested_by": "ada", "state": "succeeded", "stage": None,
        "digest": None, "takeovers": 0, "submitted_at": "2026-11-24T09:00:00Z",
        "started_at": None, "finished_at": None, "error": None, "decision": None,
        "again_of": None,
    }  # fmt: skip
    lines = [
        json.dumps({"number": n, "at": "2026-11-24T09:00:00Z", "kind": k, "stage": None, "text": k})
        for n, k in enumerate(("submitted", "claimed", "succeeded"), 1)
    ]
    whole = [f"id: {n}\ndata: {line}\n\n".encode() for n, line in enumerate(lines, 1)]
    kind = "text/event-stream"

    def rest(exchange: Exchange) -> None:
        seen = int(exchange.headers["Last-Event-ID"])
        left = b"".join(whole[seen:])
        reply(200 if left else 204, left, kind=kind)(exchange)

    with scripted_server() as server:
        first = whole[0] + whole[1]
        server.on("GET", f"{path}/events", cut(first, len(whole[0]) + 9, kind), rest)
        server.on("GET", path, reply(200, json.dumps(shown).encode(), kind="application/json"))
        there = typist.type("--server", server.url, "runs", "follow", RUN)
        assert there.code == 0, there
        assert [line.split()[0] for line in there.stdout.splitlines()] == ["1", "2", "3"]
        begun = [one.headers["Last-Event-ID"] for one in server.asked("GET", f"{path}/events")]
        assert (len(begun), begun[-1]) == (3, "3")

        typist.patch.setenv("SUPPLYCHAIN_SERVER_TIMEOUT", "1s")
        server.on("GET", f"{path}/events", cut(whole[0], 5, kind))
        there = typist.type("--server", server.url, "runs", "follow", RUN)
        there.refused(1, "cut off", f"supplychain runs follow {RUN} --after 0")
        server.on("GET", f"{path}/events", reply(200, b"data: {}\n\n", kind=kind))
        typist.type("--server", server.url, "runs", "follow", RUN).refused(1, "answers what no")
        server.on("GET", f"{path}/events", reply(200, b"{}", kind="application/json"))
        typist.type("--server", server.url, "runs", "follow", RUN).refused(1, "no stream")


@pytest.mark.parametrize("state", [RunState.SUCCEEDED, RunState.FAILED])
def test_a_whole_run_is_done_by_workers_and_judged_by_the_server(
    remote: Remote, state: RunState
) -> None:
    in_order(remote.typist)

    def work() -> None:
        with remote.typist.record() as record:
            while not record.runs.list():
                time.sleep(0.1)
        remote.typist.sql(f"UPDATE runs SET digest = '{SUBJECT.digest}'")
        end(remote, state)

    later = threading.Timer(1, work)
    later.start()
    there = remote.type("run", SHOP, "-e", "prod")
    later.join()
    assert there.code == (0 if state is RunState.SUCCEEDED else 1), there
    assert "1  " in there.stderr
    if state is RunState.FAILED:
        assert "is failed, and nothing was judged" in there.stderr
        assert there.stdout == ""
    else:
        assert there.ageless == remote.here("gate", str(SUBJECT), "-e", "prod").ageless
    remote.type("run", "oci:/etc", "-e", "prod").refused(2)
    remote.type("run", SHOP, "-e", "prod", "--policy", "prod.yaml").refused(2, "own policies")
