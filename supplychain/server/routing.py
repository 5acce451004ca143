"""Routes as ours are: how they run, what they may answer, how generated clients call them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute

from supplychain.server import problems
from supplychain.server.caller import Door
from supplychain.server.conditions import condition
from supplychain.server.queries import taken


def noun(prefix: str, tag: str) -> APIRouter:
    """The routes about something.

    Args:
        prefix: What their paths begin with.
        tag: What it is called in the description of the interface.
    """
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        route_class=Route,
        generate_unique_id_function=_operation,
        responses={
            status: {"model": problems.Problem, "description": text}
            for status, text in problems.EXPECTED.items()
        },
    )


class Route(APIRoute):
    """Lets its caller in on the thread that does what they ask.

    To find out who is calling takes a look at the record, so a thread. To change threads takes
    longer than that look, so it is done once.

    Attributes:
        takes: The parameters of its query, and whether each may be given several times.
        is_conditional: Whether it looks at `If-Match` itself.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **how: Any) -> None:
        super().__init__(path, _entered(endpoint), **how)
        # Clients name their project with whatever they ask, of the whole organisation, too.
        self.takes = dict(sorted({"project": False, **dict(taken(self.dependant))}.items()))
        self.is_conditional = any(one.call is condition for one in self.dependant.dependencies)


def _entered(handler: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """A handler that is given callers where FastAPI gives doors."""
    if iscoroutinefunction(handler):

        @wraps(handler)
        async def on_the_loop(**given: Any) -> Any:
            if any(isinstance(one, Door) for one in given.values()):
                given = await asyncio.to_thread(_let_in, given)
            return await handler(**given)

        return on_the_loop

    @wraps(handler)
    async def on_a_thread(**given: Any) -> Any:
        return await asyncio.to_thread(_answered, handler, given)

    return on_a_thread


def _answered(handler: Callable[..., Any], given: Mapping[str, Any]) -> Any:
    return handler(**_let_in(given))


def _let_in(given: Mapping[str, Any]) -> dict[str, Any]:
    return {n: one.let_in() if isinstance(one, Door) else one for n, one in given.items()}


def _operation(route: APIRoute) -> str:
    """What generated clients call it: the handler's own name."""
    return route.name
