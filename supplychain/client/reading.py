"""The documents that `export` writes, read back into what they were made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from supplychain.gate.comparison import Cause, Change
from supplychain.model.digest import Digest
from supplychain.model.runs import Duty, Priority, Run, RunEvent, RunRequest, RunState
from supplychain.model.subject import Platform, Subject

if TYPE_CHECKING:
    from supplychain.model.access import AuditEvent
    from supplychain.model.history import Approval, Deployment, Report
    from supplychain.model.waiver import Waiver, WaiverEvent
    from supplychain.records.chain import Verification
    from supplychain.records.decided import RecordedDecision
    from supplychain.records.found_images import FoundImage
    from supplychain.records.listing import ImageSummary

Document = Mapping[str, Any]


def instant(text: str) -> datetime:
    """An instant; one without a time zone is none."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return found


def _optional(text: str | None) -> datetime | None:
    return None if text is None else instant(text)


def _digest(text: str | None) -> Digest | None:
    return None if text is None else Digest.parse(text)


def run(said: Document) -> Run:
    """A run; what a server keeps to itself is as if it were not known yet."""
    return Run(
        id=str(said["id"]),
        project=0,
        request=RunRequest(
            said["reference"],
            said["platform"] or "",
            said["environment"] or "",
            bool(said["sign"]),
            Priority[said["priority"].upper()],
        ),
        requested_by=said["requested_by"],
        state=RunState(said["state"]),
        duty=Duty.SCAN,
        stage=said["stage"] or "",
        digest=_digest(said["digest"]),
        tag=None,
        takeovers=int(said["takeovers"]),
        submitted_at=instant(said["submitted_at"]),
        started_at=_optional(said["started_at"]),
        finished_at=_optional(said["finished_at"]),
        error=None if said["error"] is None else dict(said["error"]),
        decision=_digest(said["decision"]),
        again_of=said["again_of"] or "",
        draft=None,
    )


def event(said: Document) -> RunEvent:
    """An event of a run."""
    at = instant(said["at"])
    return RunEvent(int(said["number"]), at, said["kind"], said["stage"] or "", said["text"])


def decision(said: Document) -> RecordedDecision:
    """A decision, in short."""
    from supplychain.model.decision import Verdict
    from supplychain.records.decided import RecordedDecision

    return RecordedDecision(
        Digest.parse(said["digest"]),
        Subject(said["name"], Digest.parse(said["subject"])),
        said["environment"],
        Verdict(said["verdict"]),
        _digest(said["policy"]),
        instant(said["decided_at"]),
        _optional(said["holds_until"]),
    )


def change(said: Document) -> Change:
    """One thing by which two decisions differ."""
    return Change(Cause(said["cause"]), str(said["rule"]), str(said["what"]))


def _latest(said: Document, subject: Subject) -> RecordedDecision:
    """A decision as it stands beside its image."""
    digest = said.get("subject_digest")
    about = Subject(subject.name, Digest.parse(digest)) if digest else subject
    whole = {"name": about.name, "subject": str(about.digest), "policy": None, "holds_until": None}
    return decision({**said, **whole})


def image(said: Document) -> ImageSummary:
    """An image on record."""
    from supplychain.model.finding import Severity
    from supplychain.records.listing import ImageSummary, PlatformSummary

    names, digest = tuple(map(str, said["names"])), Digest.parse(said["digest"])
    return ImageSummary(
        digest,
        said["media_type"],
        names,
        instant(said["recorded_at"]),
        tuple(
            PlatformSummary(
                Digest.parse(one["digest"]),
                Platform.parse(one["platform"]),
                _optional(one["scanned_at"]),
                tuple((_severity(Severity, name), int(n)) for name, n in one["findings"].items()),
            )
            for one in said["platforms"]
        ),
        tuple(_latest(one, Subject(names[0], digest)) for one in said["decisions"]),
    )


def _severity(kinds: Any, name: str) -> Any:
    return next(kind for kind in kinds if str(kind) == name)


