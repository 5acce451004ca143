"""Runs that a question to the gate starts, where a policy wants that of images never seen."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from supplychain.bootstrap.reach import admit
from supplychain.bootstrap.runs import origin
from supplychain.errors import DestinationError, InputError
from supplychain.frozen import dataclass
from supplychain.model.runs import Priority, RunRequest
from supplychain.model.subject import Subject
from supplychain.settings import Settings

if TYPE_CHECKING:
    from supplychain.gate.unseen import Unseen
    from supplychain.images.reference import Reference
    from supplychain.records.record import Record


@dataclass(frozen=True, slots=True)
class Starting:
    """Starts runs for whoever asks the gate; see `supplychain.pipeline.judge.Starter`.

    Attributes:
        settings: As they are for work that is done for others: what is named is in a registry, and
            in one that is allowed.
        record: Of the project.
        by: Who asks.
        may_submit: Whether they may submit runs anyway.
    """

    settings: Settings
    record: Record
    by: str
    may_submit: bool

    def start(self, subject: Subject, unseen: Unseen, *, environment: str, at: datetime) -> str:
        """Have a run of an image started, unless there is one.

        Returns:
            Why none was; "" where one is under way now.
        """
        reference = _reference(subject)
        if reference is None:
            return "nobody says in which registry the image is"
        try:
            admit(self.settings, reference.registry, reference.repository)
        except DestinationError as error:
            return str(error)
        if not self._may_start(unseen):
            return "whoever asks may not submit runs"
        self.record.runs.start(
            RunRequest(
                str(reference),
                environment=environment,
                sign=unseen.sign,
                priority=Priority.GATE,
            ),
            registry=reference.registry,
            requested_by=self.by,
            digest=subject.digest,
            at=at,
            unless_since=at - unseen.again_after,
            origin=origin(),
        )
        return ""

    def hurry(self, subject: Subject, unseen: Unseen, *, at: datetime) -> None:
        """Have a run of an image that waits go first, where whoever asks could have started it."""
        if self._may_start(unseen):
            self.record.runs.hurry(subject.digest, by=self.by, at=at)

    def _may_start(self, unseen: Unseen) -> bool:
        from supplychain.gate.unseen import Starters

        return self.may_submit or unseen.start_run is Starters.ANYBODY


def _reference(subject: Subject) -> Reference | None:
    """Where an image lies; None where its name does not say so."""
    from supplychain.images.reference import Reference

    try:
        found = Reference.parse(str(subject))
    except InputError:
        return None
    # What was recorded from a file, or asked about by its digest alone, is called something else.
    return found if found.name == subject.name else None
