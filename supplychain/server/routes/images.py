"""`/v1/images`: what images are, and what is on record about them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from pydantic import Field
from starlette.responses import Response

from supplychain.bootstrap.parts import PRODUCT
from supplychain.bootstrap.targets import platform_of
from supplychain.errors import NotFoundError
from supplychain.export.data import component_data, image_data, rfc3339
from supplychain.gate.decision_document import finding_data
from supplychain.images.presented import PresentedDocuments
from supplychain.images.resolve import resolve
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, Need
from supplychain.model.evidence import EvidenceKind
from supplychain.model.subject import Platform
from supplychain.pipeline.handing_in import put_on_record
from supplychain.server import shapes
from supplychain.server.answers import answer, verbatim
from supplychain.server.caller import Caller, HandingIn, Reading, Serving
from supplychain.server.idempotency import begin_with
from supplychain.server.paging import Pager, Paging
from supplychain.server.routing import noun
from supplychain.server.service import Service
from supplychain.server.shapes import DigestPath
from supplychain.server.streamed import Body, decoded, read_as, received

router = noun("/v1/images", "images")

_Platform = Annotated[
    str | None, Query(description="of an index, which platform", examples=["linux/amd64"])
]


class ImagePresented(shapes.Asked):
    """An image by its documents."""

    name: str = Field(
        pattern=r"^([A-Za-z0-9.-]+(:[0-9]{1,5})?/)?[A-Za-z0-9_][A-Za-z0-9._/-]*$",
        max_length=255,
        description="what it is called, without a tag",
        examples=["registry.example/shop"],
    )
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$", description="of its index or manifest")
    platform: str = Field(
        default="",
        max_length=100,
        description="of an index, the only platform whose documents come; else all have to",
        examples=["linux/amd64"],
    )
    documents: list[str] = Field(
        min_length=1,
        max_length=200,
        description="the index, and the manifest and configuration of each platform, byte for "
        "byte in base64",
    )


@router.get("", responses=shapes.gives(shapes.Images))
def list_images(
    caller: Reading,
    pager: Paging,
    called: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=1024,
            description="only the one of this name or tag, or whose digest begins so",
            examples=["registry.example/shop:1.4"],
        ),
    ] = None,
) -> Response:
    """List the images on record, the newest first."""
    if called is not None:
        known = caller.record.images.show(caller.record.images.find(called), at=pager.at)
        return pager.answer("images", [image_data(known)])
    after = Digest.parse(pager.after) if pager.after else None
    found = caller.record.images.list(at=pager.at, limit=pager.limit + 1, after=after)
    shown = found[: pager.limit]
    more = str(shown[-1].digest) if len(found) > len(shown) else ""
    return pager.answer("images", [image_data(image) for image in shown], more)


@router.post(
    "",
    status_code=201,
    openapi_extra=shapes.takes(ImagePresented),
    responses=shapes.gives(shapes.ImageShown, 201),
)
async def put_image_on_record(request: Request, caller: HandingIn, service: Serving) -> Response:
    """Put on record what an image is, so that evidence can be handed in that was made elsewhere.

    Nobody is believed: every document is found by its digest, from the one that is named down. No
    registry is asked, so that the name is a word of the caller, by which nothing is allowed.
    """
    async with received(request) as body:
        return await asyncio.to_thread(_presented, request, caller, service, body)


@router.get("/{digest}", responses=shapes.gives(shapes.ImageShown))
def show_image(digest: DigestPath, request: Request, caller: Reading, service: Serving) -> Response:
    """Show an image on record: platforms, scans, and its last decisions."""
    found = caller.record.images.show(Digest.parse(digest), at=service.clock())
    return answer(request, image_data(found))


@router.get("/{digest}/components", responses=shapes.gives(shapes.Components))
def list_components(digest: DigestPath, caller: Reading, pager: Paging) -> Response:
    """List the packages that the latest scan of each platform found."""
    dossier = _dossier(caller, digest, pager, Need.COMPONENTS)
    found: list[dict[str, Any]] = [
        {"platform": str(one.platform), **component_data(component)}
        for one in dossier.platforms
        for component in one.components
    ]
    return pager.answer_part("components", found, dict)


@router.get("/{digest}/findings", responses=shapes.gives(shapes.Findings))
def list_findings(digest: DigestPath, caller: Reading, pager: Paging) -> Response:
    """List the vulnerabilities that the latest scan of each platform found."""
    dossier = _dossier(caller, digest, pager)
    found: list[dict[str, Any]] = [
        {
            "platform": str(one.platform),
            "first_seen_at": rfc3339(recorded.first_seen_at),
            **finding_data(recorded.finding),
        }
        for one in dossier.platforms
        for recorded in one.findings
    ]
    return pager.answer_part("findings", found, dict)


@router.get(
    "/{digest}/documents/{kind}",
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
def show_document(
    digest: DigestPath,
    kind: Literal["sbom", "scan"],
    request: Request,
    caller: Reading,
    service: Serving,
    platform: _Platform = None,
) -> Response:
    """Give the latest SBOM or scan report of a platform, byte for byte."""
    found = platform_of(caller.record, Digest.parse(digest), platform, at=service.clock())
    document = caller.record.images.document(found, EvidenceKind(kind))
    return verbatim(request, document, "application/json")


def _presented(request: Request, caller: Caller, service: Service, body: Body) -> Response:
    now = service.clock()
    asked = read_as(ImagePresented, request, body)
    begin_with(request, caller.record, caller.name, body.digest, at=now)
    platform = Platform.parse(asked.platform) if asked.platform else None
    given = PresentedDocuments(asked.name, [decoded(one, "a document") for one in asked.documents])
    image = resolve(given, Digest.parse(asked.digest), platform=platform)
    put_on_record(caller.record, image, PRODUCT, at=now)
    found = caller.record.images.show(image.subject.digest, at=service.clock())
    location = {"Location": f"/v1/images/{image.subject.digest}"}
    return answer(request, image_data(found), status=201, headers=location)


def _dossier(caller: Caller, digest: str, pager: Pager, *needs: Need) -> Dossier:
    found = caller.record.dossier(Digest.parse(digest), at=pager.at, needs=frozenset(needs))
    if found is None:
        raise NotFoundError(f"nothing is recorded about {digest}")
    return found
