import asyncio
import json
from collections.abc import Iterator, MutableMapping
from dataclasses import replace
from typing import Any

import httpx
import pytest

from supplychain.errors import RateError
from supplychain.model.access import Role
from supplychain.server.limits import Limits
from supplychain.server.rates import Rates
from supplychain.server.routes.gates import MOST
from supplychain.server.strict_json import WHOLE
from tests.kit.scans import SUBJECT
from tests.kit.serving import DECIDE, Served, problem
from tests.kit.visitors import visitor

JSON = {"Content-Type": "application/json"}


def send(served: Served, body: bytes, **headers: str) -> httpx.Response:
    answer: httpx.Response = served.client.post(DECIDE, content=body, headers=JSON | headers)
    return answer


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"image": "x", "image": "%s"}' % str(SUBJECT).encode(), 422, "input"),
        (b'{"image": "a\\u0000b"}', 422, "input"),
        (b'{"image": "\\ud800"}', 422, "input"),
        (b'{"image": NaN}', 422, "input"),
        (b'{"image": "\xff"}', 422, "input"),
        (b'{"image": "x"} {}', 422, "input"),
        (b"\xff\xfe{\x00}\x00", 422, "input"),
        (b"[" * 33 + b"]" * 33, 413, "limit"),
        (b"[" * 100_000, 422, "input"),
        (b'{"image": ' + b"9" * 5000 + b"}", 422, "input"),
        (b'{"image": "' + b"x" * WHOLE + b'"}', 413, "limit"),
    ],
    ids=[
        "twice",
        "nul",
        "half",
        "nan",
        "latin-1",
        "more",
        "utf-16",
        "deep",
        "endlessly-deep",
        "long-number",
        "large",
    ],
)
def test_a_body_that_is_not_plain_is_refused(
    served: Served, body: bytes, status: int, code: str
) -> None:
    problem(send(served, body), status, code)


@pytest.mark.parametrize("media_type", ["APPLICATION/JSON", "application/problem+Json"])
def test_json_is_read_as_strictly_however_its_media_type_is_written(
    served: Served, media_type: str
) -> None:
    twice = b'{"image": "x", "image": "%s"}' % str(SUBJECT).encode()
    refused = problem(send(served, twice, **{"Content-Type": media_type}), 422, "input")
    assert refused["because"] == "an object names the same member twice"


def test_a_body_without_an_end_is_read_no_further_than_it_may_be(served: Served) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 100 * WHOLE:
            sent += 65536
            yield b" " * 65536

    answer = served.client.post(DECIDE, content=endless(), headers=JSON)
    problem(answer, 413, "limit")


def test_a_body_that_says_that_it_is_large_is_not_read_at_all(served: Served) -> None:
    problem(send(served, b"{}", **{"Content-Length": str(100 << 20)}), 413, "limit")


@pytest.mark.parametrize("codings", [["gzip"], ["identity", "br"], ["identity, gzip"], ["no-such"]])
@pytest.mark.parametrize("path", [DECIDE, f"/v1/images/{SUBJECT.digest}/evidence?kind=sbom"])
def test_a_compressed_body_is_refused(served: Served, codings: list[str], path: str) -> None:
    headers = [("Content-Type", "application/json")] + [("Content-Encoding", o) for o in codings]
    answer = served.client.post(path, content=b"{}", headers=headers)
    problem(answer, 415, "media_type")
    assert answer.headers["accept-encoding"] == "identity"


def test_a_body_that_says_that_it_is_not_compressed_is_read(served: Served) -> None:
    body = json.dumps({"image": str(SUBJECT)}).encode()
    assert send(served, body, **{"Content-Encoding": "Identity"}).status_code == 200


@pytest.mark.parametrize("kind", [None, "application/x-www-form-urlencoded", "text/plain"])
@pytest.mark.parametrize("path", [DECIDE, "/v1/projects", "/v1/vex", "/v1/images"])
def test_a_body_that_does_not_say_that_it_is_json_is_refused(
    served: Served, kind: str | None, path: str
) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = served.client.post(path, content=b'{"name": "shop"}', headers=headers)
    told = problem(answer, 415, "media_type")
    assert told["hint"] == "Content-Type: application/json"
    assert "accept-encoding" not in answer.headers
    stranger = {"Authorization": "", **headers}
    answer = served.client.post(path, content=b"{}", headers=stranger)
    problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize("path", ["/v1/decisions?image=%00", "/v1/environments/a%00b/policy"])
