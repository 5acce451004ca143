"""Ask the gate: what the record holds, judged by a policy, recorded as a decision."""

from __future__ import annotations

from datetime import datetime

from supplychain.gate.decision_document import to_document
from supplychain.gate.evaluate import evaluate
from supplychain.gate.policy import Policy
from supplychain.model.decision import Decision
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from supplychain.records.record import Record


def judge(
    record: Record, subject: Subject, policy: Policy | None, *, environment: str, at: datetime
) -> tuple[Decision, bytes, Digest]:
    """The verdict about a digest, recorded.

    Args:
        record: Where evidence is and the decision goes.
        subject: What is asked about.
        policy: The environment's policy; None where there is none, which is a denial.
        environment: Where it wants to run.
        at: The instant judged for (aware, UTC).

    Returns:
        The decision, its document, and the document's digest, by which the record knows it.

    Raises:
        StoreError: The record cannot be read or written; then there is no verdict.
    """
    needs = policy.needs if policy is not None else frozenset()
    dossier = record.dossier(subject.digest, at=at, environment=environment, needs=needs)
    decision = evaluate(dossier, policy, subject=subject, environment=environment, at=at)
    document = to_document(decision)
    used = policy.canonical() if policy is not None and decision.policy is not None else None
    return decision, document, record.save_decision(document, decision, policy=used)
