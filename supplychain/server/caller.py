"""Who is calling, and what is theirs: the one place where a request gets its record."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from fastapi.security.utils import get_authorization_scheme_param

from supplychain.access.roles import require
from supplychain.errors import UnauthenticatedError
from supplychain.frozen import dataclass
from supplychain.model.access import Acting, Permission, Principal
from supplychain.records.access import Access
from supplychain.records.audit import AuditLog
from supplychain.records.record import Record
from supplychain.records.tenants import FIRST_PROJECT
from supplychain.server.conditions import Condition
from supplychain.server.idempotency import begin
from supplychain.server.queries import require_known
from supplychain.server.service import Own, Service
from supplychain.server.sessions import LoggedIn, logged_in

_PROJECT = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who may do what they ask for.

    Attributes:
        principal: Who.
        project: The project that the request is about.
        record: Its record, in which they act.
        shared: The same record, whoever acts; it is one for all callers.
        own: What their organisation has for itself.
    """

    principal: Principal
    project: str
    record: Record
    shared: Record
    own: Own

    @property
    def name(self) -> str:
        """The name by which waivers, approvals and reports have them."""
        return self.principal.name


async def _serving(request: Request) -> Service:
    """Not worth a thread."""
    return service_of(request)


def service_of(request: Request) -> Service:
    """What the server has."""
    service: Service = request.app.state.service
    return service


Serving = Annotated[Service, Depends(_serving)]


@dataclass(frozen=True, slots=True)
class Door:
    """Where somebody waits who asks for something; a `Route` lets them in on a thread.

    Attributes:
        let_in: Who they are, if they may; raises as `Allowed.let_in`.
    """

    let_in: Callable[[], Caller | OrganisationCaller]


class _Guard(SecurityBase):
    """What stands before a route: for the description of the interface, a bearer token.

    It reads the request by itself: each thing more that a route depends on is looked for by
    FastAPI at every request, which takes longer than to read a header.
    """

    model = HTTPBearer(description="an API token")
    scheme_name = "HTTPBearer"


@dataclass(frozen=True, slots=True)
class Allowed(_Guard):
    """Lets in who has a permission in the project that they name, and nobody else.

    Attributes:
        permission: What it takes.
    """

    permission: Permission

    @property
    def takes_keys(self) -> bool:
        """Whether what is sent again is done once; a question is answered anew each time."""
        return self.permission is not Permission.DECIDE

    async def __call__(
        self,
        request: Request,
        project: Annotated[str, Query(pattern=_PROJECT, description="the project")] = "default",
    ) -> Door:
        """Before anything else is looked at; not worth a thread."""
        return _door(request, partial(self.let_in, request, project))

    def let_in(self, request: Request, project: str) -> Caller:
        """Who is calling.

        Raises:
            UnauthenticatedError: Nobody can tell.
            ForbiddenError: They may not.
            RateError: They ask too often.
            NotFoundError: There is no such project.
            PreconditionError: They name a tag of what has none.
            AnsweredError: They were answered before, under the same key.
        """
        # Before anything else is looked at: strangers learn nothing, not even of projects.
        service = service_of(request)
        principal, _ = _principal(request, service)
        require(principal, self.permission, project)
        shared = service.store.record(project, organisation=principal.organisation)
        record = shared.acted_on(acting(request, principal))
        if self.takes_keys:
            _require_no_tag(request)
            begin(request, record, principal.name, at=service.clock())
        own = service.owns.of(principal.organisation)
        return Caller(principal, project, record, shared, own)


@dataclass(frozen=True, slots=True)
class OrganisationCaller:
    """Somebody who may do what they ask for, about their organisation.

    Attributes:
        principal: Who.
        access: Who may what there.
        audit: Who did what there.
        logged_in: Their session; None for who comes with a token.
    """

    principal: Principal
    access: Access
    audit: AuditLog
    logged_in: LoggedIn | None = None


