"""What is looked at before anything is made of a request: size, time, depth, plainness."""

from __future__ import annotations

import asyncio
import re

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from supplychain.errors import InputError, LimitError, MediaTypeError, SlowError, SupplyChainError
from supplychain.server import problems
from supplychain.server.headers import header
from supplychain.server.strict_json import WHOLE, read_strict

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
# Evidence, VEX documents and images may be large; their routes take them as they come, from
# whom they know.
_STREAMED = re.compile(r"/v1/images(/[^/]+/evidence)?|/v1/vex")
# For what is large there is more time: as much as the slowest line takes that is waited for.
_SLOWEST = 1 << 16


class Limits:
    """Refuses what is too large, too slow, too deep or not plain; reads all else before it counts.

    Args:
        app: What answers.
        streamed: The most bytes of what is taken as it comes.
        seconds: How long a body may be waited for; what is taken as it comes a second longer for
            each 64 KiB that came.
    """

    def __init__(self, app: ASGIApp, streamed: int, seconds: float) -> None:
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
            refused = problems.problem_of(error, name)
            if isinstance(error, MediaTypeError):  # RFC 9110, section 15.5.16
                refused.headers["Accept-Encoding"] = "identity"
            await refused(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _limited(self, scope: Scope, receive: Receive) -> Receive:
        codings = [value for name, value in scope["headers"] if name == b"content-encoding"]
        if any(one.lower() != b"identity" for one in codings):
            raise MediaTypeError(
                "the body is compressed", hint="send it as it is, without Content-Encoding"
            )
        streams = _STREAMED.fullmatch(scope["path"]) is not None
        most = self._streamed if streams else WHOLE
        length = header(scope, b"content-length")
        if length is not None and (not length.isdecimal() or int(length[:20]) > most):
            raise _too_large(most)
        if streams:
            return _counted(receive, most, self._seconds)
        try:
            async with asyncio.timeout(self._seconds):
                body = await _read(receive, most)
        except TimeoutError:
            raise _too_slow() from None
        # The names of media types have no case: whoever reads the body sees JSON in all of them.
        if "json" in (header(scope, b"content-type") or "").lower():
            scope["state"]["said"] = read_strict(body)
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


def _counted(receive: Receive, most: int, seconds: float) -> Receive:
    size, waited, is_over = 0, 0.0, False

    async def counting() -> Message:
        nonlocal size, waited, is_over
        if is_over:
            return await receive()
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            # Only for what waiting takes: what is done with the pieces is not the caller's time.
            async with asyncio.timeout(seconds + size / _SLOWEST - waited):
                message = await receive()
        except TimeoutError:
            raise _too_slow() from None
        waited += clock() - began
        size += len(message.get("body", b""))
        is_over = not message.get("more_body", False)
        if size > most:
            raise _too_large(most)
        return message

    return counting


def _too_slow() -> SlowError:
    return SlowError("the body did not come in time", hint="send it faster, or as several")


def _too_large(most: int) -> LimitError:
    return LimitError("the body is too large", because=f"at most {most:,} bytes are read")
