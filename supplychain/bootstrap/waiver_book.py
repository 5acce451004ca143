"""Waivers asked for, changed and approved, with all that is looked at before: for every door."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from supplychain.bootstrap.waivers import policies_about, severities_of, whole_scope
from supplychain.errors import PreconditionError
from supplychain.gate.waiver_scope import require_scope
from supplychain.gate.waiver_steps import require_approver, require_bounds, require_terms
from supplychain.model.waiver import (
    Waiver,
    WaiverChanges,
    WaiverScope,
    WaiverStep,
    WaiverTerms,
)

if TYPE_CHECKING:
    from supplychain.model.digest import Digest
    from supplychain.records.record import Record
    from supplychain.settings import Settings


def request_waiver(
    settings: Settings,
    record: Record,
    scope: WaiverScope,
    terms: Callable[[WaiverScope], WaiverTerms],
    *,
    actor: str,
    at: datetime,
) -> Waiver:
    """Ask for a waiver; a package or versions that are left out come from what is on record.

    Args:
        settings: Where policies are.
        record: The record.
        scope: What it is about.
        terms: What is asked for, once it is known what about.
        actor: Who asks.
        at: Now (aware, UTC).

    Raises:
        InputError: Nobody should ask for this, or no environment would bear it for so long.
        NotFoundError: No image on record has what it is about.
        PolicyError: A policy is not usable.
    """
    require_scope(scope)
    scoped = whole_scope(record, scope, at=at)
    wanted = terms(scoped.scope)
    require_terms(wanted, at)
    policies = policies_about(settings, scope.environments)
    require_bounds(wanted, policies, scoped.severities, at)
    return record.waivers.request(wanted, actor=actor, at=at)


def change_waiver(
    settings: Settings,
    record: Record,
    number: int,
    changes: WaiverChanges,
    *,
    actor: str,
    at: datetime,
    step: WaiverStep,
    seen: WaiverTerms | None = None,
) -> Waiver:
    """Ask for other terms, or for more time.

    Args:
        settings: Where policies are.
        record: The record.
        number: The waiver's.
        changes: What shall be other than in the terms that were asked for last.
        actor: Who asks.
        at: Now (aware, UTC).
        step: What to call it.
        seen: Only if these were asked for last; None for whatever was.

    Raises:
        PreconditionError: Other terms were asked for than those that were seen.
        SupplyChainError: As `request_waiver`, and as `WaiverBook.change`.
    """

    def checked(terms: WaiverTerms) -> WaiverTerms:
        # Here nobody else writes.
        if seen is not None and terms != seen:
            raise PreconditionError("somebody else asked for other terms at the same time")
        new = changes.of(terms)
        policies = policies_about(settings, new.scope.environments)
        require_bounds(new, policies, severities_of(record, new.scope, at=at), at)
        return new

    return record.waivers.change(number, checked, actor=actor, at=at, step=step)


def approve_waiver(
    settings: Settings,
    record: Record,
    number: int,
    *,
    actor: str,
    at: datetime,
    reason: str = "",
    document: Digest | None = None,
) -> tuple[Waiver, list[str]]:
    """Approve what was asked for last.

    Args:
        settings: Where policies are.
        record: The record.
        number: The waiver's.
        actor: Who approves.
        at: Now (aware, UTC).
        reason: Why.
        document: The very request that is meant; None for the latest.

    Returns:
        The waiver, and the environments in which the approval counts.

    Raises:
        InputError: The actor asked for it, or their approval counts nowhere.
        SupplyChainError: As `WaiverBook.answer`.
    """
    counts: list[str] = []

    def check(meant: Waiver) -> None:
        policies = policies_about(settings, meant.scope.environments)
        counts.extend(require_approver(actor, policies))
        there = {name: policies[name] for name in counts}
        require_bounds(meant.terms, there, severities_of(record, meant.scope, at=at), at)

    made = record.waivers.answer(
        number,
        WaiverStep.APPROVED,
        actor=actor,
        at=at,
        reason=reason,
        document=document,
        check=check,
    )
    return made, counts
