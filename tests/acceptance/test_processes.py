"""`supplychain serve --processes`: several answer on one port, and all of them end together."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil  # type: ignore[import-untyped]
import pytest

from tests.kit.cli import Desk, until

DECIDE = "/v1/gates/prod/decide"
ASKED = {"image": f"registry.test/shop/web@sha256:{'0' * 64}"}
MONITOR = "of-monitors"


@contextmanager
def serving(desk: Desk, processes: int = 2) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server of several processes; the one that begins them, and where they listen."""
    desk.environ["SUPPLYCHAIN_METRICS_TOKEN"] = MONITOR
    with desk.typing("serve", "--port", "0", "--processes", str(processes)) as process:
        assert process.stderr is not None
        url = process.stderr.readline().decode().split()[-1]
        assert len(those_of(process)) == processes
        try:
            yield process, url
        finally:
            process.kill()


@pytest.fixture
def desk(bare_desk: Desk, postgresql_database: str) -> Desk:
    """A desk whose record is on PostgreSQL."""
    bare_desk.environ["SUPPLYCHAIN_DATABASE"] = postgresql_database
    return bare_desk


def those_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    found: list[psutil.Process] = psutil.Process(process.pid).children()
    return found


def test_all_of_them_answer_and_whichever_is_asked_counts_for_all(desk: Desk) -> None:
    made = desk.type("tokens", "create", "argo", "--role", "viewer", "--as", "root", "-o", "json")
    headers = {"Authorization": f"Bearer {made.ended(0).json()['token']}"}
    with serving(desk) as (process, url):
        busy = {child.pid: child.cpu_times().user for child in those_of(process)}
        for _ in range(60):  # each over a connection of its own, so that both get some
            assert (
                httpx.post(url + DECIDE, json=ASKED, headers=headers).json()["decision"] == "deny"
            )
        assert all(child.cpu_times().user > busy[child.pid] for child in those_of(process))
        for _ in range(4):
            told = httpx.get(f"{url}/metrics", headers={"Authorization": f"Bearer {MONITOR}"}).text
            [count] = re.findall(r'supplychain_decisions_total{verdict="deny"} (\S+)', told)
            assert float(count) == 60
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=20)
        assert (process.returncode, stdout, stderr) == (0, b"", b"")


def test_a_token_that_is_revoked_opens_none_of_them(desk: Desk) -> None:
    """Each of them has let it in before, and has an answer that holds."""
    made = desk.type("tokens", "create", "argo", "--role", "viewer", "--as", "root", "-o", "json")
    token = made.ended(0).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}

    def asked(url: str) -> set[int]:
        answers = (httpx.post(url + DECIDE, json=ASKED, headers=headers) for _ in range(30))
        return {answer.status_code for answer in answers}

    with serving(desk) as (_, url):
        assert asked(url) == {200}
        desk.type("tokens", "revoke", token.split("_")[1], "--as", "root").ended(0)
        assert asked(url) == {401}


def test_another_begins_where_one_is_lost(desk: Desk) -> None:
    with serving(desk) as (process, url):
        lost, other = those_of(process)
        lost.kill()
        until(lambda: {one.pid for one in those_of(process)} - {lost.pid, other.pid}, timeout=20)
        until(lambda: all(_lives(url) for _ in range(20)), timeout=20)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
        assert process.returncode == 0
        assert b"is lost (signal 9): another begins" in stderr


@pytest.mark.parametrize("at_once", [False, True])
def test_what_has_come_in_is_answered_whoever_tells_them_to_end(
    desk: Desk, *, at_once: bool
) -> None:
    """As systemd does, which signals each of them itself; and where the first one is killed."""
    with serving(desk) as (process, url):
        children = those_of(process)
        with httpx.Client(base_url=url) as client:
            assert client.get("/livez").status_code == 200
            if at_once:
                for one in (process, *children):
                    one.send_signal(signal.SIGTERM)
            else:
                process.kill()
            assert client.get("/livez").status_code == 200
        _, alive = psutil.wait_procs(children, timeout=20)
        assert alive == []
        assert process.wait(20) == (0 if at_once else -signal.SIGKILL)


def test_what_one_cannot_do_all_leave(desk: Desk) -> None:
    desk.environ["SUPPLYCHAIN_OIDC_PRIVATE"] = "no host/"
    done = desk.type("serve", "--port", "0", "--processes", "2")
    assert done.ended(2).stdout == ""
    assert "error:" in done.stderr
    assert "serve  " not in done.stderr


def test_a_record_in_a_file_has_one_process(bare_desk: Desk) -> None:
    many = ("--processes", "2")
    bare_desk.type("serve", "--embedded", *many).refused(2, "PostgreSQL", "without --embedded")
    bare_desk.environ["SUPPLYCHAIN_DATABASE"] = f"sqlite:///{bare_desk.data}/other.db"
    bare_desk.type("serve", *many).refused(2, "PostgreSQL")


def _lives(url: str) -> bool:
    try:
        return httpx.get(f"{url}/livez").status_code == 200
    except httpx.TransportError:
        return False
