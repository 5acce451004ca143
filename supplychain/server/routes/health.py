"""`/livez` and `/readyz`: what restarts a server, and what sends it requests."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import PlainTextResponse

from supplychain.server.caller import Serving

router = APIRouter(include_in_schema=False)


@router.get("/livez")
async def livez() -> PlainTextResponse:
    """Whether the process answers at all; looks at nothing else."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
def readyz(service: Serving) -> PlainTextResponse:
    """Whether it could judge: database and content store can be used, the schema is one it takes.

    Raises:
        StoreError: It could not.
    """
    service.store.check()
    return PlainTextResponse("ok\n")
