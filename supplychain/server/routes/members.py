"""`/v1/members`: the people of the organisation."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request
from starlette.responses import Response

from supplychain.bootstrap.access import add_member, change_member
from supplychain.export.access_data import member_data
from supplychain.model.access import Member
from supplychain.server import access_shapes as told
from supplychain.server import shapes
from supplychain.server.answers import answer
from supplychain.server.caller import OrganisationCaller, ReadingAccess, Serving, WritingAccess
from supplychain.server.conditions import Condition
from supplychain.server.paging import Paging
from supplychain.server.routing import noun

router = noun("/v1/members", "access")

_Name = Annotated[
    str, Path(max_length=200, description="a member's name", examples=["alice@example.com"])
]


@router.get("", responses=shapes.gives(told.Members))
def list_members(caller: ReadingAccess, pager: Paging) -> Response:
    """List the people, and what they are."""
    return pager.answer_part("members", caller.access.members.all(), member_data)


@router.post("", status_code=201, responses=shapes.gives(told.Member, 201))
def add_a_member(
    asked: told.MemberRequest, request: Request, caller: WritingAccess, service: Serving
) -> Response:
    """Let somebody log in, with these roles."""
    member = Member(
        name=asked.name,
        issuer=asked.issuer,
        subject=asked.subject,
        email=asked.email.lower(),
        scope=asked.scope,
        created_at=service.clock(),
        created_by=caller.principal.name,
    )
    add_member(caller.access, member)
    return answer(request, member_data(member), status=201)


@router.put("/{member}", responses=shapes.gives(told.Member))
def change_a_member(
    member: _Name,
    asked: told.Scoped,
    request: Request,
    caller: WritingAccess,
    service: Serving,
) -> Response:
    """Give somebody these roles instead of those that they have; their tokens follow."""
    _require_no_tag(request, caller, member)
    by, now = caller.principal.name, service.clock()
    return answer(
        request, member_data(change_member(caller.access, member, asked.scope, by=by, at=now))
    )


@router.delete("/{member}", responses=shapes.gives(told.Member))
def remove_a_member(
    member: _Name, request: Request, caller: WritingAccess, service: Serving
) -> Response:
    """Let somebody in no longer; tokens that they have open nothing any more."""
    _require_no_tag(request, caller, member)
    gone = caller.access.members.remove(member, by=caller.principal.name, at=service.clock())
    return answer(request, member_data(gone))


def _require_no_tag(request: Request, caller: OrganisationCaller, member: str) -> None:
    Condition.of(request).require_none(
        lambda: any(one.name == member for one in caller.access.members.all())
    )
