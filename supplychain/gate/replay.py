"""A decision made once more from its three documents: it has to come out byte for byte."""

from __future__ import annotations

import dataclasses
import difflib
import json

from supplychain.errors import InputError, VerificationError
from supplychain.gate.decision_document import from_document, to_document
from supplychain.gate.evaluate import evaluate
from supplychain.gate.inputs import from_document as read_inputs
from supplychain.gate.policy import Policy
from supplychain.model.decision import Decision

# As many lines of a difference as people read.
_SHOWN = 40


def replay(document: bytes, inputs: bytes, policy: Policy | None) -> Decision:
    """Judge again what was judged then, as of then.

    Args:
        document: The decision.
        inputs: What it was made from.
        policy: The policy that was given; None where none was.

    Returns:
        The decision.

    Raises:
        InputError: These documents do not belong together, or are none.
        VerificationError: Something else comes out today; `because` has the difference.
    """
    then = from_document(document)
    _require_together(then, inputs, policy)
    given = read_inputs(inputs)
    today = evaluate(
        given.dossier,
        policy,
        subject=given.subject,
        environment=given.environment,
        at=then.decided_at,
    )
    again = to_document(dataclasses.replace(today, inputs=then.inputs))
    if again != document:
        other = (
            "" if today.verdict is then.verdict else f": it was {then.verdict}, now {today.verdict}"
        )
        raise VerificationError(
            f"the decision does not come out again{other}",
            because="\n".join(difference(document, again)),
            hint="a rule that judges otherwise since then, or a document that was forged:"
            " replay it with the supplychain that made it",
        )
    return then


def _require_together(then: Decision, inputs: bytes, policy: Policy | None) -> None:
    if then.inputs is None or not then.inputs.matches(inputs):
        raise InputError(
            "these are not the inputs that the decision was made from",
            because=f"it names {then.inputs or 'none'}",
        )
    named = read_inputs(inputs).policy
    if named != (policy and policy.digest):
        raise InputError(
            "this is not the policy that the decision was made by",
            because=f"it names {named or 'none'}, given is {policy.digest if policy else 'none'}",
        )


def difference(before: bytes, after: bytes) -> list[str]:
    """What differs between two documents, line by line as they read when spread out."""
    then, today = (
        json.dumps(json.loads(data), indent=1, sort_keys=True).splitlines()
        for data in (before, after)
    )
    lines = list(difflib.unified_diff(then, today, "then", "today", lineterm="", n=0))
    more = [f"… and {len(lines) - _SHOWN} more lines"] if len(lines) > _SHOWN else []
    return lines[:_SHOWN] + more
