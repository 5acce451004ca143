"""The service ends and begins again, and nobody loses anything."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import httpx

from tests.acceptance.service.conftest import Examined, Team
from tests.acceptance.service.deployment import document
from tests.kit.cli import until


def test_what_has_come_in_is_answered_before_it_ends(
    team: Team, vulnerable_image: Examined
) -> None:
    """With requests from all sides, one that comes slowly, and somebody who follows a run."""
    run = team.submit(f"{team.silent}/shop:1")["id"]
    until(lambda: team.get("ci", f"/runs/{run}")["state"] == "running")
    place, decide = team.service, "/v1/gates/prod/decide"
    body = b'{"image": "%s"}' % vulnerable_image.reference.encode()
    failed: list[str] = []
    told = threading.Event()
    threads = [
        threading.Thread(target=_asking, args=(team, decide, body, told, failed)) for _ in range(4)
    ]
    following = threading.Thread(target=_following, args=(team, run, failed))
    for thread in (*threads, following):
        thread.start()
    time.sleep(0.3)

    def slowly() -> Iterator[bytes]:
        yield body[:9]
        time.sleep(0.3)
        told.set()
        place.processes["server"].send_signal(signal.SIGTERM)
        time.sleep(0.5)
        yield body[9:]

    try:
        with place.caller(team.tokens["argo"]) as client:
            headers = {"Content-Type": "application/json"}
            answer = document(client.post(decide, content=slowly(), headers=headers))
        assert told.is_set()
        assert answer["decision"] == "deny"
        for thread in (*threads, following):
            thread.join(30)
        assert place.processes["server"].wait(30) == 0, place.told()
        # Who follows is sent away in good order too: they come back with what they saw last.
        assert failed == []
    finally:
        place.end("server", signal.SIGCONT)
        place.start()
    cancelled = team.ask("ci", "POST", f"/runs/{run}/cancel")
    assert document(cancelled, 202)["id"] == run
    assert team.follow(run)[-1]["kind"] == "cancelled"


def test_a_restart_of_everything_loses_nothing(team: Team, vulnerable_image: Examined) -> None:
    before = _everything(team, vulnerable_image)
    place = team.service
    # Whoever works is killed, as a machine that loses its power; the server goes in good order.
    for name in sorted(place.processes, reverse=True):
        number = signal.SIGTERM if name == "server" else signal.SIGKILL
        assert place.end(name, number) in {0, -signal.SIGKILL}, place.told()

    place.start()

    assert _everything(team, vulnerable_image) == before
    assert team.follow(vulnerable_image.run["id"]) == vulnerable_image.events
    assert team.get("ada", "/audit/verify")["breaks"] == []
    assert team.get("ada", "/decisions/verification")["breaks"] == []
    again = document(team.ask("ci", "POST", f"/runs/{vulnerable_image.run['id']}/again"), 202)
    assert team.follow(again["id"])[-1]["kind"] == "succeeded"
    place.desk.type("verify-store").ended(0)


def _everything(team: Team, image: Examined) -> dict[str, object]:
    """What is on record, as it is told."""
    paths = (
        *("/images", "/runs", "/waivers", "/vex", "/decisions", "/deployments?ended=true"),
        *("/projects", f"/images/{image.digest}/components", f"/images/{image.digest}/findings"),
    )
    found: dict[str, object] = {path: team.get("ada", path) for path in paths}
    found["audit"] = [
        event["link"] if "link" in event else event["digest"]
        for event in team.get("ada", "/audit", limit=100)["events"]
    ]
    return found


def _asking(team: Team, path: str, body: bytes, told: threading.Event, failed: list[str]) -> None:
    """Ask again and again, the last time just before it is told to end."""
    headers = {"Content-Type": "application/json"}
    while not told.is_set():
        try:
            with team.service.caller(team.tokens["argo"]) as client:
                answer = client.post(path, content=body, headers=headers)
        except httpx.ConnectError:
            return  # nobody listens any more: nothing of this request has come in
        except httpx.TransportError as error:
            # Nor of one that the kernel took in while the server stopped listening: it is reset,
            # where a request that the server has would see its connection end.
            if not (told.is_set() and "Errno 104" in str(error)):
                failed.append(repr(error))
        else:
            if answer.status_code != 200:
                failed.append(answer.text)


def _following(team: Team, run: str, failed: list[str]) -> None:
    try:
        team.follow(run)
    except httpx.TransportError as error:
        failed.append(f"who followed: {error!r}")
