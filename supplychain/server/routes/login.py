"""`/v1/login`, `/v1/logout`: people, by the provider of the organisation's identities."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request
from starlette.responses import RedirectResponse, Response

from supplychain.errors import ConflictError
from supplychain.server.caller import LoggingOut, Serving
from supplychain.server.logins import ATTEMPT, LASTS, begin, finish, login_of
from supplychain.server.queries import require_known
from supplychain.server.routing import noun
from supplychain.server.sessions import SESSION, give_cookie, take_cookie

router = noun("/v1", "access")

_NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_SENDS: dict[int | str, dict[str, Any]] = {303: {"description": "goes on at `Location`"}}
_Given = Annotated[str | None, Query(max_length=8192, description="as the provider says")]


@router.get("/login", status_code=303, response_class=RedirectResponse, responses=_SENDS)
def log_in(
    request: Request,
    service: Serving,
    organisation: Annotated[
        str, Query(max_length=200, description="into which organisation")
    ] = "default",
    return_to: Annotated[
        str, Query(max_length=1001, description="where to go then: a path of this server")
    ] = "/v1/me",
) -> Response:
    """Log in: for browsers, which the provider then asks who they are."""
    require_known(request)
    begun = begin(request, service, organisation, return_to)
    response = RedirectResponse(begun.url, 303, _NO_STORE)
    give_cookie(
        response,
        login_of(request, service),
        ATTEMPT,
        begun.attempt.secret,
        int(LASTS.total_seconds()),
    )
    return response


@router.get("/login/callback", status_code=303, response_class=RedirectResponse, responses=_SENDS)
def come_back(
    request: Request,
    service: Serving,
    code: _Given = None,  # noqa: ARG001  # for the description; `finish` reads what was said, once
    state: _Given = None,  # noqa: ARG001
    iss: _Given = None,  # noqa: ARG001
    error: _Given = None,  # noqa: ARG001
) -> Response:
    """Come back from the provider; nothing to be called by hand."""
    login = login_of(request, service)
    done = finish(request, service)
    response = RedirectResponse(done.return_to, 303, _NO_STORE)
    give_cookie(response, login, SESSION, done.text, int(login.lasts.total_seconds()))
    take_cookie(response, login, ATTEMPT)
    return response


@router.post("/logout", status_code=204)
def log_out(request: Request, caller: LoggingOut, service: Serving) -> Response:
    """Log out: the session that this request comes with opens nothing from now on."""
    who = caller.logged_in
    if who is None:
        raise ConflictError(
            "nobody is logged in here",
            because=f"you came with a {caller.principal.came_with}",
            hint="to end a token: DELETE /v1/tokens/{token}",
        )
    caller.access.sessions.end(who.session, at=service.clock())
    response = Response(status_code=204, headers=_NO_STORE)
    take_cookie(response, login_of(request, service), SESSION)
    return response
