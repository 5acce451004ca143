"""For a process that is asked the same again and again: what was answered, while it holds."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from supplychain.frozen import dataclass
from supplychain.gate.evaluate import RECORD
from supplychain.gate.policy import Policy
from supplychain.model.decision import Decision, Verdict
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from supplychain.pipeline.judge import Judged, Starter, judge
from supplychain.records.record import Record

# Evidence of a machine whose clock runs ahead counts only once this one has caught up, and no
# write tells of that moment. So nothing is remembered longer than clocks may differ.
_LONGEST = timedelta(minutes=1)
_MOST = 10_000

_Question = tuple[Subject, str, Digest | None]


def is_unseen(decision: Decision) -> bool:
    """Whether it is no for want of any record of the image."""
    return decision.verdict is Verdict.DENY and decision.results[0].rule == RECORD


@dataclass(frozen=True, slots=True)
class _Answer:
    """What was answered, from which state of the record, at which instant."""

    judged: Judged
    state: object
    at: datetime

    @property
    def unseen(self) -> bool:
        """Whether it was no for want of any record: somebody else's question may start a run."""
        return is_unseen(self.judged.decision)

    def holds(self, state: object, at: datetime) -> bool:
        """Whether the same would be answered: nobody wrote, and time has changed nothing."""
        until = self.judged.decision.holds_until
        if state != self.state or not self.at <= at <= self.at + _LONGEST:
            return False
        return until is None or at <= until


class Judge:
    """Judges, and remembers what it answered for as long as nothing changes.

    An answer is given again only where the record is in the very state from which it was made,
    the policy is the same, the decision still holds, and the clock has not been moved back. The
    record is asked for its state each time: where it cannot be read, there is no verdict.

    Threads may share one.

    Args:
        record: Where evidence is and decisions go.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._answers: OrderedDict[_Question, _Answer] = OrderedDict()
        self._lock = threading.Lock()

    def judge(
        self,
        subject: Subject,
        policy: Policy | None,
        *,
        environment: str,
        at: datetime,
        starter: Starter | None = None,
    ) -> Judged:
        """The verdict about a digest, as `judge` gives it; ages are those of when it was made.

        Raises:
            StoreError: The record cannot be read or written; then there is no verdict.
        """
        question = subject, environment, policy.digest if policy is not None else None
        # Before the evidence is read: what is written meanwhile makes this state an old one.
        state = self._record.state()
        with self._lock:
            known = self._answers.get(question)
        starts = starter is not None and policy is not None and policy.unseen is not None
        if known is not None and known.holds(state, at) and not (starts and known.unseen):
            return known.judged
        judged = judge(
            self._record, subject, policy, environment=environment, at=at, starter=starter
        )
        with self._lock:
            self._answers[question] = _Answer(judged, state, at)
            self._answers.move_to_end(question)
            while len(self._answers) > _MOST:
                self._answers.popitem(last=False)
        return judged
