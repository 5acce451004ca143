"""What happened to images, for the gate: deployments, allowances, approvals, work under way."""

from __future__ import annotations

from datetime import datetime, timedelta

from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.model.history import Allowance, Approval, Deployment, Underway
from supplychain.model.subject import Subject
from tests.kit.scans import AT, SUBJECT

HOUR = timedelta(hours=1)


def ran(
    environment: str = "staging",
    *,
    subject: Subject = SUBJECT,
    since: timedelta = 48 * HOUR,
    until: timedelta | None = None,
) -> Deployment:
    """A deployment that began and ended so long before `AT`."""
    said = f"{environment} {subject} {since} {until}".encode()
    ended = None if until is None else AT - until
    return Deployment(environment, subject, AT - since, ended, "cd", Digest.of(said))


def allowed(
    environment: str = "staging",
    *,
    subject: Subject = SUBJECT,
    since: timedelta = 48 * HOUR,
    until: timedelta | None = None,
) -> Allowance:
    """A stretch of time over which decisions allowed the image, before `AT`."""
    ended = None if until is None else AT - until
    decision = Digest.of(f"{environment} {since}".encode())
    return Allowance(environment, subject.digest, decision, AT - since, ended)


def approved(
    by: str = "alice",
    *,
    environment: str = "prod",
    subject: Subject = SUBJECT,
    ago: timedelta = HOUR,
    withdrawn: timedelta | None = None,
) -> Approval:
    """An approval given so long before `AT`."""
    taken: datetime | None = None if withdrawn is None else AT - withdrawn
    return Approval(
        environment=environment,
        subject=subject,
        approved_by=by,
        approved_at=AT - ago,
        reason="",
        document=Digest.of(f"{by} {environment} {subject} {ago}".encode()),
        withdrawn_by=by if taken else "",
        withdrawn_at=taken,
    )


def underway(
    *kinds: EvidenceKind, since: timedelta = HOUR / 60, lease: timedelta = HOUR
) -> Underway:
    """Work that began so long before `AT`, on all that a run makes unless kinds are given."""
    made = kinds or (
        EvidenceKind.SCAN,
        EvidenceKind.SBOM,
        EvidenceKind.SIGNATURE,
        EvidenceKind.ATTESTATION,
        EvidenceKind.CONFIG,
    )
    return Underway(made, AT - since, AT - since + lease, "run")
