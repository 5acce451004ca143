"""`/v1/images/{digest}/exports`: what others read, made of what is on record."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from supplychain.bootstrap import trust, vex
from supplychain.errors import NotFoundError
from supplychain.export import vex as claims
from supplychain.export.sbom import render
from supplychain.gate.decision_document import from_document
from supplychain.gate.options import ENVIRONMENT
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.server import shapes
from supplychain.server.answers import verbatim
from supplychain.server.caller import Reading, Serving
from supplychain.server.platforms import platform_of
from supplychain.server.shapes import DigestPath

router = APIRouter(prefix="/v1/images/{digest}/exports", tags=["exports"])

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
    found = platform_of(caller.record, digest, platform, at=service.clock())
    document = render(caller.record.document(found, EvidenceKind.SBOM), form)
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
    now, where = service.clock(), str(ENVIRONMENT.parse(environment))
    policy = caller.own.policies.of(where)
    dossier = caller.record.dossier(Digest.parse(digest), at=now, environment=where)
    if dossier is None:
        raise NotFoundError(f"nothing is recorded about {digest}")
    told = vex.told(policy, dossier, at=now)
    made = claims.openvex if form == "openvex" else claims.cyclonedx
    return verbatim(request, made(dossier.subject, told, caller.name), _JSON)


@router.get("/vsa", responses={200: {"content": {_JSON: _OBJECT}}})
def export_vsa(
    digest: DigestPath,
    request: Request,
    caller: Reading,
    environment: shapes.Environment,
) -> Response:
    """Give the last verdict about an image as a SLSA verification summary, unsigned."""
    where = str(ENVIRONMENT.parse(environment))
    found = caller.record.ledger.list(subject=Digest.parse(digest), environment=where, limit=1)
    if not found:
        raise NotFoundError(f"no verdict about {digest} in {where} is on record")
    decision = from_document(caller.record.ledger.document(found[0].digest))
    return verbatim(request, trust.summary(caller.own.settings, decision).predicate, _JSON)
