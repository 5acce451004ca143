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
    if _is_named(tag, request):
        return Response(status_code=304, headers=told)
    return Response(body, status, told, media_type)


def tag_of(document: Mapping[str, Any]) -> str:
    """The tag that data has as an answer."""
    return _tag(_written(document))


def _written(document: Mapping[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_UTC_Z)


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _is_named(tag: str, request: Request) -> bool:
    """Whether whoever asks has what has this tag already."""
    given = ",".join(request.headers.getlist("if-none-match")).split(",")
    named = [one.strip().removeprefix("W/") for one in given]
    return tag in named or "*" in named
