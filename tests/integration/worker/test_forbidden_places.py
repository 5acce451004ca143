"""Workers fetch for whoever submits, and go nowhere that nobody named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.kit.records import row_counts
from tests.kit.typist import Typist


@contextmanager
def _listener() -> Iterator[tuple[str, list[str]]]:
    """Somebody at an address of this machine, and what they are asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("allowed", "why"),
    [
        ("registry.test", "is not among the registries"),
        ("{address}", "it is this machine itself"),
        ("", "is not among the registries"),
    ],
    ids=["another registry", "a private address", "none at all"],
)
def test_a_run_from_a_forbidden_place_fails_at_once_and_records_nothing(
    typist: Typist, allowed: str, why: str
) -> None:
    url = f"sqlite:///{typist.data / 'supplychain.db'}"
    typist.patch.setenv("SUPPLYCHAIN_ALLOW_HTTP_REGISTRY", "true")
    typist.patch.setenv("SUPPLYCHAIN_KEY", "")
    with _listener() as (address, asked):
        typist.patch.setenv("SUPPLYCHAIN_REGISTRY_ALLOWED", allowed.format(address=address))
        asked_for = ("runs", "submit", f"{address}/shop:1", "-e", "prod", "-o", "json")
        run = typist.type(*asked_for).json()
        before = row_counts(url)

        worked = typist.type("worker", "--role", "scan", "--until-idle")

        assert worked.code == 0, worked.stderr
        assert asked == []
    told = typist.type("runs", "show", run["id"], "-o", "json").json()
    assert told["state"] == "failed"
    assert told["error"]["code"] == "destination"
    assert told["error"]["retryable"] is False
    assert why in f"{told['error']['message']} {told['error']['because']}"
    followed = typist.type("runs", "follow", run["id"])
    assert followed.code == 1
    assert "retrying" not in followed.stdout
    after = row_counts(url)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"run_events", "workers"}
