"""`/v1/waivers`: risks accepted for a while, by somebody else's word."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Query, Request
from starlette.responses import Response

from supplychain.bootstrap.waiver_book import approve_waiver, change_waiver, request_waiver
from supplychain.bootstrap.waivers import expiry, waiver_number
from supplychain.export.data import waiver_data, waiver_event_data
from supplychain.model.digest import Digest
from supplychain.model.waiver import (
    Waiver,
    WaiverChanges,
    WaiverScope,
    WaiverState,
    WaiverStep,
    WaiverTerms,
)
from supplychain.records.record import Record
from supplychain.server import shapes
from supplychain.server import waiver_shapes as told
from supplychain.server.answers import answer
from supplychain.server.caller import (
    AnsweringWaivers,
    Caller,
    Reading,
    RequestingWaivers,
    Serving,
)
from supplychain.server.conditions import Condition, Seen
from supplychain.server.paging import Paging
from supplychain.server.routing import noun

router = noun("/v1/waivers", "waivers")

_Name = Annotated[
    str, Path(pattern=r"^WV-[1-9][0-9]{0,8}$", description="a waiver", examples=["WV-17"])
]


@router.get("", responses=shapes.gives(told.Waivers))
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


@router.get("/{waiver}", responses=shapes.gives(told.History))
def show_waiver(waiver: _Name, request: Request, caller: Reading, service: Serving) -> Response:
    """Show a waiver: what it is about, who said what, and which decisions rest on it."""
    return answer(request, _shown(caller.record, waiver_number(waiver), service.clock()))


@router.post("", status_code=201, responses=shapes.gives(told.Waiver, 201))
def request_a_waiver(
    asked: told.WaiverRequest, request: Request, caller: RequestingWaivers, service: Serving
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


@router.post("/{waiver}/extend", responses=shapes.gives(told.Waiver))
def extend_a_waiver(
    waiver: _Name,
    asked: told.WaiverExtension,
    request: Request,
    caller: RequestingWaivers,
    service: Serving,
    seen: Seen,
) -> Response:
    """Ask for more time; the old expiry holds until somebody else approves the new one."""
    now = service.clock()
    changes = WaiverChanges(reason=asked.reason, expires_at=expiry(asked.expires, now))
    return _changed(request, caller, seen, waiver, WaiverStep.EXTENDED, changes, now)


@router.post("/{waiver}/change", responses=shapes.gives(told.Waiver))
def change_a_waiver(
    waiver: _Name,
    asked: told.WaiverChange,
    request: Request,
    caller: RequestingWaivers,
    service: Serving,
    seen: Seen,
) -> Response:
    """Ask for other terms; those that are approved hold until the new ones are."""
    now = service.clock()
    changes = WaiverChanges(
        versions=asked.versions,
        environments=tuple(asked.environments),
        reason=asked.reason,
        expires_at=expiry(asked.expires, now) if asked.expires else None,
        owner=asked.owner,
        ticket=asked.ticket,
        ends_with_fix=asked.ends_with_fix,
    )
    return _changed(request, caller, seen, waiver, WaiverStep.CHANGED, changes, now)


@router.post("/{waiver}/approve", responses=shapes.gives(told.Approved))
def approve_a_waiver(
    waiver: _Name,
    said: told.WaiverApproval,
    request: Request,
    caller: AnsweringWaivers,
    service: Serving,
    seen: Seen,
) -> Response:
    """Accept the risk; whoever asked for it cannot."""
    now, number = service.clock(), waiver_number(waiver)
    last = _seen(seen, caller.record, number, now)
    shown = last.document if last else None
    made, counts = approve_waiver(
        caller.own.settings,
        caller.record,
        number,
        actor=caller.name,
        at=now,
        reason=said.reason,
        document=Digest.parse(said.request) if said.request else shown,
    )
    return answer(request, {**waiver_data(made, now), "counts_in": counts})


@router.post("/{waiver}/reject", responses=shapes.gives(told.Waiver))
def reject_a_waiver(
    waiver: _Name,
    said: told.Answer,
    request: Request,
    caller: AnsweringWaivers,
    service: Serving,
    seen: Seen,
) -> Response:
    """Turn down what is asked for; what was approved before goes on to hold."""
    now, number = service.clock(), waiver_number(waiver)
    last = _seen(seen, caller.record, number, now)
    made = caller.record.waivers.answer(
        number,
        WaiverStep.REJECTED,
        actor=caller.name,
        at=now,
        reason=said.reason,
        document=last.document if last else None,
    )
    return answer(request, waiver_data(made, now))


@router.post("/{waiver}/revoke", responses=shapes.gives(told.Waiver))
def revoke_a_waiver(
    waiver: _Name,
    said: told.Answer,
    request: Request,
    caller: RequestingWaivers,
    service: Serving,
    seen: Seen,
) -> Response:
    """End a waiver at once, and whatever is asked for beside it."""
    now, number = service.clock(), waiver_number(waiver)
    _seen(seen, caller.record, number, now)
    made = caller.record.waivers.revoke(number, actor=caller.name, at=now, reason=said.reason)
    return answer(request, waiver_data(made, now))


def _changed(
    request: Request,
    caller: Caller,
    condition: Condition,
    waiver: str,
    step: WaiverStep,
    changes: WaiverChanges,
    now: datetime,
) -> Response:
    number = waiver_number(waiver)
    seen = _seen(condition, caller.record, number, now)
    made = change_waiver(
        caller.own.settings,
        caller.record,
        number,
        changes,
        actor=caller.name,
        at=now,
        step=step,
        seen=seen.terms if seen else None,
    )
    return answer(request, waiver_data(made, now))


def _seen(seen: Condition, record: Record, number: int, now: datetime) -> Waiver | None:
    """The request that the caller saw last, where `If-Match` says that they did."""
    if not seen.tags:
        return None
    seen.require(_shown(record, number, now))
    return _requests(record, number, now)[-1]


def _shown(record: Record, number: int, now: datetime) -> dict[str, Any]:
    book = record.waivers
    steps = book.history(number, at=now)
    return {
        "waivers": [waiver_data(one, now) for one in _requests(record, number, now)],
        "history": [waiver_event_data(step) for step in steps],
        "decisions": [str(digest) for digest in book.used_by(number)],
    }


def _requests(record: Record, number: int, now: datetime) -> list[Waiver]:
    return [one for one in record.waivers.all(at=now) if one.number == number]
