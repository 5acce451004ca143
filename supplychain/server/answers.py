"""Answers that a reader can keep: as JSON or verbatim, each with a tag of what it holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Request
from starlette.responses import Response

from supplychain.errors import PreconditionError

_READING = frozenset({"GET", "HEAD"})


def answer(
    request: Request,
    document: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Data as an answer.

    Args:
        request: What is answered.
        document: The data.
        status: The status.
        headers: Further headers.
    """
    return verbatim(request, _written(document), "application/json", status=status, headers=headers)


def verbatim(
    request: Request,
    body: bytes,
    media_type: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    name: str = "",
) -> Response:
    """Some bytes as an answer; nothing but their tag for who has them already.

    Args:
        request: What is answered.
        body: The bytes.
        media_type: What they are.
        status: The status.
        headers: Further headers.
        name: What they are called, which is their tag; else that is made of them.
    """
    if request.method not in _READING:
        return Response(body, status, headers, media_type)
    tag = f'"{name}"' if name else _tag(body)
    told = {"ETag": tag, "Cache-Control": "private, no-cache", **(headers or {})}
    if _is_named(tag, request, "if-none-match"):
        return Response(status_code=304, headers=told)
    return Response(body, status, told, media_type)


def require_as_seen(request: Request, document: Mapping[str, Any]) -> None:
    """Refuse to change what is not as the caller saw it (RFC 9110, section 13.1.1).

    Args:
        request: What asks for the change; without `If-Match` for whatever there is.
        document: What would be shown now, as data.

    Raises:
        PreconditionError: It names another state.
    """
    if "if-match" in request.headers and not _is_named(
        _tag(_written(document)), request, "if-match"
    ):
        raise PreconditionError(
            "it is not as you saw it",
            because="something was said or decided since",
            hint="look at it again, and send the ETag of that answer in If-Match",
        )


def require_unseen(request: Request) -> None:
    """Refuse to change what has no tag, where the caller names one (RFC 9110, section 13.1.1).

    Args:
        request: What asks for the change.

    Raises:
        PreconditionError: It names a tag, which can be none of this.
    """
    if request.headers.get("if-match", "*").strip() != "*":
        raise PreconditionError(
            "nothing here has an ETag",
            because="If-Match names one, and what it is about would be changed whatever it is now",
            hint="look at it again, and leave out If-Match",
        )


def _written(document: Mapping[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_UTC_Z)


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _is_named(tag: str, request: Request, header: str) -> bool:
    """Whether a header names a tag, or any."""
    given = ",".join(request.headers.getlist(header)).split(",")
    named = [one.strip() for one in given]
    if header == "if-none-match":
        named = [one.removeprefix("W/") for one in named]
    return tag in named or "*" in named
