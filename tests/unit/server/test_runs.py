"""`/v1/runs`: asked for, looked at, followed, cancelled, and asked for again."""

from __future__ import annotations

import json
from typing import Any

from supplychain.model.runs import Bounds, Duty, RunState
from supplychain.records.run_queue import RunQueue
from tests.kit.serving import Served, problem

SHOP = "registry.test/shop:1.4"


def _submit(served: Served, **more: object) -> dict[str, Any]:
    answer = served.post("/v1/runs", {"reference": SHOP, **more})
    assert answer.status_code == 202, answer.text
    run: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/v1/runs/{run['id']}"
    return run


def _done(served: Served) -> None:
    """Bring the next run to its end, as a worker would."""
    queue = RunQueue.open(served.service.settings.database_url)
    at = served.service.clock()
    queue.enrol("one", tuple(Duty), at=at)
    claimed = queue.claim("one", tuple(Duty), Bounds(9, 9), at=at)
    assert claimed is not None
    queue.end(claimed[1], RunState.SUCCEEDED, at=at)
    queue.close()


def _events(text: str) -> list[tuple[str, str, dict[str, Any]]]:
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return found


def test_a_run_is_asked_for_and_shown(served: Served) -> None:
    run = _submit(served, environment="prod", priority="gate")

    assert (run["state"], run["requested_by"], run["priority"]) == ("queued", "ada", "gate")
    assert served.get(f"/v1/runs/{run['id']}").json() == run
    assert served.get("/v1/runs").json()["runs"] == [run]
    assert served.get("/v1/runs", params={"state": "dead"}).json()["runs"] == []


def test_runs_come_in_pages_the_newest_first(served: Served) -> None:
    made = [_submit(served)["id"] for _ in range(5)]
    seen: list[str] = []
    cursor = None
    while cursor or not seen:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = served.get("/v1/runs", params=params).json()
        seen += [run["id"] for run in page["runs"]]
        cursor = page["next_cursor"]

    assert seen == made[::-1]


def test_the_same_key_asks_for_one_run(served: Served) -> None:
    headers = {"Idempotency-Key": "build-17"}
    first = served.post("/v1/runs", {"reference": SHOP}, headers=headers)

    assert served.post("/v1/runs", {"reference": SHOP}, headers=headers).json() == first.json()
    assert len(served.get("/v1/runs").json()["runs"]) == 1


def test_a_run_is_followed_from_any_event_until_it_is_over(served: Served) -> None:
    run = _submit(served)["id"]
    begun = served.get(f"/v1/runs/{run}/events", params={"follow": "false"})
    assert [(number, kind) for number, kind, _ in _events(begun.text)] == [("1", "submitted")]
    _done(served)

    whole = served.get(f"/v1/runs/{run}/events")
    assert whole.headers["content-type"].startswith("text/event-stream")
    kinds = [(number, kind) for number, kind, _ in _events(whole.text)]
    assert kinds == [("1", "submitted"), ("2", "claimed"), ("3", "succeeded")]

    rest = served.get(f"/v1/runs/{run}/events", headers={"Last-Event-ID": "2"})
    assert [number for number, _, _ in _events(rest.text)] == ["3"]
    assert served.get(f"/v1/runs/{run}/events", headers={"Last-Event-ID": "3"}).status_code == 204


def test_a_run_is_cancelled_once_and_then_asked_for_again(served: Served) -> None:
    run = _submit(served)["id"]

    assert served.post(f"/v1/runs/{run}/cancel", {}).json()["state"] == "cancelled"
    problem(served.post(f"/v1/runs/{run}/cancel", {}), 409, "conflict")
    again = served.post(f"/v1/runs/{run}/again", {}).json()
    assert (again["again_of"], again["state"]) == (run, "queued")
    problem(served.post(f"/v1/runs/{again['id']}/again", {}), 409, "conflict")


def test_files_of_the_server_are_for_nobody_to_name(served: Served) -> None:
    for reference in ("oci:/etc", "/etc/passwd", "docker-daemon:shop"):
        answer = served.post("/v1/runs", {"reference": reference})
        problem(answer, 422, "input")
    assert served.get("/v1/runs").json()["runs"] == []


def test_a_run_that_is_not_there_is_not_found(served: Served) -> None:
    missing = "0199f0c2-7b1e-7c3a-9d55-2f6a1b0c4d5e"
    for path in ("", "/events"):
        problem(served.get(f"/v1/runs/{missing}{path}"), 404, "not_found")
    problem(served.post(f"/v1/runs/{missing}/cancel", {}), 404, "not_found")
