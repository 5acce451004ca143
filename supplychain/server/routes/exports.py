"""`/v1/images/{digest}/exports`: what others read, made of what is on record."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Request
from starlette.responses import Response

from supplychain.bootstrap import exports
from supplychain.gate.options import ENVIRONMENT
from supplychain.model.digest import Digest
from supplychain.server import shapes
from supplychain.server.answers import verbatim
from supplychain.server.caller import Reading, Serving
from supplychain.server.routing import noun
from supplychain.server.shapes import DigestPath

router = noun("/v1/images/{digest}/exports", "exports")

_JSON = "application/json"
_XML = "application/xml"
_OBJECT = {"schema": {"type": "object"}}


@router.get("/sbom", responses={200: {"content": {_JSON: _OBJECT, _XML: {}}}})
def export_sbom(
    digest: DigestPath,
    request: Request,
    caller: Reading,
    service: Serving,
    form: Annotated[Literal["cyclonedx-json", "cyclonedx-xml"], Query()] = "cyclonedx-json",
    platform: Annotated[str | None, Query(description="of an index, which platform")] = None,
) -> Response:
    """Give an image's recorded SBOM: the very bytes that were signed, or the same as XML."""
    document = exports.sbom(caller.record, Digest.parse(digest), platform, form, at=service.clock())
    return verbatim(request, document, _JSON if form.endswith("json") else _XML)


@router.get("/vex", responses={200: {"content": {_JSON: _OBJECT}}})
def export_vex(
    digest: DigestPath,
    request: Request,
    caller: Reading,
    service: Serving,
    environment: shapes.Environment,
    form: Annotated[Literal["openvex", "cyclonedx"], Query()] = "openvex",
) -> Response:
    """Give what the policy of an environment believes about an image's findings, as VEX."""
    where, about = str(ENVIRONMENT.parse(environment)), Digest.parse(digest)
    policy = caller.own.policies.of(where)
    made = exports.vex(
        caller.record, about, where, policy, form, author=caller.name, at=service.clock()
    )
    return verbatim(request, made, _JSON)


@router.get("/vsa", responses={200: {"content": {_JSON: _OBJECT}}})
def export_vsa(
    digest: DigestPath,
    request: Request,
    caller: Reading,
    environment: shapes.Environment,
) -> Response:
    """Give the last verdict about an image as a SLSA verification summary, unsigned."""
    where = str(ENVIRONMENT.parse(environment))
    made = exports.summary(caller.own.settings, caller.record, Digest.parse(digest), where)
    return verbatim(request, made, _JSON)
