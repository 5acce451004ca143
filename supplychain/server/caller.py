"""Who is calling, and what is theirs: the one place where a request gets its record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from supplychain.errors import UnauthenticatedError
from supplychain.records.record import Record
from supplychain.server.service import Service

_BEARER = HTTPBearer(auto_error=False, description="an API token")
_PROJECT = r"^[a-z0-9][a-z0-9._-]{0,62}$"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who may ask.

    Attributes:
        name: Who.
        project: The project that the request is about.
        record: Its record.
    """

    name: str
    project: str
    record: Record


def service_of(request: Request) -> Service:
    """What the server has."""
    service: Service = request.app.state.service
    return service


def _caller(
    service: Annotated[Service, Depends(service_of)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    project: Annotated[str, Query(pattern=_PROJECT, description="the project")] = "default",
) -> Caller:
    if credentials is None:
        raise UnauthenticatedError(
            "nobody can tell who is asking", hint="send a token: Authorization: Bearer sct_…"
        )
    # Before anything else is looked at: strangers learn nothing, not even what projects there are.
    name = service.authenticator.name_of(credentials.credentials)
    return Caller(name, project, service.store.record(project))


Serving = Annotated[Service, Depends(service_of)]
Calling = Annotated[Caller, Depends(_caller)]
