"""Runs that a question to the gate starts, where a policy wants that of images never seen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

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
        settings: All settings.
        record: Of the project.
        by: Who asks.
        may_submit: Whether they may submit runs anyway.
        first: Told that nobody asked this before; raises where they ask too many such questions.
    """

    settings: Settings
    record: Record
    by: str
    may_submit: bool
    first: Callable[[], None] = lambda: None

    def start(self, subject: Subject, unseen: Unseen, *, environment: str, at: datetime) -> str:
        """Have a run of an image started, unless there is one.

        Returns:
            Why none was; "" where one is under way now.
        """
        # Most questions start nothing.
        from supplychain.bootstrap.reach import admit
        from supplychain.bootstrap.runs import origin

        reference = _reference(subject)
        if reference is None:
            return "nobody says in which registry the image is"
        # Whatever this process may do for itself, workers go where others may send them.
        settings = self.settings.to_serve()
        try:
            admit(settings, reference.registry, reference.repository)
        except DestinationError as error:
            return str(error)
        if not self._may_start(unseen):
            return "whoever asks may not submit runs"
        # Who may submit runs may submit any number.
        most = None if self.may_submit else settings.count("runs_for_anybody")
        started = self.record.runs.start(
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
            most=most,
        )
        return "" if started else f"{most} that go first wait already (runs_for_anybody)"

    def hurry(self, subject: Subject, unseen: Unseen | None, *, at: datetime) -> None:
        """Have a run of an image that waits go first, where whoever asks could have started it."""
        if self._may_start(unseen):
            self.record.runs.hurry(subject.digest, by=self.by, at=at)

    def _may_start(self, unseen: Unseen | None) -> bool:
        from supplychain.gate.unseen import Starters

        anybody = unseen is not None and unseen.start_run is Starters.ANYBODY
        return self.may_submit or anybody


def _reference(subject: Subject) -> Reference | None:
    """Where an image lies; None where its name does not say so."""
    from supplychain.images.reference import Reference

    try:
        found = Reference.parse(str(subject))
    except InputError:
        return None
    # What was recorded from a file, or asked about by its digest alone, is called something else.
    return found if found.name == subject.name else None
