"""Waivers and claims of the record on this machine, as commands care for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from supplychain.bootstrap import parts
from supplychain.bootstrap.over_record import OverRecord
from supplychain.model.digest import Digest
from supplychain.model.waiver import (
    EndsWithFix,
    Waiver,
    WaiverChanges,
    WaiverScope,
    WaiverStep,
    WaiverTerms,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplychain.bootstrap.believed import Believed
    from supplychain.model.waiver import WaiverEvent


class Waivers(OverRecord):
    """Risks accepted for a while."""

    def request(
        self,
        scope: WaiverScope,
        *,
        image: str | None,
        expires: str,
        reason: str,
        owner: str | None,
        ticket: str,
        ends_with_fix: EndsWithFix,
        at: datetime,
    ) -> Waiver:
        """Ask that a risk be accepted; see `bootstrap.waiver_book.request_waiver`.

        Args:
            scope: What it is about, but for the image.
            image: Only this image, as somebody typed it.
            expires: From when it counts no longer, as somebody typed it.
            reason: Why.
            owner: Who looks after it; None for who asks.
            ticket: Where it is discussed.
            ends_with_fix: Whether it ends with a repair.
            at: Now (aware, UTC).
        """
        from dataclasses import replace

        from supplychain.bootstrap.targets import subject_of
        from supplychain.bootstrap.waiver_book import request_waiver
        from supplychain.bootstrap.waivers import expiry

        actor, ends = parts.actor(self._settings), expiry(expires, at)

        def terms(about: WaiverScope) -> WaiverTerms:
            return WaiverTerms(about, reason, ends, owner or actor, ticket, ends_with_fix)

        record = self._opened()
        if image is not None:
            scope = replace(scope, image=subject_of(self._settings, record, image).digest)
        return request_waiver(self._settings, record, scope, terms, actor=actor, at=at)

    def extend(self, waiver: str, *, expires: str, reason: str, at: datetime) -> Waiver:
        """Ask for more time; `expires` is as somebody typed it."""
        changes = WaiverChanges(reason=reason)
        return self._changed(waiver, WaiverStep.EXTENDED, changes, expires, at)

    def change(self, waiver: str, changes: WaiverChanges, *, expires: str, at: datetime) -> Waiver:
        """Ask for other terms; `expires` as somebody typed it, "" for as it is."""
        return self._changed(waiver, WaiverStep.CHANGED, changes, expires, at)

    def _changed(
        self, waiver: str, step: WaiverStep, changes: WaiverChanges, expires: str, at: datetime
    ) -> Waiver:
        from dataclasses import replace

        from supplychain.bootstrap.waiver_book import change_waiver
        from supplychain.bootstrap.waivers import expiry, waiver_number

        number, actor = waiver_number(waiver), parts.actor(self._settings)
        if expires:
            changes = replace(changes, expires_at=expiry(expires, at))
        return change_waiver(
            self._settings, self._opened(), number, changes, actor=actor, at=at, step=step
        )

    def approve(
        self, waiver: str, *, reason: str, request: Digest | None, at: datetime
    ) -> tuple[Waiver, Sequence[str]]:
        """Accept the risk; the waiver, and where the approval counts."""
        from supplychain.bootstrap.waiver_book import approve_waiver
        from supplychain.bootstrap.waivers import waiver_number

        return approve_waiver(
            self._settings,
            self._opened(),
            waiver_number(waiver),
            actor=parts.actor(self._settings),
            at=at,
            reason=reason,
            document=request,
        )

    def reject(self, waiver: str, *, reason: str, at: datetime) -> Waiver:
        """Turn down what is asked for."""
        from supplychain.bootstrap.waivers import waiver_number

        number, actor = waiver_number(waiver), parts.actor(self._settings)
        book = self._opened().waivers
        return book.answer(number, WaiverStep.REJECTED, actor=actor, at=at, reason=reason)

    def revoke(self, waiver: str, *, reason: str, at: datetime) -> Waiver:
        """End a waiver at once."""
        from supplychain.bootstrap.waivers import waiver_number

        number, actor = waiver_number(waiver), parts.actor(self._settings)
        return self._opened().waivers.revoke(number, actor=actor, at=at, reason=reason)

    def all(self, *, at: datetime) -> Sequence[Waiver]:
        """Every waiver, and the changes that are asked for beside them."""
        return self._opened().waivers.all(at=at)

    def get(
        self, waiver: str, *, at: datetime
    ) -> tuple[Sequence[Waiver], Sequence[WaiverEvent], Sequence[Digest]]:
        """A waiver, what was done to it, and the decisions that rest on it."""
        from supplychain.bootstrap.waivers import waiver_number

        number, book = waiver_number(waiver), self._opened().waivers
        steps = book.history(number, at=at)
        found = [one for one in book.all(at=at) if one.number == number]
        return found, steps, book.used_by(number)


class Vex(OverRecord):
    """Claims of fact, as data: whose word they are is nothing that could be read back from it."""

    def documents(self, *, at: datetime) -> Sequence[Mapping[str, Any]]:
        """Documents, the newest first."""
        from supplychain.export.data import vex_data

        return [vex_data(one) for one in self._opened().vex.documents(at=at)]

    def claims(self, document: str, *, at: datetime) -> Sequence[Mapping[str, Any]]:
        """What a document claims, by its digest or the beginning of it."""
        from supplychain.export.data import claim_data

        vex = self._opened().vex
        return [claim_data(one) for one in vex.statements(vex.find(document, at=at), at=at)]

    def accept(
        self, claim: str, *, reason: str, withdraw: bool, at: datetime
    ) -> Sequence[Mapping[str, Any]]:
        """Accept a claim, or all of a document, or take that back."""
        from supplychain.bootstrap.vex import named
        from supplychain.export.data import claim_data

        record, actor = self._opened(), parts.actor(self._settings)
        document, position = named(record, claim, at=at)
        record.vex.review(
            document, position, actor=actor, reason=reason, at=at, accepted=not withdraw
        )
        found = record.vex.statements(document, at=at)
        return [claim_data(one) for one in found if position in {None, one.claim.position}]

    def take_in(
        self,
        file: Path,
        bundle: Path | None,
        *,
        whom: Believed,
        environment: str | None,
        policy: Path | None,
        image: str | None,
        ask: Callable[[str], str | None],
        at: datetime,
    ) -> Sequence[Mapping[str, Any]]:
        """Verify a signed document and record what it claims; see `bootstrap.vex`.

        Args:
            file: The document.
            bundle: Its author's signature.
            whom: Whose word counts.
            environment: Whose policy says so, else.
            policy: That policy's file.
            image: Refuse what is not about this recorded image.
            ask: Asks a person for a secret.
            at: Now (aware, UTC).
        """
        from supplychain.bootstrap import vex
        from supplychain.export.data import claim_data

        trusted = vex.trust(self._settings, whom, environment, policy, ask)
        record, about = self._opened(), None
        if image is not None:
            about = record.dossier(record.images.find(image), at=at)
        document = vex.import_vex(record, file, bundle, trusted, image=about, at=at)
        found = record.vex.statements(document.digest, at=at)
        return [claim_data(one) for one in found]
