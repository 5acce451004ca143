"""`/v1/waivers`: risks accepted for a while, by somebody else's word."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from supplychain.bootstrap.waiver_book import approve_waiver, request_waiver
from supplychain.bootstrap.waivers import expiry, waiver_number
from supplychain.export.data import waiver_data, waiver_event_data
from supplychain.model.digest import Digest
from supplychain.model.waiver import (
    EndsWithFix,
    WaiverScope,
    WaiverState,
    WaiverStep,
    WaiverTerms,
)
from supplychain.server import shapes
from supplychain.server.answers import answer
from supplychain.server.caller import AnsweringWaivers, Reading, RequestingWaivers, Serving
from supplychain.server.paging import Page, Paging

router = APIRouter(prefix="/v1/waivers", tags=["waivers"])

_Name = Annotated[
    str, Path(pattern=r"^WV-[1-9][0-9]{0,8}$", description="a waiver", examples=["WV-17"])
]
_Short = Annotated[str, Field(max_length=1024)]


class WaiverRequest(shapes.Asked):
    """What somebody asks for: a vulnerability; or a rule with a package, an image, a repository."""

    vulnerability: _Short = Field(default="", examples=["CVE-2024-0727"])
    rule: _Short = ""
    package: _Short = Field(default="", description="a package URL, perhaps with its version")
    versions: _Short = Field(default="", description="which versions; else those on record")
    image: str | None = Field(default=None, pattern=r"^sha256:[0-9a-f]{64}$")
    repository: _Short = ""
    environments: list[_Short] = Field(default=[], max_length=100, description="else everywhere")
    expires: _Short = Field(
        min_length=1, description="`14d`, a date, or an instant", examples=["14d"]
    )
    reason: shapes.Text = Field(min_length=1, examples=["nobody parses PKCS12"])
    owner: _Short = Field(default="", description="who looks after it; else who asks")
    ticket: _Short = ""
    ends_with_fix: EndsWithFix = EndsWithFix.NEVER


class Answer(shapes.Asked):
    """What somebody says to a waiver."""

    reason: shapes.Text = ""


class Approval(Answer):
    """The word that a risk may be borne."""

    request: str | None = Field(
        default=None,
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="only if it still asks for exactly this",
    )


class Waiver(BaseModel):
    """A waiver on the terms of one request."""

    model_config = ConfigDict(extra="allow")

    waiver: str
    state: WaiverState
    request: str
    reason: str
    requested_by: list[str]
    requested_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    ended_by: str | None
    ended_at: datetime | None


class Approved(Waiver):
    """A waiver that somebody just approved."""

    counts_in: list[str] = Field(description="the environments in which the approval counts")


class Waivers(Page):
    """Waivers by number, changes that are asked for beside them."""

    waivers: list[Waiver]


class Step(BaseModel):
    """What was done to a waiver."""

    step: str
    actor: str
    at: datetime
    reason: str
    document: str
    terms: dict[str, Any] | None
    answers: str | None


class History(BaseModel):
    """A waiver with all that was done to it, and what rests on it."""

    waivers: list[Waiver]
    history: list[Step]
    decisions: list[str]


@router.get("", responses=shapes.gives(Waivers))
def list_waivers(
    caller: Reading,
    pager: Paging,
    state: Annotated[WaiverState | None, Query(description="only those that stand so")] = None,
) -> Response:
    """List waivers, and the changes that somebody asks for beside them."""
    found = [
        one
        for one in caller.record.waivers.all(at=pager.at)
        if state in {None, one.state(pager.at)}
    ]
    return pager.answer_part("waivers", found, lambda one: waiver_data(one, pager.at))


@router.get("/{waiver}", responses=shapes.gives(History))
def show_waiver(waiver: _Name, request: Request, caller: Reading, service: Serving) -> Response:
    """Show a waiver: what it is about, who said what, and which decisions rest on it."""
    now, number, book = service.clock(), waiver_number(waiver), caller.record.waivers
    steps = book.history(number, at=now)
    found = [one for one in book.all(at=now) if one.number == number]
    return answer(
        request,
        {
            "waivers": [waiver_data(one, now) for one in found],
            "history": [waiver_event_data(step) for step in steps],
            "decisions": [str(digest) for digest in book.used_by(number)],
        },
    )


@router.post("", status_code=201, responses=shapes.gives(Waiver, 201))
def request_a_waiver(
    asked: WaiverRequest, request: Request, caller: RequestingWaivers, service: Serving
) -> Response:
    """Ask that a risk be accepted for a while; somebody else has to approve it."""
    now = service.clock()
    ends = expiry(asked.expires, now)

    def terms(about: WaiverScope) -> WaiverTerms:
        return WaiverTerms(
            about,
            reason=asked.reason,
            expires_at=ends,
            owner=asked.owner or caller.name,
            ticket=asked.ticket,
            ends_with_fix=asked.ends_with_fix,
        )

    scope = WaiverScope(
        vulnerability=asked.vulnerability,
        rule=asked.rule,
        package=asked.package,
        versions=asked.versions,
        repository=asked.repository,
        image=Digest.parse(asked.image) if asked.image else None,
        environments=tuple(sorted(set(asked.environments))),
    )
    made = request_waiver(
        caller.own.settings, caller.record, scope, terms, actor=caller.name, at=now
    )
    return answer(
        request,
        waiver_data(made, now),
        status=201,
        headers={"Location": f"/v1/waivers/{made.name}"},
    )


@router.post("/{waiver}/approve", responses=shapes.gives(Approved))
def approve_a_waiver(
    waiver: _Name,
    said: Approval,
    request: Request,
    caller: AnsweringWaivers,
    service: Serving,
) -> Response:
    """Accept the risk; whoever asked for it cannot."""
    now = service.clock()
    made, counts = approve_waiver(
        caller.own.settings,
        caller.record,
        waiver_number(waiver),
        actor=caller.name,
        at=now,
        reason=said.reason,
        document=Digest.parse(said.request) if said.request else None,
    )
    return answer(request, {**waiver_data(made, now), "counts_in": counts})


@router.post("/{waiver}/reject", responses=shapes.gives(Waiver))
def reject_a_waiver(
    waiver: _Name, said: Answer, request: Request, caller: AnsweringWaivers, service: Serving
) -> Response:
    """Turn down what is asked for; what was approved before goes on to hold."""
    now = service.clock()
    made = caller.record.waivers.answer(
        waiver_number(waiver), WaiverStep.REJECTED, actor=caller.name, at=now, reason=said.reason
    )
    return answer(request, waiver_data(made, now))


@router.post("/{waiver}/revoke", responses=shapes.gives(Waiver))
def revoke_a_waiver(
    waiver: _Name, said: Answer, request: Request, caller: RequestingWaivers, service: Serving
) -> Response:
    """End a waiver at once, and whatever is asked for beside it."""
    now = service.clock()
    made = caller.record.waivers.revoke(
        waiver_number(waiver), actor=caller.name, at=now, reason=said.reason
    )
    return answer(request, waiver_data(made, now))
