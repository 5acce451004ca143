"""`/v1/environments`: where images may run, and what is demanded there."""

from __future__ import annotations

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from supplychain.errors import NotFoundError
from supplychain.server import shapes
from supplychain.server.answers import answer, verbatim
from supplychain.server.caller import Reading
from supplychain.server.routing import noun
from supplychain.server.shapes import EnvironmentPath

router = noun("/v1/environments", "environments")


class Environments(BaseModel):
    """Every environment that has a policy; in all others everything is denied."""

    environments: list[str]


class PolicyDocument(BaseModel):
    """The effective policy: whole, with its keys written in. Its digest is in decisions."""

    schemaVersion: int  # noqa: N815  # as the document has it
    environment: str
    rules: list[dict[str, object]]


@router.get("", responses=shapes.gives(Environments))
def list_environments(request: Request, caller: Reading) -> Response:
    """List the environments that have a policy."""
    return answer(request, {"environments": list(caller.own.policies.environments())})


@router.get("/{environment}/policy", responses=shapes.gives(PolicyDocument))
def show_policy(environment: EnvironmentPath, request: Request, caller: Reading) -> Response:
    """Give the effective policy of an environment."""
    policy = caller.own.policies.of(environment)
    if policy is None:
        raise NotFoundError(f"there is no policy for {environment}", hint="there all is denied")
    return verbatim(request, policy.canonical(), "application/json")
