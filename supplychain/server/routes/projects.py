"""`/v1/projects`: what the organisation keeps apart."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from supplychain.server import access_shapes as told
from supplychain.server import shapes
from supplychain.server.answers import answer
from supplychain.server.caller import OwningTokens, Serving, WritingProjects
from supplychain.server.paging import Paging
from supplychain.server.routing import noun

router = noun("/v1/projects", "access")


@router.get("", responses=shapes.gives(told.Projects))
def list_projects(caller: OwningTokens, pager: Paging) -> Response:
    """List the projects that you reach."""
    reach = caller.principal.scope
    found = [name for name in caller.access.projects.all() if reach.covers(name)]
    return pager.answer_part("projects", found, lambda name: {"name": name})


@router.post("", status_code=201, responses=shapes.gives(told.Project, 201))
def make_a_project(
    asked: told.ProjectRequest, request: Request, caller: WritingProjects, service: Serving
) -> Response:
    """Make a project."""
    caller.access.projects.create(asked.name, at=service.clock())
    return answer(request, {"name": asked.name}, status=201)