def found(said: Document) -> FoundImage:
    """An image in which something was found."""
    from supplychain.records.found_images import FoundImage, FoundPlatform
    from supplychain.records.held import Held

    names, digest = tuple(map(str, said["names"])), Digest.parse(said["digest"])
    return FoundImage(
        digest,
        names,
        tuple(
            FoundPlatform(
                Digest.parse(one["digest"]),
                Platform.parse(one["platform"]),
                tuple(Held(**held) for held in one["found"]),
            )
            for one in said["platforms"]
        ),
        tuple(_latest(one, Subject(names[0], digest)) for one in said["decisions"]),
        tuple(map(str, said["running_in"])),
    )


def verification(said: Document, counted: str) -> Verification:
    """What came of looking at a chain."""
    from supplychain.records.chain import Break, Link, Verification

    newest = said["newest"]
    return Verification(
        int(said[counted]),
        None if newest is None else Link(int(newest["number"]), Digest.parse(newest["link"])),
        tuple(Break(int(one["number"]), str(one["what"])) for one in said["breaks"]),
    )


def report(said: Document, reason: str) -> Report:
    """What somebody reported, for the reason that they gave."""
    from supplychain.model.history import Event, Report

    subject = Subject(str(said["name"]), Digest.parse(said["digest"]))
    who = said["reported_by"] if "reported_by" in said else said["actor"]
    where, at = str(said["environment"]), instant(said["at"])
    return Report(Event(said["event"]), subject, where, at, str(who), reason)


def deployment(said: Document) -> Deployment:
    """What runs or ran somewhere."""
    from supplychain.model.history import Deployment

    return Deployment(
        str(said["environment"]),
        Subject(str(said["name"]), Digest.parse(said["digest"])),
        instant(said["since_at"]),
        _optional(said["until_at"]),
        str(said["reported_by"]),
        Digest.parse(said["document"]),
    )


def approval(said: Document, subject: Digest) -> Approval:
    """Who approved an image, of which only the digest is told."""
    from supplychain.model.history import Approval

    return Approval(
        str(said["environment"]),
        Subject("image", subject),
        str(said["approved_by"]),
        instant(said["approved_at"]),
        str(said["reason"]),
        Digest.parse(said["document"]),
        withdrawn_at=_optional(said["withdrawn_at"]),
    )


def waiver(said: Document) -> Waiver:
    """A waiver on the terms of one request."""
    from supplychain.model.waiver import Waiver, WaiverState
    from supplychain.model.waiver_document import read_terms

    state = WaiverState(said["state"])
    over = state in {WaiverState.REJECTED, WaiverState.REVOKED}
    return Waiver(
        number=int(said["waiver"].removeprefix("WV-")),
        document=Digest.parse(said["request"]),
        terms=read_terms(json.dumps(said)),
        requested_by=tuple(map(str, said["requested_by"])),
        requested_at=instant(said["requested_at"]),
        approved_by=said["approved_by"] or "",
        approved_at=_optional(said["approved_at"]),
        approval=_digest(said["approval"]),
        ended=state if over else None,
        ended_by=said["ended_by"] or "",
        ended_at=_optional(said["ended_at"]),
    )


def step(number: int, position: int, said: Document) -> WaiverEvent:
    """A step of a waiver."""
    from supplychain.model.waiver import WaiverEvent, WaiverStep
    from supplychain.model.waiver_document import read_terms

    return WaiverEvent(
        number,
        position,
        WaiverStep(said["step"]),
        said["actor"],
        instant(said["at"]),
        said["reason"],
        Digest.parse(said["document"]),
        None if said["terms"] is None else read_terms(json.dumps(said["terms"])),
        _digest(said["answers"]),
    )


def audited(said: Document) -> AuditEvent:
    """An event of the audit log."""
    from supplychain.model.access import AuditEvent

    return AuditEvent(
        int(said["number"]),
        instant(said["at"]),
        said["who"],
        said["from_where"],
        said["through"],
        said["project"] or "",
        said["what"],
        said["about"],
        said["before"],
        said["after"],
        said["link"],
    )
