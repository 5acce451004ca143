"""`/v1/audit`: who did what, from where, and that nobody changed the log of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from supplychain.export.access_data import event_data
from supplychain.export.data import verification_data
from supplychain.model.digest import Digest
from supplychain.records.audit import AuditAsked
from supplychain.server import access_shapes as told
from supplychain.server import shapes
from supplychain.server.answers import answer
from supplychain.server.caller import ReadingAudit, Serving
from supplychain.server.instants import Instant, utc
from supplychain.server.paging import Paging
from supplychain.server.routing import noun

router = noun("/v1/audit", "audit")

_Text = Annotated[str | None, Query(max_length=500)]


@router.get("", responses=shapes.gives(told.Events))
def list_events(
    caller: ReadingAudit,
    pager: Paging,
    who: _Text = None,
    what: Annotated[
        str | None, Query(max_length=100, description="`waiver`, `waiver.approved` …")
    ] = None,
    about: _Text = None,
    project: Annotated[str | None, Query(max_length=100)] = None,
    since: Annotated[Instant | None, Query(description="done then or later")] = None,
    until: Annotated[Instant | None, Query(description="done then or earlier")] = None,
) -> Response:
    """List what was done in the organisation, the newest first."""
    asked = AuditAsked(
        who=who,
        what=what,
        about=about,
        project=project,
        since=utc(since, "since"),
        until=utc(until, "until"),
        before=pager.offset or None,
    )
    found = caller.audit.list(asked, limit=pager.limit + 1)
    page = found[: pager.limit]
    following = str(page[-1].sequence) if len(found) > len(page) else ""
    return pager.answer("events", [event_data(event) for event in page], following)


@router.get("/verify", responses=shapes.gives(told.VerifiedLog))
def verify_the_log(
    request: Request,
    caller: ReadingAudit,
    service: Serving,
    link: Annotated[
        str | None,
        Query(pattern=r"^sha256:[0-9a-f]{64}$", description="a link that was noted earlier"),
    ] = None,
) -> Response:
    """Verify the audit log: no event taken out, changed, moved or put in.

    It reads every event, so each server process verifies one chain at a time: 429 for others.
    """
    with service.verifying.entered():
        found = caller.audit.verify([Digest.parse(link)] if link else [])
    return answer(request, verification_data(found, "events"))
