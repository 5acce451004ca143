"""Who is calling, and what is theirs: the one place where a request gets its record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from supplychain.access.roles import require
from supplychain.errors import UnauthenticatedError
from supplychain.model.access import Acting, Permission, Principal
from supplychain.records.record import Record
from supplychain.server.idempotency import begin
from supplychain.server.service import Service

_BEARER = HTTPBearer(auto_error=False, description="an API token")
_PROJECT = r"^[a-z0-9][a-z0-9._-]{0,62}$"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who may do what they ask for.

    Attributes:
        principal: Who.
        project: The project that the request is about.
        record: Its record, in which they act.
        shared: The same record, whoever acts; it is one for all callers.
    """

    principal: Principal
    project: str
    record: Record
    shared: Record

    @property
    def name(self) -> str:
        """The name by which waivers, approvals and reports have them."""
        return self.principal.name


def service_of(request: Request) -> Service:
    """What the server has."""
    service: Service = request.app.state.service
    return service


Serving = Annotated[Service, Depends(service_of)]


@dataclass(frozen=True, slots=True)
class Allowed:
    """Lets in who has a permission in the project that they name, and nobody else.

    Attributes:
        permission: What it takes.
    """

    permission: Permission

    def __call__(
        self,
        request: Request,
        service: Serving,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
        project: Annotated[str, Query(pattern=_PROJECT, description="the project")] = "default",
    ) -> Caller:
        """Who is calling.

        Raises:
            UnauthenticatedError: Nobody can tell.
            ForbiddenError: They may not.
            RateError: They ask too often.
            NotFoundError: There is no such project.
            AnsweredError: They were answered before, under the same key.
        """
        # Before anything else is looked at: strangers learn nothing, not even of projects.
        principal = _principal(request, service, credentials)
        request.state.principal = principal.name  # for whoever tells of this request
        service.rates.take(principal.name)
        require(principal, self.permission, project)
        shared = service.store.record(project, organisation=principal.organisation)
        record = shared.acted_on(_acting(principal, request))
        if self.permission is not Permission.DECIDE:
            begin(request, record, principal.name, at=service.clock())
        return Caller(principal, project, record, shared)


def _acting(principal: Principal, request: Request) -> Acting:
    """Who acts, as the audit log has it."""
    address = request.client.host if request.client else "?"
    through = f"{request.method} {request.url.path}"
    return Acting(principal.name, f"{address}, {principal.came_with}", through, is_known=True)


def _principal(
    request: Request, service: Service, credentials: HTTPAuthorizationCredentials | None
) -> Principal:
    if credentials is None:
        raise UnauthenticatedError(
            "nobody can tell who is asking", hint="send a token: Authorization: Bearer sct_…"
        )
    try:
        return service.authenticator.principal(credentials.credentials, at=service.clock())
    except UnauthenticatedError:
        service.failed.take(request.client.host if request.client else "")
        raise


Reading = Annotated[Caller, Depends(Allowed(Permission.READ))]
Deciding = Annotated[Caller, Depends(Allowed(Permission.DECIDE))]
HandingIn = Annotated[Caller, Depends(Allowed(Permission.HAND_IN))]
Reporting = Annotated[Caller, Depends(Allowed(Permission.REPORT))]
Approving = Annotated[Caller, Depends(Allowed(Permission.APPROVE))]
RequestingWaivers = Annotated[Caller, Depends(Allowed(Permission.REQUEST_WAIVERS))]
AnsweringWaivers = Annotated[Caller, Depends(Allowed(Permission.ANSWER_WAIVERS))]
ImportingVex = Annotated[Caller, Depends(Allowed(Permission.IMPORT_VEX))]
ReviewingVex = Annotated[Caller, Depends(Allowed(Permission.REVIEW_VEX))]
