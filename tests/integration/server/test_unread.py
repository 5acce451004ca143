"""What never becomes a whole request is counted, and told of under the name of its answer."""

from __future__ import annotations

import json
import logging
import time

import pytest

from supplychain.bootstrap.logs import TOLD
from supplychain.server import protocol
from supplychain.server.metrics import REQUESTS
from tests.integration.server.test_heads import ASKED, connected, read
from tests.kit.scans import SUBJECT
from tests.kit.serving import DECIDE, Served, listening

EVIDENCE = f"/v1/images/{SUBJECT.digest}/evidence?kind=sbom"


def counted() -> dict[tuple[str, ...], float]:
    """How many requests were answered, by method, route and status."""
    samples = (sample for family in REQUESTS.collect() for sample in family.samples)
    return {
        tuple(sample.labels.values()): sample.value
        for sample in samples
        if sample.name.endswith("_total")
    }


def risen(before: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    """What was counted since, once something was."""
    until = time.monotonic() + 10
    while True:
        now = counted()
        rise = {key: now[key] - before.get(key, 0) for key in now if now[key] != before.get(key, 0)}
        if rise or time.monotonic() > until:
            return rise
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"HELLO\r\n\r\n", "400"),
        (b"GET /livez HTTP/1.1\r\n\r\n", "400"),
        (ASKED + b"A: " + b"x" * (33 << 10), "431"),
        (ASKED, "408"),
    ],
    ids=["no-http", "no-host", "large", "slow"],
)
def test_what_is_refused_at_its_head_is_counted(
    served: Served,
    sent: bytes,
    status: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(protocol, "_HEAD_SECONDS", 0.5)
    caplog.set_level(logging.INFO, "supplychain.requests")
    before = counted()
    with listening(served.app) as url, connected(url) as connection:
        connection.sendall(sent)
        answer = json.loads(read(connection).partition(b"\r\n\r\n")[2])
    assert risen(before) == {("other", "(none)", status): 1}
    [told] = [getattr(one, TOLD) for one in caplog.records if hasattr(one, TOLD)]
    assert (told["request_id"], str(told["status"])) == (answer["request_id"], status)
    assert told["client"] == "127.0.0.1"


def test_what_is_refused_in_its_body_is_counted_once(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "supplychain.requests")
    before = counted()
    with listening(served.app) as url, connected(url) as connection:
        connection.sendall(
            b"POST /v1/projects HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        time.sleep(0.2)
        connection.sendall(b"no chunk\r\n")
        answer = json.loads(read(connection).partition(b"\r\n\r\n")[2])
        assert risen(before) == {("POST", "(none)", "400"): 1}
    assert answer["request_id"] == "mine"
    assert [getattr(one, TOLD)["status"] for one in caplog.records if hasattr(one, TOLD)] == [400]


@pytest.mark.parametrize("path", [DECIDE, EVIDENCE, "/v1/vex"], ids=["whole", "evidence", "vex"])
def test_who_goes_away_is_no_fault_of_the_server(
    served: Served, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    token, before = served.client.headers["authorization"], counted()
    with listening(served.app) as url, connected(url) as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {token}\r\nContent-Length: 99\r\n"
            "Content-Type: application/json\r\n\r\n{".encode()
        )
        time.sleep(0.3)
        connection.close()
        [(labels, number)] = risen(before).items()
    assert (labels[0], labels[2], number) == ("POST", "499", 1)
    assert [one.getMessage() for one in caplog.records if one.levelno > logging.INFO] == []
