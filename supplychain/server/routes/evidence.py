"""`/v1/images/{digest}/evidence`: what is on record, and what was made elsewhere is handed in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Annotated, Any, Literal

from fastapi import Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from supplychain.bootstrap.evidence import judged
from supplychain.bootstrap.trust import policy_trust
from supplychain.errors import InputError
from supplychain.export.data import signer_data
from supplychain.export.evidence_data import document_data, judged_data, unsigned_data
from supplychain.gate.options import ENVIRONMENT
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.pipeline.claiming import read_claim
from supplychain.pipeline.handing_in import hand_in
from supplychain.pipeline.listing import read_listed
from supplychain.records.handed_in import UnsignedClaim
from supplychain.records.run import AttestationRecord
from supplychain.server import shapes
from supplychain.server.answers import answer, verbatim
from supplychain.server.caller import Caller, HandingIn, Reading, Serving
from supplychain.server.idempotency import begin_with
from supplychain.server.paging import Page, Paging
from supplychain.server.routing import noun
from supplychain.server.service import Service
from supplychain.server.shapes import DigestPath
from supplychain.server.streamed import received
from supplychain.signing.bundle_files import read
from supplychain.signing.encoding import read_json

router = noun("/v1/images/{digest}", "evidence")

_PIECE = 1 << 16
_Document = Annotated[
    str,
    Path(
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="digest of a document",
        examples=[shapes.DIGEST],
        max_length=71,
    ),
]
_BYTES: dict[str, Any] = {
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
}
_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": _BYTES}}


class Statement(BaseModel):
    """A signed statement that was verified and is on record."""

    digest: str = Field(description="digest of the bundle or envelope")
    subject: str
    predicate_type: str
    signed: dict[str, Any] = Field(description="who signed, when by which clock, in which log")
    components: int | None = Field(
        description="how many `/v1/search/components` finds; null for what is no CycloneDX JSON "
        "or lists what is no component"
    )


class Recorded(BaseModel):
    """What was recorded."""

    statements: list[Statement]


class UnsignedDocument(BaseModel):
    """A document that nobody signed: a claim of its caller, for policies to take or not."""

    subject: str
    kind: Literal["sbom", "scan"]
    claimed_by: str
    digest: str
    size: int
    recorded_at: datetime
    unread: str = Field(description="why it cannot count, whatever a policy says; empty if it can")
    components: int | None = Field(
        description="how many `/v1/search/claims` finds; null for what is no CycloneDX JSON "
        "or lists what is no component"
    )


class JudgedDocument(UnsignedDocument):
    """A document that nobody signed, and whether it counts."""

    counts: bool | None = Field(
        description="whether the policy of the environment takes it; null where none was named"
    )
    because: str | None = Field(description="why it does not count")


class JudgedDocuments(Page):
    """What callers claim of an image, the newest first."""

    claims: list[JudgedDocument]


class EvidenceDocument(BaseModel):
    """A document on record: either verified, or claimed."""

    subject: str = Field(description="what it is about: the image, or one of its platforms")
    kind: Literal["scan", "sbom", "signature", "attestation", "config"]
    digest: str = Field(description="digest of its bytes, by which it can be had")
    media_type: str
    size: int | None = Field(description="how many bytes are kept; null where they are missing")
    predicate_type: str | None = Field(description="of what is signed, what is stated")
    verified_by: str | None = Field(
        description="`first-hand` for what the service made itself, else the key or identity"
    )
    claimed_by: str | None = Field(description="the caller whose mere word it is")
    handed_in_by: str | None = Field(
        description="the caller who handed it in first; null where nobody did, or nobody kept who"
    )
    recorded_at: datetime


class EvidenceDocuments(Page):
    """What is on record about an image and its platforms, the newest first."""

    documents: list[EvidenceDocument]


@router.post(
    "/evidence",
    status_code=201,
    openapi_extra=_BODY,
    responses={
        201: {"model": Recorded},
        202: {
            "model": UnsignedDocument,
            "description": "kept apart: it counts where a policy says so",
        },
    },
)
async def hand_in_evidence(
    digest: DigestPath,
    request: Request,
    caller: HandingIn,
    service: Serving,
    kind: Annotated[
        Literal["attestation", "sbom", "scan"],
        Query(description="signed statements; or an SBOM or scan report without a signature"),
    ],
    environment: Annotated[
        str | None, Query(description="of attestations: whose policy says whose word counts")
    ] = None,
) -> Response:
    """Hand in what was made elsewhere about an image on record.

    Attestations are Sigstore bundles or DSSE envelopes, one or several as JSON Lines. Each is
    verified by the keys and identities of the environment's policy before any is recorded. An
    SBOM (CycloneDX) or scan report (Trivy's) without a signature is kept apart, as a claim of who
    handed it in: it counts where a policy names them under `claims`.
    """
    async with received(request) as body:
        now = service.clock()
        await asyncio.to_thread(
            begin_with, request, caller.record, caller.name, body.digest, at=now
        )
        if kind == "attestation":
            held = await asyncio.to_thread(
                _attested, service, caller, digest, body.file, environment or ""
            )
            return answer(request, {"statements": [_statement(one) for one in held]}, status=201)
        claim = await asyncio.to_thread(_claimed, service, caller, digest, body.file, kind)
        return answer(request, unsigned_data(claim), status=202)


@router.get("/evidence", responses=shapes.gives(EvidenceDocuments))
def list_evidence(digest: DigestPath, caller: Reading, pager: Paging) -> Response:
    """List every document about an image and its platforms, and whose word it is."""
    documents = caller.record.documents
    found = documents.about(Digest.parse(digest), at=pager.at)
    return pager.answer_part(
        "documents", found, lambda one: document_data(one, documents.size(one))
    )


@router.get("/evidence/{document}", response_class=Response, responses={200: {"content": _BYTES}})
def show_evidence(
    digest: DigestPath,
    document: _Document,
    request: Request,
    caller: Reading,
    service: Serving,
) -> Response:
    """Give a document about an image, byte for byte; its `ETag` is its digest."""
    named = Digest.parse(document)
    found = caller.record.documents.get(Digest.parse(digest), named, at=service.clock())
    return verbatim(request, found, "application/octet-stream", name=str(named))


@router.get("/claims", responses=shapes.gives(JudgedDocuments))
def list_claims(
    digest: DigestPath,
    caller: Reading,
    pager: Paging,
    environment: Annotated[
        str | None, Query(description="whose policy says which of them count", examples=["prod"])
    ] = None,
) -> Response:
    """List what callers claim of an image without a signature, for policies to take or not."""
    where = None if environment is None else str(ENVIRONMENT.parse(environment))
    policy = None if where is None else caller.own.policies.of(where)
    found = judged(caller.record.handed_in.about(Digest.parse(digest), at=pager.at), policy, where)
    return pager.answer_part("claims", found, lambda one: judged_data(*one))


def _attested(
    service: Service, caller: Caller, digest: str, file: IO[bytes], environment: str
) -> tuple[AttestationRecord, ...]:
    if not environment:
        raise InputError(
            "nobody says whose word counts", hint="name an environment: ?environment=prod"
        )
    policy = caller.own.policies.of(environment)
    trust = policy_trust(caller.own.settings, policy)
    file.seek(0)
    documents = read(file.read(), "the body")
    subject, now = Digest.parse(digest), service.clock()
    return hand_in(caller.record, subject, documents, trust, by=caller.name, at=now)


def _claimed(
    service: Service, caller: Caller, digest: str, file: IO[bytes], kind: str
) -> UnsignedClaim:
    now, subject = service.clock(), Digest.parse(digest)
    caller.record.images.require(subject)
    file.seek(0)
    data = file.read()
    said = read_json(data, f"the {kind}", limit=len(data)).value
    if not isinstance(said, dict):
        raise InputError(f"the {kind} is no JSON object")
    named, wanted = caller.name, EvidenceKind(kind)
    told, unread = read_claim(caller.record, subject, wanted, data, caller=named, at=now)
    found, unlisted = read_listed(said) if wanted is EvidenceKind.SBOM else (None, "")
    if unlisted:  # what nobody could find must not speak for an image
        told, unread = None, unread or unlisted
    claim = UnsignedClaim(subject, wanted, named, Digest.of(data), len(data), now, unread)
    return caller.record.handed_in.add(claim, lambda: _pieces(file), told, found)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(_PIECE):
        yield piece


def _statement(held: AttestationRecord) -> dict[str, object]:
    attestation = held.attestation
    return {
        "digest": str(attestation.envelope),
        "subject": str(attestation.subject.digest),
        "predicate_type": attestation.predicate_type,
        "signed": signer_data(attestation),
        "components": None if held.listed is None else len(set(held.listed)),
    }
