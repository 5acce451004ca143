"""What is reported of images to the record on this machine: what runs where, who approves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from supplychain.bootstrap import parts
from supplychain.bootstrap.over_record import OverRecord
from supplychain.model.history import Approval, Deployment, Event, Report

if TYPE_CHECKING:
    from supplychain.model.digest import Digest
    from supplychain.records.history import History


class Reports(OverRecord):
    """What runs where, and who said that it may."""

    def deployment(
        self, event: Event, image: str, environment: str, *, reason: str, at: datetime
    ) -> Report:
        """Report that an image began or ceased to run somewhere.

        Args:
            event: Which of them.
            image: As somebody typed it.
            environment: Where.
            reason: Why; "" for nothing.
            at: Now (aware, UTC).
        """
        said = self._report(event, image, environment, reason, at)
        record_deployment(self._opened().history, said)
        return said

    def approval(
        self, event: Event, image: str, environment: str, *, reason: str, at: datetime
    ) -> tuple[Report, Digest]:
        """Approve an image, or take that back; what was said, and the document of it."""
        said = self._report(event, image, environment, reason, at)
        return said, self._opened().history.approve(said, at=at)

    def deployments(
        self, environment: str | None, *, ended: bool, at: datetime
    ) -> Sequence[Deployment]:
        """What runs where, the newest first; what has ended, too, where that is asked for."""
        return deployments(self._opened().history, environment, ended=ended, at=at)

    def approvals(self, image: str, *, at: datetime) -> tuple[Digest, Sequence[Approval]]:
        """The digest of an image, and who approved it, the newest first."""
        from supplychain.bootstrap.targets import subject_of

        digest = subject_of(self._settings, self._opened(), image).digest
        return digest, self._opened().history.approvals(digest, at=at)

    def _report(
        self, event: Event, image: str, environment: str, reason: str, at: datetime
    ) -> Report:
        from supplychain.bootstrap.targets import subject_of

        actor = parts.actor(self._settings)
        subject = subject_of(self._settings, self._opened(), image)
        return Report(event, subject, environment, at, actor, reason)


def record_deployment(history: History, said: Report) -> None:
    """Record that an image began or ceased to run somewhere.

    Raises:
        ConflictError: It did not run where it is said to have ended, as far as is known.
    """
    if said.event is Event.ENDED:
        history.ended(said, at=said.at)
    else:
        history.deployed(said, at=said.at)


def deployments(
    history: History, environment: str | None, *, ended: bool, at: datetime
) -> Sequence[Deployment]:
    """What runs somewhere or anywhere, the newest first; with what has ended or without."""
    found = history.deployments(environment, at=at)
    return [one for one in found if ended or one.until_at is None]
