"""The description of the interface, with what FastAPI does not see by itself."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from supplychain.server import problems
from supplychain.server.guarded import routes_of, takes_keys
from supplychain.server.idempotency import HEADER, USABLE
from supplychain.server.login import Login
from supplychain.server.sessions import CSRF_HEADER, SESSION

_READING = frozenset({"get", "head"})
_KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "a name for this request: sent again under it within a day, it is done once",
    "schema": {"type": "string", "pattern": f"^{USABLE.pattern}$", "maxLength": 255},
}


def described(app: FastAPI, login: Login | None) -> dict[str, Any]:
    """The description, made once.

    Args:
        app: What it is of.
        login: How people log in there; None where nobody can.
    """
    if app.openapi_schema is None:
        made = FastAPI.openapi(app)
        keyed = {
            one.path
            for one in routes_of(app.routes)
            if isinstance(one, APIRoute) and takes_keys(one)
        }
        for path, operations in made["paths"].items():
            for method, operation in operations.items():
                _as_problems(operation)
                if method == "post" and path in keyed:
                    operation.setdefault("parameters", []).append(_KEY)
                if login is not None and "security" in operation:
                    operation["security"].append(_session(method))
        if login is not None:
            made["components"]["securitySchemes"] |= _schemes(login)
    # FastAPI keeps what it made, which is the same document.
    return app.openapi_schema or {}


def _as_problems(operation: dict[str, Any]) -> None:
    """Problems have the media type that they have."""
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            content = response["content"]
            content[problems.MEDIA_TYPE] = content.pop("application/json")


def _session(method: str) -> dict[str, list[str]]:
    """What a page sends instead of a token: both together where something is changed."""
    return {"Session": []} if method in _READING else {"Session": [], "PageOfOurs": []}


def _schemes(login: Login) -> dict[str, object]:
    return {
        "Session": {
            "type": "apiKey",
            "in": "cookie",
            "name": login.cookie(SESSION),
            "description": "somebody who is logged in: see `/v1/login`; not beside a token",
        },
        "PageOfOurs": {
            "type": "apiKey",
            "in": "header",
            "name": CSRF_HEADER,
            "description": "`csrf_token` of `/v1/me`; the browser has to say that it is a page "
            "of this server, too",
        },
    }
