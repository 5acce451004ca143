"""Routes as all of ours are: what any of them may answer, and how generated clients call them."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.routing import APIRoute

from supplychain.server import problems


def noun(prefix: str, tag: str) -> APIRouter:
    """The routes about something.

    Args:
        prefix: What their paths begin with.
        tag: What it is called in the description of the interface.
    """
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        generate_unique_id_function=_operation,
        responses={
            status: {"model": problems.Problem, "description": text}
            for status, text in problems.EXPECTED.items()
        },
    )


def _operation(route: APIRoute) -> str:
    """What generated clients call it: the handler's own name."""
    return route.name
