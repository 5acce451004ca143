"""`supplychain serve` as a process: who may ask, TLS, and how it ends."""

from __future__ import annotations

import shutil
import signal
import ssl
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from socket import create_connection

import httpx
import pytest

from tests.kit.cli import Desk, until
from tests.kit.tls import Authority

ASKED = {"image": f"registry.test/shop/web@sha256:{'0' * 64}"}
DECIDE = "/v1/gates/prod/decide"


@contextmanager
def serving(
    desk: Desk, *arguments: str | Path
) -> Iterator[tuple[subprocess.Popen[bytes], str, str]]:
    """A server at a desk: the process, where it listens, and the token."""
    with desk.typing("serve", "--embedded", "--port", "0", *arguments) as process:
        assert process.stderr is not None
        url = process.stderr.readline().decode().split()[-1]
        token = process.stderr.readline().decode().split()[-1]
        assert stat.S_IMODE(Path(token).stat().st_mode) == 0o600
        try:
            yield process, url, Path(token).read_text().strip()
        finally:
            process.kill()


def test_whoever_has_the_token_is_answered_and_it_stays_the_same(bare_desk: Desk) -> None:
    tokens = set()
    for _ in range(2):
        with serving(bare_desk) as (process, url, token):
            tokens.add(token)
            with httpx.Client(base_url=url) as client:
                assert client.post(DECIDE, json=ASKED).status_code == 401
                headers = {"Authorization": f"Bearer {token}"}
                answer = client.post(DECIDE, json=ASKED, headers=headers)
                assert answer.json()["decision"] == "deny"
                assert "server" not in answer.headers
            process.send_signal(signal.SIGTERM)
            stdout, stderr = process.communicate(timeout=20)
            assert (process.returncode, stdout, stderr) == (0, b"", b"")
    assert len(tokens) == 1


def test_a_token_that_others_can_read_is_refused(bare_desk: Desk) -> None:
    with serving(bare_desk):
        pass
    (bare_desk.data / "server.token").chmod(0o644)
    refused = bare_desk.type("serve", "--embedded", "--port", "0")
    refused.refused(2, "others can read the token")
    (bare_desk.data / "server.token").chmod(0o600)
    (bare_desk.data / "server.token").write_text("\n")
    bare_desk.type("serve", "--embedded", "--port", "0").refused(2, "holds no token")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_has_come_in_is_answered_before_it_ends(
    bare_desk: Desk, number: signal.Signals
) -> None:
    with serving(bare_desk) as (process, url, token):
        told = False

        def slowly() -> Iterator[bytes]:
            nonlocal told
            body = b'{"image": "%s"}' % ASKED["image"].encode()
            yield body[:9]
            time.sleep(0.3)
            process.send_signal(number)
            told = True
            time.sleep(0.3)
            yield body[9:]

        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        answer = httpx.post(url + DECIDE, content=slowly(), headers=headers, timeout=20)
        assert told
        assert answer.json()["decision"] == "deny"
        process.communicate(timeout=20)
        assert process.returncode == 0


def test_whoever_is_connected_may_send_a_last_request_when_it_ends(bare_desk: Desk) -> None:
    """What a client sends just then is answered over both: a new connection, and one in use."""
    with serving(bare_desk) as (process, url, _), ExitStack() as open_ones:
        where = (str(httpx.URL(url).host), httpx.URL(url).port or 0)
        new, used = (
            open_ones.enter_context(closing(HTTPConnection(*where, timeout=20))) for _ in range(2)
        )
        new.connect()
        used.request("GET", "/livez")
        assert used.getresponse().read()
        process.send_signal(signal.SIGTERM)
        until(lambda: not _is_listening(where), timeout=10)

        for connection in (new, used):
            connection.request("GET", "/livez")
            answer = connection.getresponse()
            assert (answer.status, answer.getheader("connection")) == (200, "close")
        process.communicate(timeout=20)
        assert process.returncode == 0


def _is_listening(where: tuple[str, int]) -> bool:
    try:
        create_connection(where, timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_a_certificate_is_read_again_when_it_is_replaced(bare_desk: Desk, tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    old, new = (Authority.create(tmp_path / name) for name in ("old", "new"))
    chain, key = old.issue(tmp_path / "old", "127.0.0.1")
    with serving(bare_desk, "--tls-cert", chain, "--tls-key", key) as (process, url, _):
        assert url.startswith("https://")
        assert _lives(url, old)
        assert not _lives(url, new)
        for fresh in new.issue(tmp_path / "new", "127.0.0.1"):
            shutil.copyfile(fresh, tmp_path / "old" / fresh.name)
        until(lambda: _lives(url, new), timeout=20)
        assert not _lives(url, old)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        assert process.returncode == 0


def test_over_tls_too_an_answer_is_seen_that_comes_before_all_was_sent(
    bare_desk: Desk, tmp_path: Path
) -> None:
    authority = Authority.create(tmp_path)
    chain, key = authority.issue(tmp_path, "127.0.0.1")
    with serving(bare_desk, "--tls-cert", chain, "--tls-key", key) as (process, url, _):
        context = ssl.create_default_context(cafile=authority.certificate_file)
        connection = HTTPSConnection(httpx.URL(url).netloc.decode(), timeout=20, context=context)
        with closing(connection):
            connection.request("POST", DECIDE, b" " * (16 << 20))
            answer = connection.getresponse()
            assert (answer.status, answer.getheader("connection")) == (413, "close")
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=20) == (b"", b"")


def _lives(url: str, authority: Authority) -> bool:
    context = ssl.create_default_context(cafile=authority.certificate_file)
    try:
        return httpx.get(f"{url}/livez", verify=context).status_code == 200
    except httpx.ConnectError:
        return False


def test_what_cannot_be_listened_to_is_said(bare_desk: Desk, tmp_path: Path) -> None:
    with serving(bare_desk) as (_, url, _):
        port = url.rpartition(":")[2]
        bare_desk.type("serve", "--embedded", "--port", port).refused(1, "nobody can listen on")
    bare_desk.type("serve").refused(2, "--embedded")
    bare_desk.type("serve", "--embedded", "--tls-cert", "x").refused(2, "--tls-key")
    bare_desk.type("serve", "--embedded", "--tls-cert", "x", "--tls-key", "y").refused(
        2, "the certificate x cannot be used"
    )
