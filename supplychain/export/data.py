"""What is on record as data: the same for `--output json` and for who asks over HTTP.

Fields are `snake_case`, instants RFC 3339 in UTC, digests whole.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from supplychain.model.waiver_document import terms_data

if TYPE_CHECKING:
    from supplychain.gate.comparison import Difference
    from supplychain.model.component import Component
    from supplychain.model.history import Approval, Deployment, Report
    from supplychain.model.identity import Identity, LogEntry, TrustedTime
    from supplychain.model.vex import VexStatement
    from supplychain.model.waiver import Waiver, WaiverEvent
    from supplychain.records.chain import Verification
    from supplychain.records.decided import RecordedDecision
    from supplychain.records.listing import ImageSummary
    from supplychain.records.vex import RecordedVex


class Witnessed(Protocol):
    """Something signed of which it was established who did."""

    @property
    def key_fingerprint(self) -> str:
        """The key that verified it."""
        ...

    @property
    def identity(self) -> Identity | None:
        """Whom the certificate was issued to; None where a key alone verified it."""
        ...

    @property
    def log_entries(self) -> tuple[LogEntry, ...]:
        """What logs hold of it."""
        ...

    @property
    def times(self) -> tuple[TrustedTime, ...]:
        """When it existed by trusted clocks."""
        ...


# What was written together has one instant: of a thousand rows on a page most have few.
@lru_cache(maxsize=4096)
def rfc3339(moment: datetime) -> str:
    """An instant as data: RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _optional(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def image_data(image: ImageSummary) -> dict[str, object]:
    """An image on record."""
    return {
        "digest": str(image.digest),
        "media_type": image.media_type,
        "names": list(image.names),
        "recorded_at": rfc3339(image.recorded_at),
        "platforms": [
            {
                "digest": str(platform.digest),
                "platform": str(platform.platform),
                "scanned_at": rfc3339(platform.scanned_at) if platform.scanned_at else None,
                "findings": {str(severity): count for severity, count in platform.findings},
            }
            for platform in image.platforms
        ],
        "decisions": [
            {
                "digest": str(decision.digest),
                "environment": decision.environment,
                "verdict": decision.verdict.value,
                "decided_at": rfc3339(decision.decided_at),
            }
            for decision in image.decisions
        ],
    }


def decision_data(found: RecordedDecision) -> dict[str, object]:
    """A decision as data."""
    return {
        "digest": str(found.digest),
        "name": found.subject.name,
        "subject": str(found.subject.digest),
        "environment": found.environment,
        "verdict": found.verdict.value,
        "policy": str(found.policy) if found.policy else None,
        "decided_at": rfc3339(found.decided_at),
        "holds_until": rfc3339(found.holds_until) if found.holds_until else None,
    }


def difference_data(found: Difference) -> dict[str, object]:
    """What is between two decisions, as data."""
    return {
        "before": str(found.ids[0]),
        "after": str(found.ids[1]),
        "verdicts": [found.before.verdict.value, found.after.verdict.value],
        "changes": [
            {"cause": one.cause.value, "rule": one.rule, "what": one.what} for one in found.changes
        ],
    }


def waiver_data(waiver: Waiver, now: datetime) -> dict[str, object]:
    """A waiver on the terms of one request, as data."""
    return {
        "waiver": waiver.name,
        "state": waiver.state(now).value,
        "request": str(waiver.document),
        **terms_data(waiver.terms),
        "requested_by": list(waiver.requested_by),
        "requested_at": rfc3339(waiver.requested_at),
        "approved_by": waiver.approved_by or None,
        "approved_at": _optional(waiver.approved_at),
        "approval": str(waiver.approval) if waiver.approval else None,
        "ended_by": waiver.ended_by or None,
        "ended_at": _optional(waiver.ended_at),
    }


def waiver_event_data(event: WaiverEvent) -> dict[str, object]:
    """One step, as data."""
    return {
        "step": event.step.value,
        "actor": event.actor,
        "at": rfc3339(event.at),
        "reason": event.reason,
        "document": str(event.document),
        "terms": terms_data(event.terms) if event.terms else None,
        "answers": str(event.answers) if event.answers else None,
    }


def claim_data(one: VexStatement) -> dict[str, object]:
    """A claim, and whose word it is."""
    claim = one.claim
    return {
        "name": one.name,
        "document": str(one.document),
        "number": claim.position,
        "author": one.author,
        "vulnerability": list(claim.vulnerability),
        "status": claim.status.value,
        "justification": claim.justification or None,
        "detail": claim.detail or None,
        "issued_at": rfc3339(claim.issued_at),
        "products": [
            {
                "purls": list(product.purls),
                "digests": [str(digest) for digest in product.digests],
                "names": list(product.names),
                "packages": list(product.packages),
            }
            for product in claim.products
        ],
        "signed": [
            {
                **signer_data(signature),
                "attached_to": None
                if signature.subject.digest == one.document
                else str(signature.subject.digest),
            }
            for signature in one.attestations
        ],
        "accepted": [
            {"by": said.accepted_by, "at": rfc3339(said.accepted_at)} for said in one.acceptances
        ],
    }


def vex_data(one: RecordedVex) -> dict[str, object]:
    """A VEX document on record."""
    return {
        "digest": str(one.digest),
        "format": one.format.value,
        "identifier": one.identifier or None,
        "author": one.author,
        "claims": one.claims,
        "issued_at": rfc3339(one.issued_at),
        "recorded_at": rfc3339(one.recorded_at),
        "attached_to": str(one.about) if one.about else None,
        "signed": [signer_data(signature) for signature in one.signatures],
    }


def signer_data(held: Witnessed) -> dict[str, object]:
    """Who signed, when by which clock, and in which log."""
    identity = held.identity
    return {
        "key_fingerprint": held.key_fingerprint,
        "identity": None
        if identity is None
        else {
            "name": identity.name,
            "kind": str(identity.kind),
            "issuer": identity.issuer,
            "claims": dict(identity.claims),
        },
        "log_entries": [
            {"log": e.log, "log_id": e.log_id, "index": e.index, "kind": e.kind}
            for e in held.log_entries
        ],
        "times": [{"at": rfc3339(t.at), "clock": str(t.clock), "name": t.name} for t in held.times],
    }


def deployment_data(deployment: Deployment) -> dict[str, object]:
    """What runs or ran somewhere."""
    until = deployment.until_at
    return {
        "environment": deployment.environment,
        "name": deployment.subject.name,
        "digest": str(deployment.subject.digest),
        "since_at": rfc3339(deployment.since_at),
        "until_at": rfc3339(until) if until else None,
        "reported_by": deployment.reported_by,
        "document": str(deployment.document),
    }


def approval_data(approval: Approval) -> dict[str, object]:
    """Who approved an image for an environment."""
    withdrawn = approval.withdrawn_at
    return {
        "environment": approval.environment,
        "approved_by": approval.approved_by,
        "approved_at": rfc3339(approval.approved_at),
        "reason": approval.reason,
        "withdrawn_at": rfc3339(withdrawn) if withdrawn else None,
        "document": str(approval.document),
    }


def report_data(report: Report) -> dict[str, object]:
    """What a report says, without who says it, which each command names in its own word."""
    return {
        "event": report.event.value,
        "environment": report.environment,
        "name": report.subject.name,
        "digest": str(report.subject.digest),
        "at": rfc3339(report.at),
    }


def component_data(component: Component) -> dict[str, object]:
    """A package in an image."""
    return {
        "purl": component.purl or None,
        "name": component.name,
        "version": component.version,
        "kind": component.kind,
        "ecosystem": component.ecosystem,
        "path": component.path,
        "licences": list(component.licences),
        "layer": str(component.layer) if component.layer else None,
        "supplier": component.supplier,
    }


def verification_data(found: Verification, counted: str) -> dict[str, object]:
    """What came of looking at a chain, as data.

    Args:
        found: It.
        counted: What the chain holds together: `decisions`, `events`.
    """
    head = found.head
    return {
        counted: found.count,
        "newest": {"number": head.sequence, "link": str(head.digest)} if head else None,
        "breaks": [{"number": one.sequence, "what": one.what} for one in found.breaks],
    }
