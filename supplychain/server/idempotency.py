"""`Idempotency-Key`: a request that is sent again is done once, and answered the same each time.

A key is its caller's in one project, and is remembered for a day; for what is about their whole
organisation, that is its first project. What was refused changed nothing and is not remembered: it
may be tried again under the same key. Of what failed in the middle nobody knows whether it was
done: it is not done again. What is shown once is kept nowhere: a request for it that is sent again
is told what became of it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from datetime import datetime

from fastapi import Request
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from supplychain.errors import ConflictError, InputError, StoreError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.records.record import Record
from supplychain.records.repeats import GivenAnswer, Repeats

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
USABLE = re.compile(r"[!-~]{1,255}")
_BEGUN = "begun"
_ONCE = "shown once"
# A success that is not kept as it was.
_SHOWN = 409
_LOG = logging.getLogger("supplychain.server")


class AnsweredError(Exception):
    """Not a failure: the request was answered before, and that is the answer.

    Attributes:
        answer: The answer.
    """

    def __init__(self, answer: GivenAnswer) -> None:
        super().__init__()
        self.answer = answer


@dataclass(frozen=True, slots=True)
class _Begun:
    """A request that is to be done once."""

    repeats: Repeats
    key: str


def begin(request: Request, record: Record, caller: str, *, at: datetime) -> None:
    """Begin with a request that has a key; one without is done as often as it is sent.

    Args:
        request: The request.
        record: The record that it is about.
        caller: Who sent it.
        at: Now (aware, UTC).

    Raises:
        AnsweredError: It was answered before.
        InputError: The key is none, or was used for another request.
        ConflictError: It is being answered, nobody knows what became of it, or it was answered with
            what is shown once.
    """
    body: bytes | None = request.scope["state"].get("body")
    # What is taken as it comes is not here yet: its route begins once it is.
    if body is not None:
        begin_with(request, record, caller, Digest.of(body), at=at)


def begin_with(
    request: Request, record: Record, caller: str, body: Digest, *, at: datetime
) -> None:
    """The same with a body that is known by its digest; raises as `begin`."""
    key = request.headers.get(HEADER)
    if key is None or request.method != "POST":
        return
    if not USABLE.fullmatch(key):
        raise InputError(f"{HEADER} is no key", because="it has 1 to 255 visible ASCII characters")
    asked = f"{request.url.path}?{request.url.query}\n{body}".encode()
    repeats = record.repeats(caller)
    known = repeats.claim(key, Digest.of(asked), at=at)
    if known is not None and known.status == _SHOWN:
        raise ConflictError(**json.loads(known.body))
    if known is not None:
        raise AnsweredError(known)
    request.scope["state"][_BEGUN] = _Begun(repeats, key)


def shown_once(request: Request, message: str, *, because: str, hint: str) -> None:
    """Keep nothing of the answer to this request, which has a secret in it.

    Args:
        request: The request, which has done what it asked for.
        message: With what it is refused when it is sent again.
        because: What became of it.
        hint: How to go on.
    """
    told = {"message": message, "because": because, "hint": hint}
    request.scope["state"][_ONCE] = json.dumps(told).encode()


def answered_before(_: Request, error: Exception) -> Response:
    """The answer that was given before."""
    assert isinstance(error, AnsweredError)  # noqa: S101  # it is registered for these
    given = error.answer
    headers = {REPLAYED: "true"} | ({"Location": given.location} if given.location else {})
    return Response(given.body, given.status, headers, "application/json")


class Idempotency:
    """Keeps the answer to a request that is to be done once, before anybody gets it.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        held: list[Message] = []

        async def holding(message: Message) -> None:
            held.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                if (begun := scope["state"].get(_BEGUN)) is not None:
                    once = scope["state"].get(_ONCE)
                    await asyncio.to_thread(_settle, begun, held, once)
                for one in held:
                    await send(one)
                held.clear()

        await self._app(scope, receive, holding)


def _settle(begun: _Begun, messages: list[Message], once: bytes | None) -> None:
    """Keep a success, or what to say instead of it; forget a refusal."""
    status: int = messages[0]["status"]
    if status >= 400:
        if status < 500:
            _give_up(begun)
        return
    location = Headers(raw=messages[0]["headers"]).get("location", "")
    body = b"".join(message.get("body", b"") for message in messages[1:])
    given = GivenAnswer(status, location, body) if once is None else GivenAnswer(_SHOWN, "", once)
    try:
        begun.repeats.keep(begun.key, given)
    except StoreError as error:
        # It was done all the same, and says so; sent again, it says that nobody knows.
        _LOG.warning("an answer could not be kept: %s", error)


def _give_up(begun: _Begun) -> None:
    try:
        begun.repeats.give_up(begun.key)
    except StoreError as error:
        _LOG.warning("a request could not be given up: %s", error)
