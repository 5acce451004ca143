"""Answers that a reader can keep: as JSON or verbatim, each with a tag of what it holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Request
from starlette.responses import Response

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
    body = orjson.dumps(document, option=orjson.OPT_UTC_Z)
    return verbatim(request, body, "application/json", status=status, headers=headers)


def verbatim(
    request: Request,
    body: bytes,
    media_type: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Some bytes as an answer; nothing but their tag for who has them already."""
    if request.method not in _READING:
        return Response(body, status, headers, media_type)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    told = {"ETag": tag, "Cache-Control": "private, no-cache", **(headers or {})}
    if _has(request, tag):
        return Response(status_code=304, headers=told)
    return Response(body, status, told, media_type)


def _has(request: Request, tag: str) -> bool:
    """Whether `If-None-Match` names it (RFC 9110, section 13.1.2)."""
    given = [one.strip().removeprefix("W/") for one in _named(request)]
    return tag in given or "*" in given


def _named(request: Request) -> list[str]:
    return ",".join(request.headers.getlist("if-none-match")).split(",")
