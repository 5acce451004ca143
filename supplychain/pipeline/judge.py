"""Ask the gate: what the record holds, judged by a policy, recorded as a decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, Protocol

from supplychain.gate.decision_document import to_document
from supplychain.gate.essence import essence_of
from supplychain.gate.evaluate import evaluate, wants_run
from supplychain.gate.policy import Policy
from supplychain.gate.unseen import Unseen
from supplychain.model.decision import Decision, Verdict
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, Need
from supplychain.model.subject import Subject
from supplychain.records.ledger import DecisionRecord
from supplychain.records.record import Record


class Starter(Protocol):
    """Has images looked at that nobody has seen."""

    @property
    def first(self) -> Callable[[], None]:
        """Told that nobody asked this before; raises where one asks too many such questions."""
        ...

    def start(self, subject: Subject, unseen: Unseen, *, environment: str, at: datetime) -> str:
        """Have a run of an image started; however often, it is one run.

        Args:
            subject: The image.
            unseen: What the policy says of it.
            environment: Where it wants to run.
            at: Now (aware, UTC).

        Returns:
            Why none was, for people; "" where one is under way now.
        """
        ...

    def hurry(self, subject: Subject, unseen: Unseen | None, *, at: datetime) -> None:
        """Have a run that waits go first, whoever asked for it; as `start`.

        Args:
            subject: The image.
            unseen: What the policy says of images that were never seen; None for nothing.
            at: Now (aware, UTC).
        """
        ...


class Judged(NamedTuple):
    """A verdict, and where it stands.

    Attributes:
        decision: What is said now, with every age as of now.
        document: The recorded decision: this very one, or an earlier one that says the same and
            still holds.
        identity: The document's digest, by which the record knows it.
    """

    decision: Decision
    document: bytes
    identity: Digest


def judge(
    record: Record,
    subject: Subject,
    policy: Policy | None,
    *,
    environment: str,
    at: datetime,
    starter: Starter | None = None,
) -> Judged:
    """The verdict about a digest, recorded unless the latest one says the same and still holds.

    Args:
        record: Where evidence is and the decision goes.
        subject: What is asked about.
        policy: The environment's policy; None where there is none, which is a denial.
        environment: Where it wants to run.
        at: The instant judged for (aware, UTC).
        starter: Starts a run where the policy wants one of an image that was never seen, and has
            one go first that a verdict waits for; None for nobody.

    Raises:
        StoreError: The record cannot be read or written; then there is no verdict.
        RateError: The starter has been told often enough that nobody asked this before.
    """
    needs = _needs(policy)
    dossier, latest = record.consult(subject, at=at, environment=environment, needs=needs)
    if starter and latest is None:
        starter.first()
    unseen = policy.unseen if policy and policy.environment == environment else None
    starts = starter and policy and unseen and wants_run(dossier, policy, subject, at)
    if starter and unseen and starts:
        why = starter.start(subject, unseen, environment=environment, at=at)
        dossier, latest = record.consult(subject, at=at, environment=environment, needs=needs)
        if why:
            nothing = dossier or Dossier(Subject("", subject.digest), (), ())
            dossier = replace(nothing, unstarted=why)
    decision = evaluate(dossier, policy, subject=subject, environment=environment, at=at)
    if starter and not starts and decision.verdict is Verdict.PENDING:
        starter.hurry(subject, unseen, at=at)
    essence = essence_of(decision)
    if latest is not None and latest.stands(essence, at):
        return Judged(decision, record.content.get(latest.digest), latest.digest)
    entry = _entry(decision, dossier, policy, subject, essence)
    found = record.ledger.append(entry)
    if found.matches(entry.document):
        return Judged(entry.decision, entry.document, found)
    return Judged(decision, record.content.get(found), found)


class Considered(NamedTuple):
    """A verdict that nobody recorded, and what it was made from.

    Attributes:
        decision: What the gate says.
        dossier: What it judged; None where nothing was on record.
    """

    decision: Decision
    dossier: Dossier | None


def consider(
    record: Record, subject: Subject, policy: Policy | None, *, environment: str, at: datetime
) -> Considered:
    """The verdict as it would be, or would have been: nothing is recorded.

    Args:
        record: Where evidence is.
        subject: What is asked about.
        policy: The policy to judge by; None for none.
        environment: Where it wants to run.
        at: The instant judged for (aware, UTC); what was recorded later is left out.

    Raises:
        StoreError: The record cannot be read.
    """
    needs = _needs(policy)
    dossier = record.dossier(subject.digest, at=at, environment=environment, needs=needs)
    decision = evaluate(dossier, policy, subject=subject, environment=environment, at=at)
    return Considered(decision, dossier)


def standing(record: Record, decision: Decision) -> Digest | None:
    """The recorded decision that says the same and holds at that instant; None for none."""
    return record.ledger.standing(decision, essence_of(decision))


def _needs(policy: Policy | None) -> frozenset[Need]:
    return policy.needs if policy is not None else frozenset()


def _entry(
    decision: Decision,
    dossier: Dossier | None,
    policy: Policy | None,
    subject: Subject,
    essence: Digest,
) -> DecisionRecord:
    """The decision with all that it takes to replay it; loads what writes that only now."""
    from supplychain.gate.inputs import Inputs
    from supplychain.gate.inputs import to_document as inputs_document

    given = policy.digest if policy is not None else None
    inputs = inputs_document(Inputs(subject, decision.environment, given, dossier))
    whole = replace(decision, inputs=Digest.of(inputs))
    used = policy.canonical() if policy is not None else None
    return DecisionRecord(to_document(whole), whole, used, inputs, essence)
