"""The gate of the record on this machine, as commands ask it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.bootstrap import parts
from supplychain.bootstrap.over_record import OverRecord

if TYPE_CHECKING:
    from supplychain.bootstrap.starting import Starting
    from supplychain.pipeline.judge import Judged
    from supplychain.records.record import Record
    from supplychain.settings import Settings

# Workers show every two seconds that they are there.
_SEEN = timedelta(minutes=1)


class Gates(OverRecord):
    """Asks the gate."""

    def __init__(self, settings: Settings, opened: Callable[[], Record]) -> None:
        super().__init__(settings, opened)
        self._starts = False

    def judge(
        self, images: Sequence[str], environment: str, policy: Path | None, *, at: datetime
    ) -> list[Judged]:
        """The verdict about each image, in order, recorded.

        Args:
            images: As somebody typed them.
            environment: Where they want to run.
            policy: Its policy; None for the one that the settings name.
            at: Now (aware, UTC).

        Raises:
            SupplyChainError: The policy, the record or an image cannot be read.
        """
        from supplychain.bootstrap import targets, trust
        from supplychain.pipeline.judge import judge

        # Read before the record is opened, so that a broken policy is what is told.
        by = trust.policy_of(self._settings, environment, policy)
        record = self._opened()
        subjects = [targets.subject_of(self._settings, record, image) for image in images]
        starter = self._starter(record)
        self._starts = by is not None and by.unseen is not None
        return [
            judge(record, one, by, environment=environment, at=at, starter=starter)
            for one in subjects
        ]

    def unattended(self, *, at: datetime) -> bool:
        """Whether a run that was started waits because no worker is at work on this record."""
        return self._starts and not self._opened().runs.somebody_works(since=at - _SEEN)

    def _starter(self, record: Record) -> Starting:
        """What starts runs, and has them go first; who can write the record can submit them."""
        from supplychain.bootstrap.starting import Starting

        return Starting(self._settings, record, parts.actor(self._settings), may_submit=True)
