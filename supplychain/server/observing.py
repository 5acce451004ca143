"""Every request counted, timed, traced and told of; what it was about stays with it."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from functools import cache

from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from supplychain.bootstrap.logs import REQUESTS, TOLD
from supplychain.model.spans import span, traced
from supplychain.server import metrics

# Of a request that no route fits: its path is the caller's own, and would make a series of its own.
_NO_ROUTE = "(none)"
_BROKEN = 500
# As nginx has it: whoever asked went away before they had said all, and nobody was answered.
_GONE = 499
# Under which name of a request's state stands with what its connection was ended instead.
REFUSED = "refused"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CONTEXT = ("traceparent", "tracestate")


class Observing:
    """Tells of each request when it is over.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), _BROKEN

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            with span("request", _asked(scope), parent=_parent(scope)):
                await self._app(scope, receive, sending)
        except ClientDisconnect:
            status = _GONE
        finally:
            _tell(scope, status, time.perf_counter() - began)


def tell_unreadable(status: int, client: str, request_id: str) -> None:
    """Count what was refused before it became a request, and tell of it.

    Args:
        status: With what it was answered.
        client: From where it came.
        request_id: What its answer is called.
    """
    state = {"request_id": request_id}
    _tell({"method": "", "path": "", "client": (client,), "state": state}, status, None)


def _asked(scope: Scope) -> Mapping[str, str | int]:
    return {"http.request.method": scope["method"]} if traced() else {}


def _parent(scope: Scope) -> Mapping[str, str] | None:
    """What the caller says this is part of; none of it is believed for anything else."""
    if not traced():
        return None
    headers = Headers(scope=scope)
    return {name: headers[name] for name in _CONTEXT if name in headers}


def _tell(scope: Scope, status: int, took: float | None) -> None:
    state = scope.get("state", {})
    status = state.get(REFUSED, status)
    route = getattr(scope.get("route"), "path", _NO_ROUTE)
    method = scope["method"] if scope["method"] in _METHODS else "other"
    requests, durations = _series(method, route, status)
    requests.inc()
    if took is not None:
        durations.observe(took)
    level = logging.WARNING if status >= _BROKEN else logging.INFO
    if not REQUESTS.isEnabledFor(level):
        return
    client = scope.get("client")
    told = {
        "method": method,
        "route": route,
        "path": scope["path"][:300],
        "status": status,
        "milliseconds": round((took or 0) * 1000, 1),
        "principal": state.get("principal", ""),
        "client": client[0] if client else "",
        "request_id": state.get("request_id", ""),
    }
    REQUESTS.log(level, "request", extra={TOLD: told})


@cache
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Where a request is counted; to look it up by its labels takes longer than to count."""
    return (
        metrics.REQUESTS.labels(method, route, str(status)),
        metrics.DURATIONS.labels(method, route),
    )
