"""Waivers as they are kept: steps that are only ever added, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from supplychain.errors import ConflictError, NotFoundError, StoreError
from supplychain.gate.waiver_steps import (
    require_another,
    require_answer,
    require_change,
    require_running,
    require_terms,
)
from supplychain.model.digest import Digest
from supplychain.model.waiver import (
    Waiver,
    WaiverEvent,
    WaiverStep,
    WaiverTerms,
    waivers_of,
)
from supplychain.model.waiver_document import make_event, terms_data, terms_text
from supplychain.records.audit import Notes
from supplychain.records.bulk import Filing
from supplychain.records.content import ContentStore
from supplychain.records.database import reading, writing
from supplychain.records.makers import makers_of, names_of
from supplychain.records.schema import decision_waivers, waiver_events
from supplychain.records.waiver_reading import (
    Affected,
    read_affected,
    read_events,
    read_installed,
    read_waivers,
)

# Of writers that meet on one number, each round lets one through.
_ROUNDS = 100


class WaiverBook:
    """One project's waivers; `Record.waivers` gives it.

    Args:
        engine: The record's database.
        content: The record's content store.
        project: The project's number.
        notes: Who acts.
    """

    def __init__(self, engine: Engine, content: ContentStore, project: int, notes: Notes) -> None:
        self._engine = engine
        self._content = content
        self._project = project
        self._notes = notes

    def request(self, terms: WaiverTerms, *, actor: str, at: datetime) -> Waiver:
        """Ask for a waiver, under a number of its own.

        Args:
            terms: What is asked for.
            actor: By whom.
            at: The instant of recording (aware, UTC).

        Raises:
            InputError: It is about everything, has no reason, or is over already.
        """
        self._notes.require(actor)
        require_terms(terms, at)
        for _ in range(_ROUNDS):
            with writing(self._engine) as connection:
                column = waiver_events.c
                last = select(func.max(column.number)).where(column.project_id == self._project)
                number = (connection.scalar(last) or 0) + 1
                event = make_event(number, 0, WaiverStep.REQUESTED, actor=actor, at=at, terms=terms)
                if self._append(connection, *event):
                    self._note(connection, None, event[0])
                    return waivers_of([event[0]])[0]
        raise StoreError("too many ask for waivers at once", hint="try again")

    def change(
        self,
        number: int,
        change: Callable[[WaiverTerms], WaiverTerms],
        *,
        actor: str,
        at: datetime,
        step: WaiverStep = WaiverStep.CHANGED,
    ) -> Waiver:
        """Ask for other terms; those that are approved hold until the new ones are.

        Args:
            number: The waiver's.
            change: What becomes of the terms that were asked for last.
            actor: By whom.
            at: The instant of recording (aware, UTC).
            step: What to call it.

        Raises:
            NotFoundError: There is no such waiver.
            ConflictError: It was revoked, or somebody else was faster.
            InputError: The new terms are about everything, or over already.
        """

        def ask(_: Connection, waivers: tuple[Waiver, ...]) -> dict[str, Any]:
            terms = change(require_change(waivers, at).terms)
            require_terms(terms, at)
            return {"terms": terms}

        return self._step(number, step, actor, at, ask)

    def answer(
        self,
        number: int,
        step: WaiverStep,
        *,
        actor: str,
        at: datetime,
        reason: str = "",
        document: Digest | None = None,
        check: Callable[[Waiver], object] = lambda _: None,
    ) -> Waiver:
        """Approve or reject what was asked for last.

        Args:
            number: The waiver's.
            step: Which of the two.
            actor: By whom.
            at: The instant of recording (aware, UTC).
            reason: Why.
            document: The very request that is meant; None for the latest.
            check: Raises what speaks against answering this request.

        Raises:
            NotFoundError: There is no such waiver.
            ConflictError: Nothing is asked for, or something else, or somebody was faster.
            InputError: The actor asked for it, by whatever name, or made the machine that did.
        """

        def say(connection: Connection, waivers: tuple[Waiver, ...]) -> dict[str, Any]:
            meant = require_answer(waivers, step, actor, document, at)
            if step is WaiverStep.APPROVED:
                organisation = self._notes.organisation
                names = names_of(connection, organisation, actor)
                makers = makers_of(connection, organisation, meant)
                require_another(meant, actor, names, makers)
            check(meant)
            return {"reason": reason, "answers": meant.document}

        return self._step(number, step, actor, at, say)

    def revoke(self, number: int, *, actor: str, at: datetime, reason: str = "") -> Waiver:
        """End a waiver, approved or only asked for.

        Raises:
            NotFoundError: There is no such waiver.
            ConflictError: It ended already, or somebody else was faster.
        """

        def end(_: Connection, waivers: tuple[Waiver, ...]) -> dict[str, Any]:
            require_running(waivers, at)
            return {"reason": reason}

        return self._step(number, WaiverStep.REVOKED, actor, at, end)

    def all(self, *, at: datetime) -> tuple[Waiver, ...]:
        """Every waiver as of an instant, by number, changes that are asked for beside it."""
        with reading(self._engine) as connection:
            return read_waivers(connection, self._project, at)

    def history(self, number: int, *, at: datetime) -> tuple[WaiverEvent, ...]:
        """The steps of a waiver, the first first.

        Raises:
            NotFoundError: There is no such waiver.
        """
        with reading(self._engine) as connection:
            found = read_events(connection, self._project, at, number)
        return found or _unknown(number)

    def used_by(self, number: int) -> tuple[Digest, ...]:
        """The decisions that rest on a waiver, sorted."""
        column = decision_waivers.c
        chosen = select(column.decision).where(
            column.project_id == self._project, column.number == number
        )
        with reading(self._engine) as connection:
            return tuple(sorted(connection.scalars(chosen)))

    def affected(self, vulnerability: str, *, at: datetime) -> tuple[Affected, ...]:
        """The packages in which the latest scans found a vulnerability, by purl."""
        with reading(self._engine) as connection:
            return read_affected(connection, self._project, vulnerability, at)

    def installed(self, purl_type: str, name: str, *, at: datetime) -> tuple[Affected, ...]:
        """The packages of a type and name that the latest scans found, by purl."""
        with reading(self._engine) as connection:
            return read_installed(connection, self._project, (purl_type, name), at)

    def _step(
        self,
        number: int,
        step: WaiverStep,
        actor: str,
        at: datetime,
        decide: Callable[[Connection, tuple[Waiver, ...]], dict[str, Any]],
    ) -> Waiver:
        """Add a step that is decided upon from what the waiver is."""
        self._notes.require(actor)
        with writing(self._engine) as connection:
            before = read_events(connection, self._project, None, number) or _unknown(number)
            if before[-1].at > at:
                raise ConflictError(
                    f"WV-{number} was last changed at {before[-1].at}, which is still to come",
                    because=f"the clock here says {at}",
                    hint="set the clocks of all who use this record",
                )
            said = decide(connection, waivers_of(before))
            event, document = make_event(number, len(before), step, actor=actor, at=at, **said)
            if not self._append(connection, event, document):
                raise ConflictError(
                    f"somebody else did something to WV-{number} at the same time",
                    hint=f"supplychain waivers show WV-{number}",
                    retryable=True,
                )
            self._note(connection, before[-1], event)
        return waivers_of([*before, event])[-1]

    def _note(self, connection: Connection, before: WaiverEvent | None, event: WaiverEvent) -> None:
        self._notes.note(
            connection,
            f"waiver.{event.step.value}",
            f"WV-{event.number}",
            at=event.at,
            before=None if before is None else _noted(before),
            after=_noted(event),
            who=event.actor,
        )

    def _append(self, connection: Connection, event: WaiverEvent, document: bytes) -> bool:
        digest = self._content.put(document)
        return Filing(connection, self._project, event.at).insert(
            waiver_events,
            number=event.number,
            position=event.position,
            step=event.step,
            actor=event.actor,
            reason=event.reason,
            digest=digest,
            terms=None if event.terms is None else terms_text(event.terms),
            answers=event.answers,
        )


def _noted(event: WaiverEvent) -> dict[str, object]:
    said: dict[str, object] = {"step": event.step.value, "document": str(event.document)}
    if event.reason:
        said["reason"] = event.reason
    if event.terms is not None:
        said["terms"] = terms_data(event.terms)
    return said


def _unknown(number: int) -> tuple[WaiverEvent, ...]:
    raise NotFoundError(f"there is no waiver WV-{number}", hint="supplychain waivers list")
