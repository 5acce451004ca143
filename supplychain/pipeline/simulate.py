"""What another policy would say about everything on record, without recording any of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from supplychain.frozen import dataclass
from supplychain.gate.comparison import compare, reasons_alone
from supplychain.gate.evaluate import evaluate
from supplychain.gate.policy import Policy
from supplychain.model.decision import Verdict
from supplychain.model.subject import Subject
from supplychain.records.record import Record


@dataclass(frozen=True, slots=True)
class Shift:
    """An image about which two policies do not say the same.

    Attributes:
        subject: The image.
        environment: Where it would run.
        before: What the old policy says.
        after: What the new one says.
        reasons: By which rule, and why: `(rule, reason)`; what the new policy says no longer is
            told in the past.
    """

    subject: Subject
    environment: str
    before: Verdict
    after: Verdict
    reasons: tuple[tuple[str, str], ...]


def simulate(
    record: Record, subjects: Sequence[Subject], old: Policy, new: Policy, *, at: datetime
) -> Iterator[Shift | None]:
    """Judge images by two policies of one environment, each by the same evidence.

    Args:
        record: Where the evidence is.
        subjects: The images.
        old: The one policy.
        new: The other.
        at: The instant judged for (aware, UTC).

    Yields:
        For each image what shifts; None where the verdict stays what it is.
    """
    environment = new.environment
    dossiers = record.dossiers(
        (subject.digest for subject in subjects),
        at=at,
        environment=environment,
        needs=old.needs | new.needs,
    )
    for subject, dossier in zip(subjects, dossiers, strict=True):
        before, after = (
            evaluate(dossier, policy, subject=subject, environment=environment, at=at)
            for policy in (old, new)
        )
        if before.verdict is after.verdict:
            yield None
            continue
        changes = reasons_alone(compare(before, after))
        reasons = tuple((change.rule, change.what) for change in changes)
        yield Shift(subject, environment, before.verdict, after.verdict, reasons)