def test_an_address_with_nul_is_refused(served: Served, path: str) -> None:
    problem(served.get(path), 422, "input")


def test_a_body_that_does_not_come_is_waited_for_no_longer_than_it_may_take() -> None:
    async def slow() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    told: list[dict[str, Any]] = []

    async def telling(message: MutableMapping[str, Any]) -> None:
        told.append(dict(message))

    async def never(*_: object) -> None:
        raise AssertionError("it was let through")

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [],
        "state": {"request_id": "1"},
    }
    asyncio.run(Limits(never, 1, seconds=0.05)(scope, slow, telling))
    assert told[0]["status"] == 408
    assert json.loads(told[1]["body"])["retryable"]


def test_who_asks_too_often_is_told_when_to_come_back() -> None:
    now = 0.0
    rates = Rates(60, lambda: now)
    for _ in range(15):
        rates.take("ada")
    with pytest.raises(RateError) as refused:
        rates.take("ada")
    assert refused.value.retry_after == 1.0
    rates.take("grace")
    now = 1.0
    rates.take("ada")
    with pytest.raises(RateError):
        rates.take("ada")
    now = 1000.0
    for _ in range(15):
        rates.take("ada")
    with pytest.raises(RateError):
        rates.take("ada")


@pytest.mark.parametrize("served", [{"rate_limit": "20"}], indirect=True)
def test_a_caller_over_their_rate_is_answered_429(served: Served) -> None:
    answers = [served.decide() for _ in range(6)]
    assert [one.status_code for one in answers] == [200] * 5 + [429]
    problem(answers[-1], 429, "rate")
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 3


def test_what_nobody_asked_before_is_counted_image_by_image(served: Served) -> None:
    """Each is a decision on record, for good; what was asked before leaves none."""
    served.typist.policy("vulnerabilities: {severity: critical}")
    now = 0.0
    few = Rates(60, lambda: now, what="images that were never asked about", at_once=3)
    served.app.state.service = replace(served.service, firsts=few)
    path = f"{DECIDE}-batch"

    def batch(*numbers: int, where: str = path) -> httpx.Response:
        return served.post(where, {"images": [f"sha256:{one:064x}" for one in numbers]})

    def recorded() -> int:
        return len(served.get("/v1/decisions").json()["decisions"])

    # Of a minute's quarter there are 15 at once here.
    assert batch(*range(15)).status_code == 200
    assert (batch(*range(15)).status_code, recorded()) == (200, 15)
    refused = problem(batch(*range(20)), 429, "rate")
    assert refused["detail"] == "too many images that were never asked about"
    assert recorded() == 15
    problem(batch(99, where="/v1/gates/elsewhere/decide-batch"), 429, "rate")
    problem(served.decide(f"made.up/name@sha256:{1:064x}"), 429, "rate")
    # A second later there is one more, that stays, and the same batch goes on from there.
    for minute in range(1, 6):
        now = minute
        assert batch(*range(20)).status_code == (200 if minute == 5 else 429)
        assert recorded() == 15 + minute
    grace = visitor(served, Role.VIEWER, owner="grace")
    assert grace.post(DECIDE, {"image": f"sha256:{77:064x}"}).status_code == 200


def test_a_whole_batch_is_answered_however_low_the_rate_is(served: Served) -> None:
    rates = Rates(60, lambda: 0.0, at_once=MOST)
    for _ in range(MOST):
        rates.take("ada")
    with pytest.raises(RateError, match="too many requests"):
        rates.take("ada")


def test_who_guesses_at_tokens_is_slowed_down_and_nobody_else(served: Served) -> None:
    wrong = {"Authorization": "Bearer sct_wrong"}
    codes = {
        served.post(DECIDE, {"image": str(SUBJECT)}, headers=wrong).status_code for _ in range(40)
    }
    assert codes == {401, 429}
    assert served.decide().status_code == 200
