"""`/metrics`: what Prometheus is told."""

from __future__ import annotations

import hmac

from fastapi import APIRouter, Request
from starlette.responses import Response

from supplychain.errors import ForbiddenError, UnauthenticatedError
from supplychain.server.caller import Serving, bearer_token
from supplychain.server.metrics import MEDIA_TYPE, exposition

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
def metrics(request: Request, service: Serving) -> Response:
    """Tell whoever has the token of monitors, which is read again each time.

    Raises:
        ForbiddenError: There is no such token: nobody may.
        UnauthenticatedError: It is another one.
    """
    expected = service.settings.text("metrics_token")
    if not expected:
        raise ForbiddenError(
            "nobody may read metrics here",
            because="no token for them is set",
            hint="set SUPPLYCHAIN_METRICS_TOKEN_FILE",
        )
    if not hmac.compare_digest(bearer_token(request).encode(), expected.encode()):
        raise UnauthenticatedError("this is not the token of monitors")
    return Response(exposition(service), media_type=MEDIA_TYPE)
