"""Every route says what it takes; one that does not is a fault of ours, seen at the start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from supplychain.errors import ConfigurationError
from supplychain.model.access import Permission
from supplychain.server.caller import Allowed, AllowedInAll
from supplychain.server.routing import Route

# Whoever comes here is nobody yet.
OPEN = frozenset(
    {
        "/livez",
        "/readyz",
        "/metrics",  # for monitors, which have a token of their own
        "/v1/tokens/exchange",
        "/v1/login",
        "/v1/login/callback",
        "/v1/openapi.json",
    }
)


def permission_of(route: APIRoute) -> Permission | None:
    """What a route takes; None where it takes nothing."""
    return next((door.permission for door in _doors(route.dependant)), None)


def takes_keys(route: APIRoute) -> bool:
    """Whether what is sent there again under its `Idempotency-Key` is done once."""
    return "POST" in (route.methods or ()) and any(
        door.takes_keys for door in _doors(route.dependant)
    )


def require_guarded(app: FastAPI) -> None:
    """Refuse an application with a route that neither takes a permission nor is open to all.

    Raises:
        ConfigurationError: It has one.
    """
    for route in routes_of(app.routes):
        path = getattr(route, "path", "")
        if path in OPEN:
            continue
        if not isinstance(route, Route) or permission_of(route) is None:
            raise ConfigurationError(
                f"the route {path!r} takes no permission",
                hint="make it a `Route`, and give its handler a caller",
            )


def routes_of(found: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Every route, those of routers that were included among them."""
    for route in found:
        # FastAPI copies the routes of a router, or keeps the router, as its version has it.
        router = getattr(route, "original_router", None)
        if isinstance(router, APIRouter):
            yield from routes_of(router.routes)
        else:
            yield route


def _doors(dependant: Dependant) -> Iterator[Allowed | AllowedInAll]:
    for one in dependant.dependencies:
        if isinstance(one.call, Allowed | AllowedInAll):
            yield one.call
        yield from _doors(one)
