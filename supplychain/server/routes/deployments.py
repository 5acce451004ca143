"""`/v1/deployments` and `/v1/approvals`: what runs where, and who said that it may."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from supplychain.bootstrap.reports import deployments, record_deployment
from supplychain.bootstrap.targets import subject_by_digest
from supplychain.export.data import approval_data, deployment_data, report_data
from supplychain.gate.options import ENVIRONMENT
from supplychain.model.digest import Digest
from supplychain.model.history import Event, Report
from supplychain.server import shapes
from supplychain.server.answers import answer
from supplychain.server.caller import Approving, Caller, Reading, Reporting, Serving
from supplychain.server.paging import Page, Paging
from supplychain.server.routing import noun
from supplychain.server.service import Service

router = noun("/v1", "deployments")


class DeploymentReport(shapes.Asked):
    """What happened somewhere."""

    image: shapes.Image
    environment: Annotated[str, Field(max_length=200, examples=["prod"])]
    event: Literal["started", "started_beside", "ended"] = Field(
        description="`started` takes the place of what ran of its repository there"
    )
    reason: shapes.Text = ""


class Reported(BaseModel):
    """A report that is on record."""

    event: str
    environment: str
    name: str
    digest: str
    at: datetime
    reported_by: str


class Deployment(BaseModel):
    """What runs or ran somewhere."""

    environment: str
    name: str
    digest: str
    since_at: datetime
    until_at: datetime | None
    reported_by: str
    document: str


class Deployments(Page):
    """What runs where, as reported, the newest first."""

    deployments: list[Deployment]


class ApprovalReport(shapes.Asked):
    """Somebody's word about exactly this digest."""

    image: shapes.Image
    environment: Annotated[str, Field(max_length=200, examples=["prod"])]
    event: Literal["given", "withdrawn"]
    reason: shapes.Text = ""


class Said(BaseModel):
    """An approval, or that it was withdrawn, on record."""

    event: str
    environment: str
    name: str
    digest: str
    at: datetime
    actor: str
    document: str


class Approval(BaseModel):
    """Who approved an image for an environment."""

    environment: str
    approved_by: str
    approved_at: datetime
    reason: str
    withdrawn_at: datetime | None
    document: str


class Approvals(Page):
    """Who approved an image, the newest first."""

    approvals: list[Approval]


@router.get("/deployments", responses=shapes.gives(Deployments))
def list_deployments(
    caller: Reading,
    pager: Paging,
    environment: shapes.EnvironmentQuery = None,
    ended: Annotated[bool, Query(description="what has ended, too")] = False,
) -> Response:
    """List what runs where, as it was reported."""
    where = str(ENVIRONMENT.parse(environment)) if environment is not None else None
    shown = deployments(caller.record.history, where, ended=ended, at=pager.at)
    return pager.answer_part("deployments", shown, deployment_data)


@router.post("/deployments", status_code=201, responses=shapes.gives(Reported, 201))
def report_deployment(
    asked: DeploymentReport, request: Request, caller: Reporting, service: Serving
) -> Response:
    """Report that an image began or ceased to run somewhere. A report is no question."""
    said = _report(service, caller, asked)
    record_deployment(caller.record.history, said)
    return answer(request, {**report_data(said), "reported_by": said.actor}, status=201)


@router.get("/approvals", responses=shapes.gives(Approvals), tags=["approvals"])
def list_approvals(
    caller: Reading,
    pager: Paging,
    image: Annotated[str, Query(pattern=r"^sha256:[0-9a-f]{64}$", examples=[shapes.DIGEST])],
) -> Response:
    """List who approved an image, and for which environments."""
    found = caller.record.history.approvals(Digest.parse(image), at=pager.at)
    return pager.answer_part("approvals", found, approval_data)


@router.post("/approvals", status_code=201, responses=shapes.gives(Said, 201), tags=["approvals"])
def report_approval(
    asked: ApprovalReport, request: Request, caller: Approving, service: Serving
) -> Response:
    """Approve exactly this digest for an environment, or take that back.

    It counts where a rule `approval` of the environment's policy names who says it.
    """
    said = _report(service, caller, asked)
    document = caller.record.history.approve(said, at=said.at)
    told = {**report_data(said), "actor": said.actor, "document": str(document)}
    return answer(request, told, status=201)


def _report(service: Service, caller: Caller, asked: DeploymentReport | ApprovalReport) -> Report:
    subject = subject_by_digest(caller.record, asked.image)
    where = str(ENVIRONMENT.parse(asked.environment))
    now = service.clock()
    return Report(Event(asked.event), subject, where, now, caller.name, asked.reason)
