"""`/v1/decisions`: what was decided, why it changed, and that it comes out again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from supplychain.bootstrap.decided import decided, difference, replay_documents
from supplychain.export.data import decision_data, difference_data, verification_data
from supplychain.gate.options import ENVIRONMENT
from supplychain.model.decision import Verdict
from supplychain.model.digest import Digest
from supplychain.server import shapes
from supplychain.server.answers import answer, verbatim
from supplychain.server.caller import Reading, Serving
from supplychain.server.instants import Instant, utc
from supplychain.server.paging import Page, Paging
from supplychain.server.routing import noun

router = noun("/v1/decisions", "decisions")

_Id = Annotated[
    str,
    Path(
        pattern=r"^(sha256:)?[0-9a-f]{6,64}$",
        description="a decision, or the beginning of its ID",
        examples=[shapes.DIGEST],
    ),
]


class Listed(BaseModel):
    """A decision, in short."""

    digest: str = Field(description="digest of the decision: its ID")
    name: str
    subject: str = Field(description="digest of what was asked about")
    environment: str
    verdict: shapes.Verdict
    policy: str | None
    decided_at: datetime
    holds_until: datetime | None


class Decisions(Page):
    """Decisions, the newest first."""

    decisions: list[Listed]


class DecisionDocument(BaseModel):
    """A whole decision, as it is on record: its digest is that of these bytes."""

    model_config = ConfigDict(extra="allow")

    schemaVersion: int  # noqa: N815  # as the document has it
    environment: str
    verdict: shapes.Verdict


class Change(BaseModel):
    """One thing by which two decisions differ."""

    cause: str
    rule: str
    what: str


class Difference(BaseModel):
    """Why a later decision says something else than an earlier one."""

    before: str
    after: str
    verdicts: list[shapes.Verdict]
    changes: list[Change]


class Replayed(BaseModel):
    """A decision that came out again byte for byte."""

    decision: str
    verdict: shapes.Verdict
    same: bool


class VerifiedDecisions(BaseModel):
    """The chain of decisions, looked at from end to end."""

    decisions: int
    newest: shapes.Newest | None
    breaks: list[shapes.Break] = Field(description="empty where nobody has changed anything")


@router.get("", responses=shapes.gives(Decisions))
def list_decisions(
    caller: Reading,
    pager: Paging,
    image: Annotated[
        str | None, Query(pattern=r"^sha256:[0-9a-f]{64}$", description="about this digest")
    ] = None,
    environment: shapes.EnvironmentQuery = None,
    verdict: shapes.Verdict | None = None,
    since: Annotated[Instant | None, Query(description="made then or later")] = None,
    until: Annotated[Instant | None, Query(description="made then or earlier")] = None,
) -> Response:
    """List decisions on record, the newest first."""
    found = caller.record.ledger.list(
        subject=Digest.parse(image) if image else None,
        environment=str(ENVIRONMENT.parse(environment)) if environment is not None else None,
        verdict=Verdict(verdict) if verdict else None,
        since=utc(since, "since"),
        until=utc(until, "until"),
        limit=pager.limit + 1,
        after=Digest.parse(pager.after) if pager.after else None,
    )
    shown = found[: pager.limit]
    more = str(shown[-1].digest) if len(found) > len(shown) else ""
    return pager.answer("decisions", [decision_data(one) for one in shown], more)


@router.get("/verification", responses=shapes.gives(VerifiedDecisions))
def verify_decisions(
    request: Request,
    caller: Reading,
    service: Serving,
    link: Annotated[
        list[str] | None,
        Query(max_length=100, description="links that were noted earlier; each has to be there"),
    ] = None,
) -> Response:
    """Verify the chain of decisions: none taken out, changed, moved or put in.

    It reads every decision, so each server process verifies one chain at a time: 429 for others.
    """
    noted = [Digest.parse(text) for text in link or ()]
    with service.verifying.entered():
        found = caller.record.ledger.verify(noted)
    return answer(request, verification_data(found, "decisions"))


@router.get("/{decision}", responses=shapes.gives(DecisionDocument))
def show_decision(decision: _Id, request: Request, caller: Reading) -> Response:
    """Give a decision, byte for byte."""
    return verbatim(request, decided(caller.record, decision).document, "application/json")


@router.get("/{decision}/difference", responses=shapes.gives(Difference))
def diff_decisions(
    decision: _Id,
    request: Request,
    caller: Reading,
    since: Annotated[
        str,
        Query(pattern=r"^(sha256:)?[0-9a-f]{6,64}$", description="the earlier decision"),
    ],
) -> Response:
    """Say why a decision says something else than an earlier one."""
    return answer(request, difference_data(difference(caller.record, since, decision)))


@router.get("/{decision}/replay", responses=shapes.gives(Replayed))
def replay_decision(decision: _Id, request: Request, caller: Reading) -> Response:
    """Judge again what was judged then: it has to come out byte for byte."""
    found = caller.record.ledger.replayable(caller.record.ledger.find(decision))
    then = replay_documents(found)
    told = {"decision": str(Digest.of(found.document)), "verdict": then.verdict.value}
    return answer(request, {**told, "same": True})
