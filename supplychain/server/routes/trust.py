"""`/v1/trust`: whose CI jobs may have a token for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import Path, Request
from starlette.responses import Response

from supplychain.bootstrap.access import add_rule
from supplychain.export.access_data import rule_data
from supplychain.model.access import TrustRule
from supplychain.server import access_shapes as told
from supplychain.server import shapes
from supplychain.server.answers import answer
from supplychain.server.caller import ReadingAccess, Serving, WritingAccess
from supplychain.server.conditions import Condition
from supplychain.server.paging import Paging
from supplychain.server.routing import noun

router = noun("/v1/trust", "access")

_Name = Annotated[str, Path(max_length=200, description="a rule's name", examples=["shop"])]


@router.get("", responses=shapes.gives(told.Rules))
def list_rules(caller: ReadingAccess, pager: Paging) -> Response:
    """List the rules of trust."""
    return pager.answer_part("rules", caller.access.trust.all(), rule_data)


@router.post("", status_code=201, responses=shapes.gives(told.Rule, 201))
def add_a_rule(
    asked: told.RuleRequest, request: Request, caller: WritingAccess, service: Serving
) -> Response:
    """Let jobs whose token says this have a token here for a while."""
    rule = TrustRule(
        name=asked.name,
        issuer=asked.issuer,
        audience=asked.audience,
        claims=tuple((name, tuple(values)) for name, values in asked.claims.items()),
        scope=asked.scope,
        lifetime=timedelta(seconds=asked.lifetime_seconds),
        jwks_url=asked.jwks_url or "",
        created_at=service.clock(),
        created_by=caller.principal.name,
    )
    add_rule(caller.access, rule)
    return answer(request, rule_data(rule), status=201)


@router.delete("/{rule}", responses=shapes.gives(told.Rule))
def remove_a_rule(
    rule: _Name, request: Request, caller: WritingAccess, service: Serving
) -> Response:
    """Trust the jobs of a rule no longer; tokens that they have open nothing any more."""
    Condition.of(request).require_none(
        lambda: any(one.name == rule for one in caller.access.trust.all())
    )
    gone = caller.access.trust.remove(rule, by=caller.principal.name, at=service.clock())
    return answer(request, rule_data(gone))
