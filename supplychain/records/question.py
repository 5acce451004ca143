"""What is asked of the record when something is to be judged."""

from __future__ import annotations

from datetime import datetime

from supplychain.frozen import dataclass
from supplychain.model.dossier import Need


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the record about images, however many.

    Attributes:
        project: Whose record.
        environment: Where they want to run; "" for nowhere in particular.
        at: The instant (aware, UTC); what was made or recorded later is left out.
        needs: What of the larger parts is wanted.
    """

    project: int
    environment: str
    at: datetime
    needs: frozenset[Need]
