"""What may be asked of a path: `HEAD` wherever `GET` may be, and `Allow` with all else."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from supplychain.server import heads, routing
from tests.kit.failings import in_order
from tests.kit.scans import SUBJECT
from tests.kit.serving import Served, problem

IMAGE = f"/v1/images/{SUBJECT.digest}"


@pytest.mark.parametrize(
    "path",
    ["/livez", "/v1/openapi.json", IMAGE, f"{IMAGE}/exports/sbom", "/v1/runs", "/v1/runs/no"],
)
def test_a_head_is_that_of_the_answer(served: Served, path: str) -> None:
    in_order(served.typist)
    whole, head = served.get(path), served.client.head(path)
    assert (head.status_code, head.content) == (whole.status_code, b"")
    own = {"x-request-id"}
    assert {n: v for n, v in head.headers.items() if n not in own} == {
        n: v for n, v in whole.headers.items() if n not in own
    }
    assert int(head.headers["content-length"]) == len(whole.content) > 0


def test_a_head_of_what_is_known_is_not_modified(served: Served) -> None:
    in_order(served.typist)
    tag = served.client.head(IMAGE).headers["etag"]
    assert served.client.head(IMAGE, headers={"If-None-Match": tag}).status_code == 304


def test_a_head_says_nothing_to_strangers(served: Served) -> None:
    answer = served.client.head(IMAGE, headers={"Authorization": "Bearer sct_no"})
    assert (answer.status_code, answer.content) == (401, b"")


def test_a_head_keeps_no_stream_running() -> None:
    told: list[Any] = []

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        assert (await receive())["type"] == "http.disconnect"
        await send({"type": "http.response.body", "body": b"late"})

    async def once() -> None:
        over = asyncio.Event()

        async def send(message: Any) -> None:
            told.append(message)
            if message["type"] == "http.response.body":
                over.set()

        async def receive() -> Any:
            await over.wait()
            return {"type": "http.disconnect"}

        scope = {"type": "http", "method": "HEAD"}
        await asyncio.wait_for(heads.Heads(app)(scope, receive, send), 5)

    asyncio.run(once())
    assert [one.get("body") for one in told] == [None, None]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/runs", "GET, HEAD, POST"),
        ("PATCH", "/v1/tokens", "GET, HEAD, POST"),
        ("HEAD", "/v1/gates/prod/decide", "POST"),
        ("GET", "/v1/tokens/exchange", "DELETE, POST"),
        ("DELETE", "/livez", "GET, HEAD"),
    ],
)
def test_what_is_not_allowed_names_all_that_is(
    served: Served, method: str, path: str, allowed: str
) -> None:
    answer = served.client.request(method, path)
    assert answer.headers["allow"] == allowed
    if method == "HEAD":
        assert answer.status_code == 405
    else:
        problem(answer, 405, "method")


def test_heads_are_no_operations_of_their_own(served: Served) -> None:
    paths = served.get("/v1/openapi.json").json()["paths"]
    assert not [path for path, operations in paths.items() if "head" in operations]


def test_without_a_caller_the_loop_is_not_left() -> None:
    async def handler(**given: str) -> tuple[str, int]:
        return given["one"], threading.get_ident()

    async def asked() -> tuple[Any, list[Any]]:
        entered = routing._entered(handler)
        before = set(threading.enumerate())
        found = await entered(one="a")
        return found, list(set(threading.enumerate()) - before)

    assert asyncio.run(asked()) == (("a", threading.get_ident()), [])


def test_nobody_is_sent_where_their_own_request_says(served: Served) -> None:
    answer = served.client.get("/v1/runs/", headers={"Host": "evil.test"}, follow_redirects=False)
    problem(answer, 404, "not_found")
