"""`/v1/images`: what is on record about images."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from supplychain.errors import NotFoundError
from supplychain.export.data import component_data, image_data, rfc3339
from supplychain.gate.decision_document import finding_data
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, Need
from supplychain.model.evidence import EvidenceKind
from supplychain.server import shapes
from supplychain.server.answers import answer, verbatim
from supplychain.server.caller import Caller, Reading, Serving
from supplychain.server.paging import Pager, Paging
from supplychain.server.platforms import platform_of
from supplychain.server.shapes import DigestPath

router = APIRouter(prefix="/v1/images", tags=["images"])

_Platform = Annotated[
    str | None, Query(description="of an index, which platform", examples=["linux/amd64"])
]


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
        known = caller.record.image(caller.record.find(called), at=pager.at)
        return pager.answer("images", [image_data(known)])
    after = Digest.parse(pager.after) if pager.after else None
    found = caller.record.images(at=pager.at, limit=pager.limit + 1, after=after)
    shown = found[: pager.limit]
    more = str(shown[-1].digest) if len(found) > len(shown) else ""
    return pager.answer("images", [image_data(image) for image in shown], more)


@router.get("/{digest}", responses=shapes.gives(shapes.ImageShown))
def show_image(digest: DigestPath, request: Request, caller: Reading, service: Serving) -> Response:
    """Show an image on record: platforms, scans, and its last decisions."""
    found = caller.record.image(Digest.parse(digest), at=service.clock())
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
    found = platform_of(caller.record, digest, platform, at=service.clock())
    document = caller.record.document(found, EvidenceKind(kind))
    return verbatim(request, document, "application/json")


def _dossier(caller: Caller, digest: str, pager: Pager, *needs: Need) -> Dossier:
    found = caller.record.dossier(Digest.parse(digest), at=pager.at, needs=frozenset(needs))
    if found is None:
        raise NotFoundError(f"nothing is recorded about {digest}")
    return found
