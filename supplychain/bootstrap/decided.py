"""Recorded decisions with their policies read, in the record or in a folder of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from supplychain.bootstrap.trust import read_document
from supplychain.errors import InputError, NotFoundError, StoreError
from supplychain.frozen import dataclass

if TYPE_CHECKING:
    from supplychain.gate.comparison import Difference
    from supplychain.gate.policy import Policy
    from supplychain.model.decision import Decision
    from supplychain.model.digest import Digest
    from supplychain.records.ledger import Replayable
    from supplychain.records.record import Record

# A dossier with tens of thousands of components, spread out.
_LARGEST = 1 << 30
_DECISION, _POLICY, _INPUTS = "decision.json", "policy.json", "inputs.json"


@dataclass(frozen=True, slots=True)
class Decided:
    """A recorded decision.

    Attributes:
        identity: Digest of its document.
        document: The document.
        decision: What it says.
    """

    identity: Digest
    document: bytes
    decision: Decision


def decided(record: Record, text: str) -> Decided:
    """The decision that a whole or shortened ID means.

    Raises:
        NotFoundError: There is none.
        ConflictError: More than one begins so.
    """
    from supplychain.gate.decision_document import from_document

    identity = record.ledger.find(text)
    document = record.ledger.document(identity)
    return Decided(identity, document, from_document(document))


def difference(record: Record, earlier: str, later: str) -> Difference:
    """What is between two decisions; each by its ID or the beginning of it.

    Raises:
        NotFoundError: There is no such decision, or a policy is not on record any more.
        ConflictError: More than one begins so.
    """
    from supplychain.gate.comparison import Difference, compare

    before, after = decided(record, earlier), decided(record, later)
    one, other = before.decision, after.decision
    policies = (
        [policy_of_decision(record, each) for each in (one, other)]
        if one.policy != other.policy
        else [None, None]
    )
    changes = compare(one, other, *policies)
    return Difference(one, other, (before.identity, after.identity), changes)


def policy_of_decision(record: Record, decision: Decision) -> Policy | None:
    """The policy that a decision was made by; None where there was none.

    Raises:
        NotFoundError: It is not on record any more.
    """
    if decision.policy is None:
        return None
    return read_recorded(record.ledger.policy(decision.policy))


def read_recorded(canonical: bytes) -> Policy:
    """A policy from the form in which it is recorded: whole, with its keys written in.

    Raises:
        PolicyError: It is no such policy.
    """
    from supplychain.bootstrap.rego import run_rego
    from supplychain.gate.document import load_policy
    from supplychain.signing.trust.keys import fingerprint_of_pem

    return load_policy(
        canonical,
        source="the recorded policy",
        read_key=_refuse,
        read_document=_refuse,
        fingerprint=fingerprint_of_pem,
        run_rego=run_rego,
    )


def _refuse(name: str) -> NoReturn:
    raise InputError(f"a recorded policy names no files, and this one names {name[:80]!r}")


def replay_documents(found: Replayable) -> Decision:
    """Judge again what was judged then; it has to come out byte for byte.

    Raises:
        VerificationError: Something else comes out.
        InputError: The documents do not belong together.
    """
    from supplychain.gate.replay import replay

    policy = read_recorded(found.policy) if found.policy is not None else None
    return replay(found.document, found.inputs, policy)


def write_bundle(found: Replayable, folder: Path) -> None:
    """Write the documents of a decision into a folder, which must not exist yet or be empty.

    Raises:
        InputError: Something is in it.
        StoreError: It cannot be written.
    """
    documents = {_DECISION: found.document, _INPUTS: found.inputs}
    if found.policy is not None:
        documents[_POLICY] = found.policy
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InputError(f"the folder {folder} is not empty", hint="name a new one")
        for name, document in documents.items():
            (folder / name).write_bytes(document)
    except OSError as error:
        raise StoreError(
            f"the folder {folder} cannot be written", because=error.strerror, retryable=False
        ) from error


def read_bundle(folder: Path) -> Replayable:
    """The documents that `write_bundle` wrote.

    Raises:
        NotFoundError: The folder or a document is not there.
    """
    from supplychain.records.ledger import Replayable

    if not folder.is_dir():
        raise NotFoundError(
            f"there is no folder {folder}", hint="supplychain decisions export ID --to FOLDER"
        )
    return Replayable(
        document=read_document(folder / _DECISION, "decision"),
        policy=read_document(folder / _POLICY, "policy") if (folder / _POLICY).exists() else None,
        inputs=read_document(folder / _INPUTS, "inputs of a decision", limit=_LARGEST),
    )
