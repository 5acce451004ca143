"""How a worker works."""

from __future__ import annotations

from supplychain.frozen import dataclass
from supplychain.model.runs import Bounds, Duty


@dataclass(frozen=True, slots=True)
class Manner:
    """How a worker works.

    Attributes:
        name: Its name; nobody else's, and never used again.
        duties: What it can do.
        concurrency: How many runs at once.
        bounds: How many runs may be under way at once, by anybody.
        beat: Seconds between two signs of life.
        lease: Seconds without one after which a worker is taken for dead.
        poll: Seconds between two looks for something to do.
        grace: Seconds that what is under way may take to finish when the worker ends.
    """

    name: str
    duties: frozenset[Duty]
    concurrency: int
    bounds: Bounds
    beat: float = 2.0
    lease: float = 10.0
    poll: float = 0.3
    grace: float = 30.0