@dataclass(frozen=True, slots=True)
class AllowedInAll(_Guard):
    """Lets in who has a permission that is about the organisation, and nobody else.

    Attributes:
        permission: What it takes.
        takes_keys: Whether what is sent again is done once; not where it is about the session that
            it comes with, for keys are of all sessions of a caller.
    """

    permission: Permission
    takes_keys: bool = True

    async def __call__(self, request: Request) -> Door:
        """Before anything else is looked at; not worth a thread."""
        return _door(request, partial(self.let_in, request))

    def let_in(self, request: Request) -> OrganisationCaller:
        """Who is calling.

        Raises:
            UnauthenticatedError: Nobody can tell.
            ForbiddenError: They may not.
            RateError: They ask too often.
            PreconditionError: They name a tag of what has none.
            AnsweredError: They were answered before, under the same key.
        """
        service = service_of(request)
        principal, session = _principal(request, service)
        require(principal, self.permission)
        _require_no_tag(request)
        entry, organisation = service.store.entry, principal.organisation
        access = entry.access(organisation, acting(request, principal))
        if self.takes_keys and request.method == "POST":
            first = service.store.record(FIRST_PROJECT, organisation=organisation)
            begin(request, first, principal.name, at=service.clock())
        return OrganisationCaller(principal, access, entry.audit(organisation), session)


def _require_no_tag(request: Request) -> None:
    """Refuse a condition that the route of a request does not look at itself."""
    if request.method == "POST" and not request.scope["route"].is_conditional:
        Condition.of(request).require_none()


def acting(request: Request, principal: Principal) -> Acting:
    """Who acts, from where and by which request, for the audit log."""
    host = request.client.host if request.client else "nowhere"
    return Acting(
        principal.name,
        f"{host}, {principal.came_with}",
        f"{request.method} {request.url.path[:500]}",
        is_known=True,
    )


def _door(request: Request, let_in: Callable[[], Caller | OrganisationCaller]) -> Door:
    """A door, which whoever refuses the request for anything else has to look behind, too.

    Raises:
        RequestValidationError: Its query says what its route does not take.
    """
    request.state.door = door = Door(let_in)
    require_known(request)
    return door


def _principal(request: Request, service: Service) -> tuple[Principal, LoggedIn | None]:
    """Who is calling, and with which session; None with a token."""
    principal: Principal | None = None
    try:
        session = logged_in(request, service)
        if session is not None:
            principal = session.principal
        elif token := bearer_token(request):
            principal = service.authenticator.principal(token, at=service.clock())
    except UnauthenticatedError:
        service.failed.take(request.client.host if request.client else "")
        raise
    if principal is None:
        raise UnauthenticatedError(
            "nobody can tell who is asking", hint="send a token: Authorization: Bearer sct_…"
        )
    request.state.principal = principal.name  # for whoever tells of this request
    service.rates.take(f"{principal.organisation}/{principal.name}")
    return principal, session


def bearer_token(request: Request) -> str:
    """The token of a request; "" for none."""
    scheme, token = get_authorization_scheme_param(request.headers.get("authorization"))
    return token if scheme.lower() == "bearer" else ""


Reading = Annotated[Caller, Depends(Allowed(Permission.READ))]
Deciding = Annotated[Caller, Depends(Allowed(Permission.DECIDE))]
HandingIn = Annotated[Caller, Depends(Allowed(Permission.HAND_IN))]
Submitting = Annotated[Caller, Depends(Allowed(Permission.SUBMIT_RUNS))]
Reporting = Annotated[Caller, Depends(Allowed(Permission.REPORT))]
Approving = Annotated[Caller, Depends(Allowed(Permission.APPROVE))]
RequestingWaivers = Annotated[Caller, Depends(Allowed(Permission.REQUEST_WAIVERS))]
AnsweringWaivers = Annotated[Caller, Depends(Allowed(Permission.ANSWER_WAIVERS))]
ImportingVex = Annotated[Caller, Depends(Allowed(Permission.IMPORT_VEX))]
ReviewingVex = Annotated[Caller, Depends(Allowed(Permission.REVIEW_VEX))]
OwningTokens = Annotated[OrganisationCaller, Depends(AllowedInAll(Permission.OWN_TOKENS))]
LoggingOut = Annotated[
    OrganisationCaller, Depends(AllowedInAll(Permission.OWN_TOKENS, takes_keys=False))
]
ReadingAccess = Annotated[OrganisationCaller, Depends(AllowedInAll(Permission.READ_ACCESS))]
WritingAccess = Annotated[OrganisationCaller, Depends(AllowedInAll(Permission.WRITE_ACCESS))]
WritingProjects = Annotated[OrganisationCaller, Depends(AllowedInAll(Permission.WRITE_PROJECTS))]
ReadingAudit = Annotated[OrganisationCaller, Depends(AllowedInAll(Permission.READ_AUDIT))]
