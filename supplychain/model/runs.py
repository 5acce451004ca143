"""Runs: images that somebody wants to be taken the whole way, by workers and not at once."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import field
from datetime import datetime
from enum import IntEnum, StrEnum
from uuid import UUID

from supplychain.frozen import dataclass
from supplychain.model.digest import Digest

# After more deaths over one step a run is believed to be what kills its workers.
MOST_DEATHS = 3
# And after so many in a row over no step at all.
MOST_UNBEGUN = 20
# After so many takeovers it might be.
_SUSPECTED = 2


class RunState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DEAD = "dead"
    """Its workers died of it, again and again: somebody has to look at it."""

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self not in {RunState.QUEUED, RunState.RUNNING}


class Duty(StrEnum):
    """What a worker does: the two parts of a run, of which only the second needs a key."""

    SCAN = "scan"
    SIGN = "sign"


class Priority(IntEnum):
    """What goes first."""

    BULK = 0
    NORMAL = 10
    GATE = 20
    """Somebody waits for a verdict."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What somebody wants done.

    Attributes:
        reference: The image as it was asked for.
        platform: Only this platform of an index; "" for all.
        environment: Where it wants to run, and is judged for; "" for nowhere.
        sign: Whether what is found is signed and attested.
        priority: What goes first.
    """

    reference: str
    platform: str = ""
    environment: str = ""
    sign: bool = True
    priority: Priority = Priority.NORMAL

    @property
    def digest(self) -> Digest:
        """What tells one request from another that comes under the same idempotency key."""
        said = {
            "reference": self.reference,
            "platform": self.platform,
            "environment": self.environment,
            "sign": self.sign,
            "priority": int(self.priority),
        }
        return Digest.of(json.dumps(said, sort_keys=True, separators=(",", ":")).encode())


@dataclass(frozen=True, slots=True)
class Origin:
    """What asked for a run, for whoever follows it through logs and traces.

    Attributes:
        request_id: The name of the HTTP request; "" for none.
        traceparent: What the run is part of, as W3C's Trace Context has it; "" for nothing.
    """

    request_id: str = ""
    traceparent: str = ""

    @property
    def parent(self) -> dict[str, str]:
        """The same as a header."""
        return {"traceparent": self.traceparent} if self.traceparent else {}


@dataclass(frozen=True, slots=True)
class Run:
    """A run, as it stands.

    Attributes:
        id: A UUID of version 7, so that runs sort as they were submitted.
        project: The project's number.
        request: What is wanted.
        requested_by: Who wants it.
        state: Where it stands.
        duty: Which of its two parts is next, or was the last.
        stage: What is being done; "" before anything was.
        digest: What the reference stood for; None until somebody looked.
        tag: The tag that led there; None for none.
        takeovers: How often a worker died over it.
        submitted_at: When it was asked for (aware, UTC).
        started_at: When a worker first took it up.
        finished_at: When it was over.
        error: Why it failed, as `SupplyChainError.diagnostics`; None where it did not.
        decision: The verdict's digest; None where nothing was judged.
        again_of: The run that it repeats; "" for none.
        draft: What its first part found, by digest; None before that.
        origin: What asked for it.
    """

    id: str
    project: int
    request: RunRequest
    requested_by: str
    state: RunState
    duty: Duty
    stage: str
    digest: Digest | None
    tag: str | None
    takeovers: int
    submitted_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: dict[str, object] | None = field(hash=False)
    decision: Digest | None
    again_of: str
    draft: Digest | None
    origin: Origin = Origin()

    @property
    def alone(self) -> bool:
        """Whether a worker does nothing beside it: so many ended that others would be blamed."""
        return self.takeovers >= _SUSPECTED


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something that happened to a run.

    Attributes:
        number: From 1, without a gap.
        at: When (aware, UTC).
        kind: `submitted`, `claimed`, `started`, `finished`, `retrying`, `taken_over`, `resumed` …,
            or the state that the run came to.
        stage: Of which stage; "" for none.
        text: For people.
    """

    number: int
    at: datetime
    kind: str
    stage: str
    text: str


def deaths(events: Iterable[RunEvent]) -> int:
    """How many workers ended over the step that a run is at, one after the other.

    Who ended before it had begun a step is not counted, for the run cannot have been why; and a
    step that was done is done, so the next one begins at none. Steps are told of only once a worker
    was lost: of the first that ended, the worst is believed.

    Args:
        events: All that happened to the run, in order.
    """
    step, count, begun = "", 0, True
    for event in events:
        if event.kind == "resumed":
            count = count if step in {"", event.text} else 0
            step, begun = event.text, True
        elif event.kind == "taken_over":
            count, begun = count + begun, False
        elif event.kind == "given_back":
            begun = False
    return count


def unbegun(events: Iterable[RunEvent]) -> int:
    """How many workers ended in a row, none of whom had begun a step of the run.

    A few say nothing of the run: workers may end as soon as they start. But it is not begun for
    ever.

    Args:
        events: All that happened to the run, in order.
    """
    count = 0
    for event in events:
        if event.kind == "taken_over":
            count += 1
        elif event.kind in {"resumed", "queued"}:
            count = 0
    return count


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's hold on a run: good until somebody else takes the run over.

    Attributes:
        run: The run.
        worker: Who holds it.
        generation: The how-manieth hold it is: an older one counts for nothing.
    """

    run: str
    worker: str
    generation: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many runs may be under way at once.

    Attributes:
        per_registry: From one registry.
        per_organisation: Of one organisation.
    """

    per_registry: int
    per_organisation: int


def new_run_id(at: datetime) -> str:
    """A UUID of version 7 (RFC 9562, 6.2, method 3): the time, then what nobody can guess.

    Args:
        at: Now (aware, UTC).
    """
    seconds, micros = divmod(int(at.timestamp() * 1_000_000), 1_000_000)
    millis, rest = divmod(micros, 1000)
    value = (seconds * 1000 + millis) << 80 | 0x7 << 76 | (rest * 4096 // 1000) << 64
    return str(UUID(int=value | 0x2 << 62 | secrets.randbits(62)))
