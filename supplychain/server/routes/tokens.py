"""`/v1/tokens`: tokens of one's own and of machines, and those that jobs get for their own."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Path, Query, Request
from starlette.responses import Response

from supplychain.access.roles import permissions_of, require
from supplychain.bootstrap.access import create_token
from supplychain.errors import ForbiddenError, InputError
from supplychain.export.access_data import scope_data, token_data
from supplychain.gate.windows import rfc3339
from supplychain.model.access import MACHINE, Permission
from supplychain.server import access_shapes as told
from supplychain.server import shapes
from supplychain.server.answers import answer
from supplychain.server.arrivals import exchange
from supplychain.server.caller import OrganisationCaller, OwningTokens, Serving
from supplychain.server.conditions import Condition
from supplychain.server.idempotency import shown_once
from supplychain.server.paging import Paging
from supplychain.server.queries import require_known
from supplychain.server.routing import noun
from supplychain.server.service import Service

router = noun("/v1", "access")

_Id = Annotated[str, Path(pattern=r"^[a-z0-9]{12}$", description="a token's public part")]
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type", "subject_token", "subject_token_type"],
                    "properties": {
                        name: {"type": "string"}
                        for name in (
                            "grant_type",
                            "subject_token",
                            "subject_token_type",
                            "scope",
                            "organisation",
                        )
                    },
                }
            }
        },
    }
}


@router.get("/me", responses=shapes.gives(told.Me))
def show_me(request: Request, caller: OwningTokens, service: Serving) -> Response:
    """Show who you are here, and what you may do with what you came with."""
    who = caller.principal
    document = {
        "name": who.name,
        "organisation": who.organisation,
        **scope_data(who.scope),
        "permissions": sorted(permissions_of(who.scope.roles)),
        "session": _session(caller, service),
    }
    return answer(request, document, headers={"Cache-Control": "no-store"})


@router.get("/tokens", responses=shapes.gives(told.Tokens))
def list_tokens(
    caller: OwningTokens,
    pager: Paging,
    owner: Annotated[
        str | None,
        Query(min_length=1, max_length=200, description="only those of this person or machine"),
    ] = None,
    everybodys: Annotated[bool, Query(description="not only your own")] = False,
    ended: Annotated[bool, Query(description="those too that open nothing any more")] = False,
) -> Response:
    """List tokens: your own, somebody's or everybody's."""
    me = caller.principal.name
    whose = owner or (None if everybodys else me)
    if whose != me:
        require(caller.principal, Permission.READ_ACCESS)
    found = caller.access.tokens.all(owner=whose, at=pager.at, ended=ended)
    return pager.answer_part("tokens", found, lambda token: token_data(token, pager.at))


@router.post("/tokens", status_code=201, responses=shapes.gives(told.NewToken, 201))
def make_a_token(
    asked: told.TokenRequest, request: Request, caller: OwningTokens, service: Serving
) -> Response:
    """Make a token of your own, within what you may do; or, as an admin, one for a machine.

    Made with a token, it ends with that one at the latest.
    """
    who, now = caller.principal, service.clock()
    lasts = timedelta(seconds=asked.expires_in)
    owner = asked.owner or who.name
    if who.is_machine:
        raise ForbiddenError("machines make no tokens", because=f"{who.name} is one")
    if owner != who.name:
        _require_for(caller, owner)
    elif who.until is not None:
        lasts = min(lasts, who.until - now)
    made = create_token(
        caller.access,
        name=asked.name,
        owner=owner,
        scope=asked.scope,
        lasts=lasts,
        by=who.name,
        at=now,
        own=who.scope if owner == who.name else None,
    )
    identifier = made.token.identifier
    shown_once(
        request,
        "a token was made for this Idempotency-Key, and is not shown again",
        because=f"it is the token {identifier}",
        hint=f"revoke it (DELETE /v1/tokens/{identifier}), and ask for another one",
    )
    document = {**token_data(made.token, now), "token": made.text}
    return answer(request, document, status=201, headers={"Cache-Control": "no-store"})


@router.delete("/tokens/{token}", responses=shapes.gives(told.Token))
def revoke_a_token(
    token: _Id, request: Request, caller: OwningTokens, service: Serving
) -> Response:
    """Let a token open nothing from now on: one of your own, or, as an admin, anybody's."""
    who, now = caller.principal, service.clock()
    is_admin = Permission.WRITE_ACCESS in permissions_of(who.scope.roles)
    owner = None if is_admin and who.scope.projects is None else who.name
    Condition.of(request).require_none(
        lambda: any(
            one.identifier == token for one in caller.access.tokens.all(owner=owner, at=now)
        )
    )
    ended = caller.access.tokens.revoke(token, by=who.name, at=now, owner=owner)
    return answer(request, token_data(ended, now))


@router.post("/tokens/exchange", responses=shapes.gives(told.Exchanged), openapi_extra=_FORM)
async def exchange_a_token(request: Request, service: Serving) -> Response:
    """Give a job a token for a while, for the one that its CI system signed for it (RFC 8693).

    `scope` names the rule of trust where several fit; `organisation` is `default` unless given.
    """
    require_known(request)
    form = _form(await request.body(), request.headers.get("content-type", ""))
    document = await asyncio.to_thread(exchange, service, request, form)
    return answer(request, document, headers={"Cache-Control": "no-store"})


def _session(caller: OrganisationCaller, service: Service) -> dict[str, object] | None:
    """What a page needs to know of the session that it was asked for with."""
    if caller.logged_in is None or service.login is None:
        return None
    session = caller.logged_in.session
    return {
        "expires_at": rfc3339(session.expires_at),
        "idle_seconds": int(service.login.idle.total_seconds()),
        "csrf_token": caller.logged_in.csrf_token,
    }


def _require_for(caller: OrganisationCaller, owner: str) -> None:
    require(caller.principal, Permission.WRITE_ACCESS)
    if not owner.startswith(MACHINE):
        raise ForbiddenError(
            "nobody makes tokens in another person's name",
            hint=f"for a machine, call it {MACHINE}NAME; people log in",
        )


def _form(body: bytes, media_type: str) -> dict[str, str]:
    if media_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise InputError("this is no form", hint="Content-Type: application/x-www-form-urlencoded")
    try:
        found = parse_qs(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=20,
            errors="strict",
        )  # fmt: skip
    except ValueError:
        raise InputError("the form cannot be read") from None
    if any(len(values) > 1 for values in found.values()):
        raise InputError("the form says something twice")
    return {name: values[0] for name, values in found.items()}
