"""The application: every route over one service."""

from __future__ import annotations

from fastapi import FastAPI

from supplychain import __version__
from supplychain.server import problems
from supplychain.server.at_once import AtOnce
from supplychain.server.described import described
from supplychain.server.guarded import require_guarded
from supplychain.server.heads import Heads
from supplychain.server.idempotency import AnsweredError, Idempotency, answered_before
from supplychain.server.limits import Limits
from supplychain.server.observing import Observing
from supplychain.server.request_ids import RequestIds
from supplychain.server.routes import ROUTERS, health, metrics
from supplychain.server.service import Service


def create(service: Service) -> FastAPI:
    """The application over a service.

    Args:
        service: What its handlers work with.
    """
    app = FastAPI(
        title="supplychain",
        summary="May this digest run there, and why?",
        version=__version__,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # they would load a program from another host
        redoc_url=None,
        redirect_slashes=False,  # to wherever the `Host` of a request says
        # Requests are told of once, by us.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.service = service
    problems.install(app)
    app.add_exception_handler(AnsweredError, answered_before)
    for router in (health.router, metrics.router, *ROUTERS):
        # As they are: what is included, FastAPI looks through twice at every request.
        app.router.routes += router.routes
    require_guarded(app)
    # The last one comes first.
    app.add_middleware(Heads)
    app.add_middleware(Idempotency)
    if service.store.kept.can_keep:
        app.add_middleware(AtOnce, service=service)
    app.add_middleware(
        Limits,
        streamed=service.settings.size("max_upload_size"),
        seconds=service.settings.duration("body_timeout"),
    )
    app.add_middleware(Observing)
    app.add_middleware(RequestIds)
    app.openapi = lambda: described(app, service.login)  # type: ignore[method-assign]  # FastAPI's own way
    return app
