"""Errors as problem documents (RFC 9457): the one table that clients rely on."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from supplychain.errors import (
    ConfigurationError,
    MediaTypeError,
    RateError,
    StoreError,
    SupplyChainError,
)

MEDIA_TYPE = "application/problem+json"

# By `SupplyChainError.code`. What the caller can repair is 4xx; what the operator has to is 5xx:
# a policy that cannot be read is the server's fault, whoever asks by it, and so is a document that
# is on record and not there: that is not a thing that there is not.
STATUSES: Mapping[str, HTTPStatus] = {
    "input": HTTPStatus.UNPROCESSABLE_ENTITY,
    "limit": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "media_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "slow": HTTPStatus.REQUEST_TIMEOUT,
    "rate": HTTPStatus.TOO_MANY_REQUESTS,
    "unauthenticated": HTTPStatus.UNAUTHORIZED,
    "forbidden": HTTPStatus.FORBIDDEN,
    "not_found": HTTPStatus.NOT_FOUND,
    "conflict": HTTPStatus.CONFLICT,
    "precondition": HTTPStatus.PRECONDITION_FAILED,
    "superseded": HTTPStatus.CONFLICT,
    "cancelled": HTTPStatus.CONFLICT,
    "verification": HTTPStatus.UNPROCESSABLE_ENTITY,
    "policy": HTTPStatus.SERVICE_UNAVAILABLE,
    "configuration": HTTPStatus.SERVICE_UNAVAILABLE,
    "digest_mismatch": HTTPStatus.SERVICE_UNAVAILABLE,
    "store": HTTPStatus.SERVICE_UNAVAILABLE,
    "content_missing": HTTPStatus.SERVICE_UNAVAILABLE,
    "worker_lost": HTTPStatus.SERVICE_UNAVAILABLE,
    "schema_version": HTTPStatus.SERVICE_UNAVAILABLE,
    "vulnerability_database": HTTPStatus.SERVICE_UNAVAILABLE,
    "tool_failed": HTTPStatus.BAD_GATEWAY,
    "tool_missing": HTTPStatus.BAD_GATEWAY,
    "tool_output": HTTPStatus.BAD_GATEWAY,
    "tool_timeout": HTTPStatus.GATEWAY_TIMEOUT,
    "registry": HTTPStatus.BAD_GATEWAY,
    "authentication": HTTPStatus.BAD_GATEWAY,
    "destination": HTTPStatus.UNPROCESSABLE_ENTITY,
    "identity_provider": HTTPStatus.SERVICE_UNAVAILABLE,
    "key_service": HTTPStatus.BAD_GATEWAY,
    "sigstore": HTTPStatus.BAD_GATEWAY,
    "server": HTTPStatus.BAD_GATEWAY,
    "internal": HTTPStatus.INTERNAL_SERVER_ERROR,
}
# What any route may answer, for the description of the interface.
EXPECTED: Mapping[int, str] = {
    400: "the body cannot be read",
    401: "nobody can tell who is asking",
    403: "who is asking may not do that",
    404: "there is no such thing",
    408: "the body did not come in time",
    409: "it was changed meanwhile, or is there already",
    412: "it is not what `If-Match` says",
    413: "the request is too large",
    415: "the body is compressed, or is no JSON",
    422: "the request does not fit",
    429: "asked too often: `Retry-After` says when to come back",
    502: "what the server has to ask for this does not answer",
    503: "the server cannot answer now",
}
# What is not ours to raise: no such path, no such method, a body that is no JSON.
FOREIGN = {404: "not_found", 405: "method"}
# What never becomes a request.
_UNREADABLE: Mapping[HTTPStatus, tuple[str, str]] = {
    HTTPStatus.BAD_REQUEST: ("input", "this is no HTTP request"),
    HTTPStatus.REQUEST_TIMEOUT: ("slow", "the request did not come in time"),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: ("limit", "the head of the request is too large"),
}
_SHOWN = 20
_LOG = logging.getLogger("supplychain.server")
# What goes with a status. Nobody waits on for what did not come in time.
_HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
    HTTPStatus.REQUEST_TIMEOUT: {"Connection": "close"},
}


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    pointer: str = Field(description="where: a JSON pointer, or the name of a parameter")
    message: str


class Problem(BaseModel):
    """What went wrong (RFC 9457), with what we know about it."""

    type: str = Field(description="always `about:blank`: `code` tells them apart")
    title: str = Field(description="what the status means")
    status: int
    detail: str = Field(description="what happened, for people")
    code: str = Field(description="what happened, for programs; stable")
    retryable: bool = Field(description="whether the same request may succeed later")
    because: str | None = Field(default=None, description="why")
    hint: str | None = Field(default=None, description="what to do about it")
    request_id: str = Field(description="the `X-Request-Id` of this answer")
    errors: list[Fault] | None = Field(default=None, description="what is wrong where")


def status_of(error: SupplyChainError) -> HTTPStatus:
    """The status of an error."""
    return STATUSES[error.code]


def problem_of(error: SupplyChainError, request_id: str, *, is_stranger: bool = False) -> Response:
    """An error as an answer.

    Args:
        error: What went wrong.
        request_id: Of the request.
        is_stranger: Whether nobody knows who is asking.
    """
    status = status_of(error)
    headers = dict(_HEADERS.get(status, {}))
    if error.retryable:
        wait = error.retry_after if isinstance(error, RateError) else 1
        headers["Retry-After"] = str(math.ceil(wait))
    told = error.diagnostics()
    detail = told.pop("message")
    if isinstance(error, StoreError) and error.is_placed:
        _LOG.warning("request %s: %s: %s", request_id, error, error.because)
        detail = error.bare
        if is_stranger:  # drivers name hosts and ports
            told["because"] = f"the server's log says it, under {request_id}"
    if isinstance(error, ConfigurationError) and is_stranger:  # which names files
        _LOG.warning("request %s: %s: %s", request_id, error, error.because)
        detail = "a setting of this server does not hold"
        told |= {"because": f"the server's log says it, under {request_id}", "hint": None}
    return problem(status, request_id, detail=detail, headers=headers, **told)


def problem(
    status: HTTPStatus, request_id: str, *, headers: Mapping[str, str] | None = None, **rest: Any
) -> Response:
    """A problem document.

    Args:
        status: The status.
        request_id: Of the request.
        headers: Further headers.
        rest: What else it holds.
    """
    document = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        **rest,
        "request_id": request_id,
    }
    return Response(orjson.dumps(document), int(status), headers, MEDIA_TYPE)


def internal(request_id: str) -> Response:
    """What nobody foresaw: all that it tells is where to look."""
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        request_id,
        detail="the server has a bug",
        code="internal",
        retryable=False,
        because=None,
        hint=f"the server's log has the cause, under the request {request_id}",
    )


def unreadable(status: HTTPStatus, request_id: str, *, because: str | None) -> Response:
    """What never becomes a request: no HTTP, or too much or too slow before the body."""
    code, detail = _UNREADABLE[status]
    return problem(
        status,
        request_id,
        detail=detail,
        code=code,
        retryable=code == "slow",
        because=because,
        hint=None,
    )


def install(app: FastAPI) -> None:
    """Let an application answer every error so."""
    app.add_exception_handler(SupplyChainError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _foreign)


def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, SupplyChainError)  # noqa: S101  # it is registered for these
    is_stranger = not hasattr(request.state, "principal")
    return problem_of(error, request.state.request_id, is_stranger=is_stranger)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # as above
    # Strangers learn nothing, not even what is wrong with what they ask.
    door = getattr(request.state, "door", None)
    try:
        if door is not None:
            door.let_in()
    except SupplyChainError as refused:
        return _ours(request, refused)
    if _is_unread(request, error):
        told = MediaTypeError("the body is no JSON", hint="Content-Type: application/json")
        return problem_of(told, request.state.request_id)
    found = [_fault(one) for one in error.errors()[:_SHOWN]]
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        request.state.request_id,
        detail="the request does not fit",
        code="input",
        retryable=False,
        because="; ".join(f"{fault['pointer']}: {fault['message']}" for fault in found[:3]),
        hint="/v1/openapi.json says what each request takes",
        errors=found,
    )


def _is_unread(request: Request, error: RequestValidationError) -> bool:
    """Whether a body was not looked at, for it does not say that it is JSON."""
    if "json" in request.headers.get("content-type", "").lower():
        return False
    return any(one["loc"] == ("body",) and one["type"] != "missing" for one in error.errors())


def _fault(error: Mapping[str, Any]) -> dict[str, str]:
    place: Sequence[object] = error["loc"]
    where, inner = str(place[0]), [str(part) for part in place[1:]]
    pointer = "/" + "/".join(inner) if where == "body" else "/".join(inner)
    return {"pointer": pointer, "message": str(error["msg"])}


def _foreign(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # as above
    status = HTTPStatus(error.status_code)
    is_other_method = status is HTTPStatus.METHOD_NOT_ALLOWED
    return problem(
        status,
        request.state.request_id,
        headers={"Allow": _allowed(request)} if is_other_method else error.headers,
        detail=str(error.detail),
        code=FOREIGN.get(error.status_code, "input"),
        retryable=False,
        because=None,
        hint=None,
    )


def _allowed(request: Request) -> str:
    """The methods of a path, whichever routes have them; Starlette names those of the first."""
    methods: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))
