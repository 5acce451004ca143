"""`/v1/gates`: may this digest run there, and why?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from supplychain.access.roles import may
from supplychain.bootstrap.starting import Starting
from supplychain.bootstrap.targets import subject_by_digest
from supplychain.model.access import Permission
from supplychain.model.decision import Decision, Verdict, Violation
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from supplychain.pipeline.answers import is_unseen
from supplychain.pipeline.judge import Judged
from supplychain.records.kept import Asked, Given, Image, Kept
from supplychain.server import shapes
from supplychain.server.caller import Caller, Deciding, Serving
from supplychain.server.metrics import DECISIONS
from supplychain.server.routing import noun
from supplychain.server.service import Service

router = noun("/v1/gates", "gates")

MOST = 1000
_EXAMPLE = f"registry.example/shop@sha256:{'1f3c' * 16}"
_Image = Annotated[str, Field(min_length=1, max_length=1024, examples=[_EXAMPLE])]
_Environment = Annotated[str, Path(description="where it wants to run", examples=["prod"])]


class DecideRequest(BaseModel):
    """What is asked about."""

    model_config = ConfigDict(extra="forbid")

    image: _Image = Field(description="by digest: `name@sha256:…`, or `sha256:…` alone")


class DecideBatchRequest(BaseModel):
    """What is asked about: many at once, in one order."""

    model_config = ConfigDict(extra="forbid")

    images: list[_Image] = Field(min_length=1, max_length=MOST, description="each by digest")


class Reason(BaseModel):
    """One reason for a denial, or for an answer that has to wait."""

    rule: str = Field(description="the rule's name in the policy")
    message: str
    remedy: str = Field(description="what would turn it into an allow; may be empty")
    notes: list[str] = Field(description="what would count if it were otherwise, and why not")
    vulnerability: str | None
    purl: str | None
    platform: str | None


class DecisionResponse(BaseModel):
    """A verdict. Only `allow` is one to go on with."""

    decision: Literal["allow", "deny", "pending"]
    image: str = Field(description="what was asked about, by digest")
    environment: str
    reasons: list[Reason] = Field(description="every reason, not only the first")
    remedies: list[str] = Field(description="what would turn it into an allow")
    decision_id: str = Field(description="digest of the recorded decision")
    evidence_url: str = Field(description="where the whole decision is, with its evidence")
    policy: str | None = Field(description="digest of the effective policy; null for none")
    decided_at: datetime
    expires_at: datetime | None = Field(description="how long it holds if nothing but time passes")


class DecisionsResponse(BaseModel):
    """A verdict about each, in the order in which they were asked about."""

    decisions: list[DecisionResponse]


@router.post("/{environment}/decide", responses=shapes.gives(DecisionResponse))
def decide(
    environment: _Environment, asked: DecideRequest, caller: Deciding, service: Serving
) -> Response:
    """Ask whether an image may run in an environment, from the record alone.

    Where the policy wants it, asking about an image that was never seen starts a run of it.
    Allow, deny and pending are all answers: 200. Whoever gets anything else has no allow.
    """
    subject = subject_by_digest(caller.record, asked.image)
    return _answer(*_judged(service, caller, environment, [subject]))


@router.post("/{environment}/decide-batch", responses=shapes.gives(DecisionsResponse))
def decide_batch(
    environment: _Environment, asked: DecideBatchRequest, caller: Deciding, service: Serving
) -> Response:
    """Ask the same of many images at once; one that cannot be judged fails all of them."""
    subjects = [subject_by_digest(caller.record, image) for image in asked.images]
    return _answer(together(_judged(service, caller, environment, subjects)))


def _judged(
    service: Service, caller: Caller, environment: str, subjects: list[Subject]
) -> list[bytes]:
    policy, judge = caller.own.policies.of(environment), service.judges.of(caller.shared)
    at, kept = service.clock(), service.store.kept
    may_submit = may(caller.principal, Permission.SUBMIT_RUNS, caller.project)
    counted = f"{caller.principal.organisation}/{caller.name}"
    starter = Starting(
        *(service.settings, caller.record, caller.name, may_submit),
        lambda: service.firsts.take(counted),
    )
    # Documents of callers' own claims have instants of their own, which no row tells.
    seen = kept.begin() if policy is not None and not policy.claims else None
    found = [
        judge.judge(one, policy, environment=environment, at=at, starter=starter)
        for one in subjects
    ]
    for judged in found:
        DECISIONS.labels(judged.decision.verdict.value).inc()
    told = [_told(judged) for judged in found]
    if seen is not None:
        number = caller.shared.number
        given = [_given(number, *one) for one in zip(found, told, strict=True)]
        kept.keep(seen, [one for one in given if one is not None])
    return told


def _given(project: int, judged: Judged, told: bytes) -> Given | None:
    """What may be kept: what is said of an image on record, where nothing is awaited."""
    decision = judged.decision
    if decision.policy is None or decision.verdict is Verdict.PENDING or is_unseen(decision):
        return None
    asked = Asked(project, decision.environment, decision.policy)
    image = Image(decision.subject.name, str(decision.subject.digest))
    answer = Kept(decision.verdict.value, told.decode())
    return Given(asked, image, decision.decided_at, decision.holds_until, answer)


def together(answers: Sequence[bytes]) -> bytes:
    """Many answers as one."""
    return b'{"decisions":[' + b",".join(answers) + b"]}"


def _answer(document: bytes) -> Response:
    return Response(document, media_type="application/json")


def _told(judged: Judged) -> bytes:
    return orjson.dumps(as_data(judged), option=orjson.OPT_UTC_Z)


def as_data(judged: Judged) -> dict[str, Any]:
    """A verdict as it is told."""
    decision = judged.decision
    return {
        "decision": decision.verdict.value,
        "image": str(decision.subject),
        "environment": decision.environment,
        "reasons": _reasons(decision),
        "remedies": list(decision.remedies),
        "decision_id": str(judged.identity),
        "evidence_url": _url(judged.identity),
        "policy": str(decision.policy) if decision.policy else None,
        "decided_at": decision.decided_at,
        "expires_at": decision.holds_until,
    }


def _url(identity: Digest) -> str:
    return f"/v1/decisions/{identity}"


def _reasons(decision: Decision) -> list[dict[str, Any]]:
    return [
        _reason(result.rule, violation)
        for result in decision.results
        if result.outcome == "violated"
        for violation in result.standing
    ]


def _reason(rule: str, violation: Violation) -> dict[str, Any]:
    finding = violation.finding
    return {
        "rule": rule,
        "message": violation.message,
        "remedy": violation.remedy,
        "notes": list(violation.notes),
        "vulnerability": finding.vulnerability_id if finding else None,
        "purl": violation.purl or (finding.purl if finding else "") or None,
        "platform": str(violation.platform) if violation.platform else None,
    }
