"""What is looked at before anything is made of a request: size, time, depth, plainness."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from supplychain.errors import InputError, LimitError, SupplyChainError
from supplychain.server import problems
from supplychain.signing.encoding import read_json

WHOLE = 1 << 20
DEEPEST = 32
_SECONDS = 30.0
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
# Evidence is the one thing that may be large; its route takes it as it comes.
_STREAMED = re.compile(r"/v1/images/[^/]+/evidence")


class Limits:
    """Refuses what is too large, too slow, too deep or not plain; reads all else before it counts.

    Args:
        app: What answers.
        streamed: The most bytes of what is taken as it comes.
        seconds: How long a body may take to come.
    """

    def __init__(self, app: ASGIApp, streamed: int, seconds: float = _SECONDS) -> None:
        self._app = app
        self._streamed = streamed
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = scope["state"]["request_id"]
        try:
            _require_plain(scope)
            if scope["method"] in _WITH_BODY:
                receive = await self._limited(scope, receive)
        except SupplyChainError as error:
            await problems.problem_of(error, name)(scope, receive, send)
        except TimeoutError:
            answer = problems.problem(
                HTTPStatus.REQUEST_TIMEOUT,
                name,
                detail=f"the body did not come within {self._seconds:.0f} s",
                code="limit",
                retryable=True,
                because=None,
                hint=None,
            )
            await answer(scope, receive, send)
        except ClientDisconnect:
            return
        else:
            await self._app(scope, receive, send)

    async def _limited(self, scope: Scope, receive: Receive) -> Receive:
        headers = Headers(scope=scope)
        if headers.get("content-encoding", "identity") != "identity":
            raise InputError(
                "the body is compressed", hint="send it as it is, without Content-Encoding"
            )
        streams = _STREAMED.fullmatch(scope["path"]) is not None
        most = self._streamed if streams else WHOLE
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > most:
            raise _too_large(most)
        if streams:
            return _counted(receive, most)
        async with asyncio.timeout(self._seconds):
            body = await _read(receive, most)
        if "json" in headers.get("content-type", ""):
            require_strict(body)
        scope["state"]["body"] = body
        return _again(body, receive)


def _require_plain(scope: Scope) -> None:
    """Refuse what no database takes as a text."""
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        raise InputError("the address holds a NUL character")


async def _read(receive: Receive, most: int) -> bytes:
    found, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece = message.get("body", b"")
        found.append(piece)
        size += len(piece)
        if size > most:
            raise _too_large(most)
        if not message.get("more_body", False):
            return b"".join(found)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read once more, then whatever comes."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _counted(receive: Receive, most: int) -> Receive:
    size = 0

    async def counting() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > most:
            raise _too_large(most)
        return message

    return counting


def _too_large(most: int) -> LimitError:
    return LimitError("the body is too large", because=f"at most {most:,} bytes are read")


def require_strict(body: bytes) -> None:
    """Refuse JSON that two readers could read in two ways, and what no database takes.

    Raises:
        InputError: It names a member twice, holds NUL or half a character, or is no JSON.
        LimitError: It is nested too deeply.
    """
    value = read_json(body, "the body", limit=WHOLE).value
    depth, level = 0, [value]
    while level:
        depth += 1
        if depth > DEEPEST:
            raise LimitError("the body is nested too deeply", because=f"at most {DEEPEST} levels")
        level = [inner for outer in level for inner in _inside(outer)]
    # Only an escape can write either.
    if b"\\u" in body:
        for text in _texts(value):
            if "\0" in text or not _is_whole(text):
                raise InputError("the body holds a character that is none", because="NUL, or half")


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return [inner for inner in value.values() if isinstance(inner, dict | list)]
    if isinstance(value, list):
        return [inner for inner in value if isinstance(inner, dict | list)]
    return []


def _texts(value: object) -> Iterator[str]:
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            left += one


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
