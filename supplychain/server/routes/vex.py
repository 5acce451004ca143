"""`/v1/vex`: claims about vulnerabilities, whose word they are, and who accepted which."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from supplychain.bootstrap.vex import policy_vex_trust, record_vex
from supplychain.errors import InputError
from supplychain.export.data import claim_data, vex_data
from supplychain.model.vex import VexStatement
from supplychain.server import shapes
from supplychain.server.answers import answer
from supplychain.server.caller import Caller, ImportingVex, Reading, ReviewingVex, Serving
from supplychain.server.conditions import Seen
from supplychain.server.idempotency import begin_with
from supplychain.server.paging import Page, Paging
from supplychain.server.routing import noun
from supplychain.server.service import Service
from supplychain.server.streamed import Body, decoded, read_as, received

router = noun("/v1/vex", "vex")

_MOST = 100_000
_Document = Annotated[
    str,
    Path(
        pattern=r"^(sha256:)?[0-9a-f]{6,64}$",
        description="a document, or the beginning of its digest",
        examples=[shapes.DIGEST],
    ),
]


class VexImport(shapes.Asked):
    """A signed document, both parts byte for byte in base64."""

    document: str = Field(min_length=1, description="OpenVEX, CycloneDX or CSAF, base64")
    bundle: str = Field(min_length=1, description="its author's signature over it, base64")
    environment: Annotated[str, Field(max_length=200)] = Field(
        description="whose policy says whose word counts", examples=["prod"]
    )


class Review(shapes.Asked):
    """Somebody's word that a claim may count, or that it may no longer."""

    number: int | None = Field(
        default=None, strict=True, ge=1, le=1_000_000, description="else all claims"
    )
    reason: shapes.Text = Field(min_length=1, examples=["we never parse XML"])
    withdraw: bool = False


class VexDocument(BaseModel):
    """A VEX document on record."""

    digest: str
    format: str
    identifier: str | None
    author: str
    claims: int
    issued_at: datetime
    recorded_at: datetime
    attached_to: str | None
    signed: list[dict[str, Any]]


class VexDocuments(Page):
    """VEX documents, the newest first."""

    documents: list[VexDocument]


class Claim(BaseModel):
    """What is claimed, and whose word it is."""

    model_config = ConfigDict(extra="allow")

    name: str
    document: str
    number: int
    vulnerability: list[str]
    status: str


class Claims(BaseModel):
    """What a document claims."""

    claims: list[Claim]


@router.get("", responses=shapes.gives(VexDocuments))
def list_vex(caller: Reading, pager: Paging) -> Response:
    """List the VEX documents on record, the newest first."""
    found = caller.record.vex.documents(at=pager.at, limit=_MOST)
    return pager.answer_part("documents", found, vex_data)


@router.get("/{document}", responses=shapes.gives(Claims))
def show_vex(document: _Document, request: Request, caller: Reading, service: Serving) -> Response:
    """Show what a VEX document claims, who signed it, and who accepted which claim."""
    now, vex = service.clock(), caller.record.vex
    return answer(request, _shown(vex.statements(vex.find(document, at=now), at=now)))


@router.post(
    "",
    status_code=201,
    openapi_extra=shapes.takes(VexImport),
    responses=shapes.gives(Claims, 201),
)
async def import_vex(request: Request, caller: ImportingVex, service: Serving) -> Response:
    """Verify a signed VEX document and record what it claims, with whose word it is.

    Whose word counts is said by the policy of the environment, never by the caller.
    """
    async with received(request) as body:
        return await asyncio.to_thread(_imported, request, caller, service, body)


@router.post("/{document}/review", responses=shapes.gives(Claims))
def review_vex(
    document: _Document,
    said: Review,
    request: Request,
    caller: ReviewingVex,
    service: Serving,
    seen: Seen,
) -> Response:
    """Accept a claim that a policy holds for a review, or take that back."""
    now = service.clock()
    digest = caller.record.vex.find(document, at=now)
    if not said.reason.strip():
        raise InputError("no reason is given")
    if seen.tags:
        seen.require(_shown(caller.record.vex.statements(digest, at=now)))
    caller.record.vex.review(
        digest,
        said.number,
        actor=caller.name,
        reason=said.reason,
        at=now,
        accepted=not said.withdraw,
    )
    found = caller.record.vex.statements(digest, at=now)
    shown = [one for one in found if said.number in {None, one.claim.position}]
    return answer(request, _shown(shown))


def _shown(found: Sequence[VexStatement]) -> dict[str, Any]:
    return {"claims": [claim_data(one) for one in found]}


def _imported(request: Request, caller: Caller, service: Service, body: Body) -> Response:
    now = service.clock()
    asked = read_as(VexImport, request, body)
    begin_with(request, caller.record, caller.name, body.digest, at=now)
    trusted = policy_vex_trust(
        caller.own.settings, caller.own.policies.of(asked.environment), asked.environment
    )
    data, bundle = decoded(asked.document, "document"), decoded(asked.bundle, "bundle")
    made = record_vex(caller.record, "document", data, bundle, trusted, at=now)
    found = caller.record.vex.statements(made.digest, at=now)
    location = {"Location": f"/v1/vex/{made.digest}"}
    return answer(request, _shown(found), status=201, headers=location)
