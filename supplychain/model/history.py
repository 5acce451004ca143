"""What happened to an image: where it runs and ran, who approved it, what is being done."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum

from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.model.subject import Subject


@dataclass(frozen=True, slots=True)
class Deployment:
    """An image that runs or ran in an environment, as reported.

    Attributes:
        environment: Where.
        subject: What: the digest that was deployed, under its repository.
        since_at: Since when (aware, UTC).
        until_at: Until when; None while it runs.
        reported_by: Who says so.
        document: Digest of the report, canonical JSON.
    """

    environment: str
    subject: Subject
    since_at: datetime
    until_at: datetime | None
    reported_by: str
    document: Digest


@dataclass(frozen=True, slots=True)
class Allowance:
    """A stretch of time over which the record's decisions allowed an image in an environment.

    Attributes:
        environment: Where.
        subject: The digest that was allowed.
        decision: The decision that allowed it.
        since_at: When that decision was made (aware, UTC).
        until_at: When a later decision said otherwise; None while none does.
    """

    environment: str
    subject: Digest
    decision: Digest
    since_at: datetime
    until_at: datetime | None


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody's word that an image may run in an environment.

    Attributes:
        environment: Where.
        subject: What: exactly this digest.
        approved_by: Who.
        approved_at: When (aware, UTC).
        reason: Why; "" where it was not said.
        document: Digest of the approval, canonical JSON.
        withdrawn_by: Who took it back; "" for nobody.
        withdrawn_at: When.
    """

    environment: str
    subject: Subject
    approved_by: str
    approved_at: datetime
    reason: str
    document: Digest
    withdrawn_by: str = ""
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Underway:
    """Evidence that is being made at this moment.

    Attributes:
        kinds: What will come of it.
        since_at: Since when (aware, UTC).
        expires_at: The instant from which nobody believes in it any more.
        detail: For people: where it stands.
    """

    kinds: tuple[EvidenceKind, ...]
    since_at: datetime
    expires_at: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run of an image that came to nothing: it recorded nothing, and nobody waits for it.

    Attributes:
        run: Its id.
        at: When it was over, or since when nobody believes in it any more (aware, UTC).
        reason: For people: what became of it.
    """

    run: str
    at: datetime
    reason: str


class Event(StrEnum):
    """What a report says."""

    STARTED = "started"
    """It runs from then on, in place of whatever ran of its repository."""
    STARTED_BESIDE = "started_beside"
    """It runs from then on, beside whatever ran of its repository."""
    ENDED = "ended"
    GIVEN = "given"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody reports of an image in an environment.

    Attributes:
        event: What happened.
        subject: To which digest.
        environment: Where.
        at: When (aware, UTC).
        actor: Who says so.
        reason: Why; "" where it was not said.
    """

    event: Event
    subject: Subject
    environment: str
    at: datetime
    actor: str
    reason: str = ""

    def document(self) -> bytes:
        """The report as canonical JSON."""
        said = {
            "schemaVersion": 1,
            "event": self.event.value,
            "subject": {"name": self.subject.name, "digest": str(self.subject.digest)},
            "environment": self.environment,
            "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "actor": self.actor,
            "reason": self.reason,
        }
        return json.dumps(said, sort_keys=True, separators=(",", ":")).encode() + b"\n"
