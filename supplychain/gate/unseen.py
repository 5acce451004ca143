"""What a policy wants done about images of which nothing is recorded: denied, or looked at."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum

from supplychain.errors import PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.mappings import MappingOf
from supplychain.gate.options import BOOLEAN, DURATION, choice, option
from supplychain.model.history import Attempt

# More often than this nobody mends what made a run fail.
_SHORTEST = timedelta(minutes=1)


class Starters(StrEnum):
    """Who starts a run by asking the gate."""

    SUBMITTERS = "submitters"
    """Whoever may submit runs anyway."""
    ANYBODY = "anybody"
    """Whoever may ask the gate."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """When asking about an image that was never seen has it looked at.

    Attributes:
        start_run: Whose question starts a run.
        again_after: How long after one that failed the next may be started.
        sign: Whether what is found is signed and attested.
    """

    start_run: Starters = field(
        metadata=option(
            choice("who starts a run by asking", {str(one): one for one in Starters}),
            "whose question starts a run: `submitters`, who may submit one anyway, or `anybody` "
            "who may ask the gate",
        )
    )
    again_after: timedelta = field(
        default=timedelta(hours=6),
        metadata=option(
            DURATION, "how long after one that came to nothing the next may be started; default 6h"
        ),
    )
    sign: bool = field(
        default=True,
        metadata=option(BOOLEAN, "whether what is found is signed and attested; default true"),
    )

    def __post_init__(self) -> None:
        """Refuse what would have an image that fails looked at without end.

        Raises:
            PolicyError: Runs would follow one another too closely.
        """
        if self.again_after < _SHORTEST:
            raise PolicyError(
                "runs that fail would follow one another without end", hint="again_after: 6h"
            )

    def next_after(self, attempt: Attempt) -> datetime:
        """From when the next run may be started after one that came to nothing."""
        return attempt.at + self.again_after


UNSEEN = MappingOf(Unseen, "unseen")
