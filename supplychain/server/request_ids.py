"""A name for every request, and an answer for what nobody foresaw."""

from __future__ import annotations

import logging
import random
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from supplychain.bootstrap.logs import request_id
from supplychain.server import problems
from supplychain.server.headers import header

HEADER = "X-Request-Id"
_HEADER = HEADER.lower().encode()
_USABLE = re.compile(r"[A-Za-z0-9._-]{1,128}")
_LOG = logging.getLogger("supplychain.server")


def new() -> str:
    """A name that no other request has."""
    return f"{random.getrandbits(128):032x}"


class RequestIds:
    """Gives each request a name: the caller's own where it is usable, or a new one.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = header(scope, _HEADER) or ""
        name = given if _USABLE.fullmatch(given) else new()
        scope.setdefault("state", {})["request_id"] = name
        request_id.set(name)
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), (_HEADER, name.encode())]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            _LOG.exception("request %s: nobody foresaw this", name)
            if started:
                raise  # the connection breaks, so that half an answer is not taken for one
            await problems.internal(name)(scope, receive, sending)
