"""`/v1/runs`: images that workers take the whole way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import Header, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from supplychain.access.roles import require
from supplychain.bootstrap import runs
from supplychain.export.runs import event_data, run_data
from supplychain.gate.options import ENVIRONMENT
from supplychain.model.access import Permission
from supplychain.model.runs import Priority, Run, RunEvent, RunRequest, RunState
from supplychain.records.record import Record
from supplychain.server import shapes
from supplychain.server.answers import answer
from supplychain.server.caller import Caller, Reading, Serving, Submitting
from supplychain.server.conditions import Seen
from supplychain.server.paging import Page, Paging
from supplychain.server.routing import noun
from supplychain.server.service import Service

router = noun("/v1/runs", "runs")

# Something is said about so often, for proxies end what is silent; and at last the stream ends, for
# a server that is to end waits for it. Who follows comes back with what they saw last.
_SILENT_SECONDS = 15.0
_LONGEST_SECONDS = 300.0
# However seldom who follows looks at the run, they soon hear that the server ends.
_ENDING_SECONDS = 0.5
# Whether a run is over, and what happened to it.
_Seen = tuple[bool, tuple[RunEvent, ...]]
_EXAMPLE = "0199f0c2-7b1e-7c3a-9d55-2f6a1b0c4d5e"
_Id = Annotated[
    str,
    Path(
        pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
        max_length=36,
        examples=[_EXAMPLE],
        description="a run",
    ),
]
_State = Literal["queued", "running", "succeeded", "failed", "cancelled", "dead"]


class RunAsked(shapes.Asked):
    """What a run is to do."""

    reference: Annotated[
        str, Field(min_length=1, max_length=1024, examples=["registry.example/shop:1.4"])
    ]
    platform: Annotated[str, Field(max_length=100, description="of an index, only this one")] = ""
    environment: Annotated[
        str, Field(max_length=200, description="where it wants to run, and is judged for")
    ] = ""
    sign: Annotated[bool, Field(strict=True, description="sign and attest what was found")] = True
    priority: Literal["gate", "normal", "bulk"] = "normal"


class RunShown(BaseModel):
    """A run, as it stands."""

    id: str
    reference: str
    platform: str | None
    environment: str | None
    sign: bool
    priority: str
    requested_by: str
    state: _State
    stage: str | None
    digest: str | None
    takeovers: int = Field(description="how often a worker died over it")
    submitted_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: dict[str, Any] | None
    decision: str | None = Field(description="digest of the decision")
    again_of: str | None


class Runs(Page):
    """Runs, the newest first."""

    runs: list[RunShown]


@router.post("", status_code=202, responses=shapes.gives(RunShown, 202))
def submit_run(asked: RunAsked, request: Request, caller: Submitting, service: Serving) -> Response:
    """Ask for a run. A worker takes it up; follow its events to see how it goes."""
    where = asked.environment and str(ENVIRONMENT.parse(asked.environment))
    wanted = RunRequest(
        asked.reference, asked.platform, where, asked.sign, Priority[asked.priority.upper()]
    )
    at = service.clock()
    # Whatever this process may do for itself, callers name what lies in a registry.
    settings = service.settings.to_serve()
    run = runs.submit(settings, caller.record, wanted, requested_by=caller.name, at=at)
    return _accepted(request, run)


@router.get("", responses=shapes.gives(Runs))
def list_runs(
    caller: Reading,
    pager: Paging,
    state: Annotated[list[_State] | None, Query(description="only those that stand so")] = None,
) -> Response:
    """List runs. Those in the state `dead` killed their workers, again and again."""
    states = [RunState(one) for one in state or ()]
    more = pager.limit + 1
    found = caller.record.runs.list(states=states, limit=more, before=pager.after or None)
    shown = found[: pager.limit]
    following = shown[-1].id if len(found) > len(shown) else ""
    return pager.answer("runs", [run_data(run) for run in shown], following)


@router.get("/{run}", responses=shapes.gives(RunShown))
def show_run(run: _Id, request: Request, caller: Reading) -> Response:
    """Show a run."""
    return answer(request, run_data(caller.record.runs.get(run)))


@router.post("/{run}/cancel", status_code=202, responses=shapes.gives(RunShown, 202))
def cancel_run(
    run: _Id, request: Request, caller: Submitting, service: Serving, seen: Seen
) -> Response:
    """Stop a run: one's own, or, as an operator, anybody's."""
    as_seen = _require_own(caller, run)
    seen.require(run_data(as_seen))
    found = caller.record.runs.cancel(
        run, by=caller.name, at=service.clock(), seen=as_seen if seen.tags else None
    )
    return _accepted(request, found)


@router.post("/{run}/again", status_code=202, responses=shapes.gives(RunShown, 202))
def run_again(
    run: _Id, request: Request, caller: Submitting, service: Serving, seen: Seen
) -> Response:
    """Ask for the same once more: a new run, that names the old one."""
    seen.require(run_data(_require_own(caller, run)))
    found = caller.record.runs.again(run, by=caller.name, at=service.clock(), origin=runs.origin())
    return _accepted(request, found)


@router.get(
    "/{run}/events",
    responses={
        200: {
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
            "description": "server-sent events: one for each that happened to the run",
        },
        204: {"description": "the run is over, and there is nothing after that event"},
    },
    response_class=StreamingResponse,
)
async def follow_run(
    run: _Id,
    caller: Reading,
    service: Serving,
    last_event_id: Annotated[
        str, Header(pattern="^[0-9]{1,9}$", description="only what came after")
    ] = "0",
    *,
    follow: Annotated[bool, Query(description="stay until the run is over")] = True,
) -> Response:
    """Follow a run: its events as they happen, until it is over.

    A server that is told to end ends this too: come back with what you saw last.
    """
    after = int(last_event_id)
    seen = await asyncio.to_thread(_look, caller.shared, run, after)
    if seen == (True, ()):
        return Response(status_code=204)
    stream = _stream(service, caller.shared, run, after, seen, follow=follow)
    return StreamingResponse(
        stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _stream(
    service: Service, record: Record, run: str, after: int, seen: _Seen, *, follow: bool
) -> AsyncIterator[bytes]:
    """What was seen of a run already, and what is seen of it from then on."""
    clock = asyncio.get_running_loop().time
    began = said = clock()
    over, events = seen
    with service.following.one_more():
        while True:
            for event in events:
                after = event.number
                data = orjson.dumps(event_data(event))
                yield b"id: %d\nevent: %b\ndata: %b\n\n" % (after, event.kind.encode(), data)
            if over or not follow or service.ending.is_set():
                return
            if events:
                said = clock()
            elif clock() >= said + _SILENT_SECONDS:
                said = clock()
                yield b": still there\n\n"
            await _pause(service)
            if clock() >= began + _LONGEST_SECONDS:
                return
            over, events = await asyncio.to_thread(_look, record, run, after)


async def _pause(service: Service) -> None:
    """Wait until it is time for the next look, or the server is told to end."""
    clock = asyncio.get_running_loop().time
    until = clock() + service.following.seconds
    while not service.ending.is_set() and (left := until - clock()) > 0:
        await asyncio.sleep(min(left, _ENDING_SECONDS))


def _look(record: Record, run: str, after: int) -> _Seen:
    """Whether a run is over, and what happened to it; asked in this order, nothing is missed."""
    over = record.runs.get(run).state.over
    return over, record.runs.events(run, after=after)


def _require_own(caller: Caller, run: str) -> Run:
    found = caller.record.runs.get(run)
    if found.requested_by != caller.name:
        require(caller.principal, Permission.OPERATE_RUNS, caller.project)
    return found


def _accepted(request: Request, run: Run) -> Response:
    return answer(request, run_data(run), status=202, headers={"Location": f"/v1/runs/{run.id}"})
