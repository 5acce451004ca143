"""Waivers: risks that somebody accepted for a while, by the word of somebody else.

What is kept are the steps of each waiver: asked for, changed, approved, ended. What a waiver is at
an instant is made of the steps up to then, and of nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from supplychain.frozen import dataclass
from supplychain.model.digest import Digest


@dataclass(frozen=True, slots=True)
class WaiverScope:
    """What a waiver is about; whatever is given has to fit, and never nothing is given.

    Attributes:
        vulnerability: The vulnerability's ID; "" for any.
        rule: The name of a rule; "" for any.
        package: The package's purl, without version and qualifiers; "" for any, and for what is
            not about a package.
        versions: The versions of that package, as policies write ranges; "" for any.
        repository: The image's repository; "" for any.
        image: The image's digest; None for any.
        environments: Where it holds; empty for everywhere.
    """

    vulnerability: str = ""
    rule: str = ""
    package: str = ""
    versions: str = ""
    repository: str = ""
    image: Digest | None = None
    environments: tuple[str, ...] = ()

    def __str__(self) -> str:
        """For people: what it is about, and where."""
        said = [self.vulnerability, f"rule {self.rule}" if self.rule else ""]
        said += [f"{self.package} {self.versions}".strip(), self.repository]
        said += [f"image {self.image.short}" if self.image else ""]
        where = ", ".join(self.environments) or "every environment"
        return f"{' · '.join(filter(None, said))} in {where}"


class EndsWithFix(StrEnum):
    """Whether a waiver ends as soon as a repair is known."""

    NEVER = "never"
    # For a finding that some version repairs, and for that one alone.
    FINDING = "finding"
    # For all that it is about, as soon as one finding of that has a repair.
    ALL = "all"


@dataclass(frozen=True, slots=True)
class WaiverTerms:
    """What is asked for.

    Attributes:
        scope: What it is about.
        reason: Why the risk is accepted.
        expires_at: The instant from which it counts no longer (aware, UTC).
        owner: Who looks after it: a person or a team.
        ticket: Where that is discussed; "" for nowhere.
        ends_with_fix: Whether it ends as soon as some version is known to repair it.
    """

    scope: WaiverScope
    reason: str
    expires_at: datetime
    owner: str
    ticket: str = ""
    ends_with_fix: EndsWithFix = EndsWithFix.NEVER


@dataclass(frozen=True, slots=True)
class WaiverChanges:
    """Other terms that are asked for; what is left out stays as it is.

    What a waiver is about stays, too, but for versions and environments: else it is another.

    Attributes:
        versions: The versions of the package; "" for those it has.
        environments: Where it shall hold; empty for where it does.
        reason: Why; "" as it is.
        expires_at: From when it counts no longer (aware, UTC); None as it is.
        owner: Who looks after it; "" as it is.
        ticket: Where that is discussed; "" as it is.
        ends_with_fix: Whether it ends with a repair; None as it is.
    """

    versions: str = ""
    environments: tuple[str, ...] = ()
    reason: str = ""
    expires_at: datetime | None = None
    owner: str = ""
    ticket: str = ""
    ends_with_fix: EndsWithFix | None = None

    def of(self, terms: WaiverTerms) -> WaiverTerms:
        """What becomes of terms."""
        scope = replace(
            terms.scope,
            versions=self.versions or terms.scope.versions,
            environments=tuple(sorted(set(self.environments or terms.scope.environments))),
        )
        return WaiverTerms(
            scope,
            reason=self.reason or terms.reason,
            expires_at=self.expires_at or terms.expires_at,
            owner=self.owner or terms.owner,
            ticket=self.ticket or terms.ticket,
            ends_with_fix=self.ends_with_fix or terms.ends_with_fix,
        )


class WaiverStep(StrEnum):
    """What was done to a waiver."""

    REQUESTED = "requested"
    CHANGED = "changed"
    EXTENDED = "extended"
    APPROVED = "approved"
    REJECTED = "rejected"
    REVOKED = "revoked"

    @property
    def asks(self) -> bool:
        """Whether it asks for something, which somebody else has to approve."""
        return self in {WaiverStep.REQUESTED, WaiverStep.CHANGED, WaiverStep.EXTENDED}


@dataclass(frozen=True, slots=True)
class WaiverEvent:
    """One step of one waiver, as it is recorded.

    Attributes:
        number: Which waiver.
        position: The how-manieth step of it, from 0.
        step: What was done.
        actor: By whom.
        at: When (aware, UTC).
        reason: Why; of what asks for something, the terms say that.
        document: Digest of the canonical JSON that says so.
        terms: What is asked for; None of what asks for nothing.
        answers: Digest of the document that is approved or rejected; None of other steps.
    """

    number: int
    position: int
    step: WaiverStep
    actor: str
    at: datetime
    reason: str
    document: Digest
    terms: WaiverTerms | None = None
    answers: Digest | None = None


class WaiverState(StrEnum):
    """How a waiver stands at an instant, before any policy is asked."""

    REQUESTED = "requested"
    APPROVED = "approved"
    EXPIRED = "expired"
    REJECTED = "rejected"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Waiver:
    """One waiver on the terms of one request, as it stood at one instant.

    A waiver that somebody asked to change or to extend comes twice, under one number: on the
    terms that are approved, which go on to hold, and on those that nobody approved yet.

    Attributes:
        number: Its number in the project: people know it as WV-17.
        document: Digest of the request, canonical JSON; what is approved is this, and a changed
            request is another one.
        terms: What is asked for.
        requested_by: Everybody who asked for it or for a change of it so far, in order.
        requested_at: When these terms were asked for (aware, UTC).
        approved_by: Who approved this very document; "" for nobody yet.
        approved_at: Since when it counts: never earlier.
        approval: Digest of the document that says so; None for none.
        ended: As what it ended before its time; None where it did not.
        ended_by: Who rejected or revoked it; "" for nobody.
        ended_at: When.
    """

    number: int
    document: Digest
    terms: WaiverTerms
    requested_by: tuple[str, ...]
    requested_at: datetime
    approved_by: str = ""
    approved_at: datetime | None = None
    approval: Digest | None = None
    ended: WaiverState | None = None
    ended_by: str = ""
    ended_at: datetime | None = None

    @property
    def name(self) -> str:
        """As people know it."""
        return f"WV-{self.number}"

    @property
    def scope(self) -> WaiverScope:
        """What it is about."""
        return self.terms.scope

    def state(self, at: datetime) -> WaiverState:
        """How it stands; what expired without ever being approved has expired, too."""
        if self.ended is not None:
            return self.ended
        if at >= self.terms.expires_at:
            return WaiverState.EXPIRED
        return WaiverState.APPROVED if self.approved_at else WaiverState.REQUESTED


def waivers_of(events: Iterable[WaiverEvent]) -> tuple[Waiver, ...]:
    """What waivers are after some steps, by number; a step that cannot be is none.

    Of each there is what is approved, and what is asked for beside it, where there is that.
    """
    steps: dict[int, list[WaiverEvent]] = {}
    for event in events:
        steps.setdefault(event.number, []).append(event)
    return tuple(
        waiver
        for number in sorted(steps)
        for waiver in _after(sorted(steps[number], key=lambda step: step.position))
    )


def _after(steps: Iterable[WaiverEvent]) -> tuple[Waiver, ...]:
    """One waiver after its steps: the approved one first, then the one that is asked for."""
    approved: Waiver | None = None
    asked: Waiver | None = None
    people: tuple[str, ...] = ()
    for step in steps:
        over = any(w is not None and w.ended is WaiverState.REVOKED for w in (approved, asked))
        if over:
            break
        if step.step.asks and step.terms is not None:
            people = tuple(dict.fromkeys((*people, step.actor)))
            asked = Waiver(step.number, step.document, step.terms, people, step.at)
        elif step.step is WaiverStep.REVOKED:
            approved, asked = (
                w and _ended(w, WaiverState.REVOKED, step) for w in (approved, asked)
            )
        elif asked is None or asked.ended or step.answers != asked.document:
            continue
        elif step.step is WaiverStep.APPROVED:
            approved, asked = _approved(asked, step), None
        else:
            asked = _ended(asked, WaiverState.REJECTED, step)
    return tuple(waiver for waiver in (approved, asked) if waiver is not None)


def _approved(waiver: Waiver, step: WaiverEvent) -> Waiver:
    return replace(waiver, approved_by=step.actor, approved_at=step.at, approval=step.document)


def _ended(waiver: Waiver, state: WaiverState, step: WaiverEvent) -> Waiver:
    return replace(waiver, ended=state, ended_by=step.actor, ended_at=step.at)
