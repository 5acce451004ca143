"""What was decided: appended to a chain, found again, and never changed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Select, String, select, type_coerce

from supplychain.errors import ConflictError, InputError, NotFoundError
from supplychain.frozen import dataclass
from supplychain.model.decision import Decision, Verdict
from supplychain.model.digest import Digest
from supplychain.records import decided
from supplychain.records.bulk import Filing
from supplychain.records.chain import Link, Verification, link_after, lock_chain, said_by
from supplychain.records.content import ContentStore
from supplychain.records.database import reading, writing
from supplychain.records.decided import RecordedDecision
from supplychain.records.decision_tables import decision_links
from supplychain.records.packed import packed, unpacked
from supplychain.records.prepared import Prepared
from supplychain.records.schema import decisions, policies
from supplychain.records.standing import read_latest
from supplychain.records.waiver_reading import file_waivers

_PREFIX = re.compile(r"(?:sha256:)?([0-9a-f]{6,64})")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision on its way into the record, with all that it takes to replay it.

    Attributes:
        document: The canonical decision document; its digest is the decision's identity.
        decision: What the document says.
        policy: The canonical policy that was given; None where none was.
        inputs: The document of everything else that was judged; None where nobody kept it.
        essence: What it says but for the time of day; None to append it whatever was said before.
    """

    document: bytes
    decision: Decision
    policy: bytes | None = None
    inputs: bytes | None = None
    essence: Digest | None = None


@dataclass(frozen=True, slots=True)
class Replayable:
    """The three documents of a decision.

    Attributes:
        document: The decision.
        policy: The policy that was given; None where none was.
        inputs: Everything else that was judged.
    """

    document: bytes
    policy: bytes | None
    inputs: bytes


class Ledger:
    """One project's decisions; `Record.ledger` gives it.

    Args:
        engine: The record's database.
        content: The record's content store.
        project: The project's number.
    """

    def __init__(self, engine: Engine, content: ContentStore, project: int) -> None:
        self._engine = engine
        self._content = content
        self._project = project

    def standing(self, decision: Decision, essence: Digest) -> Digest | None:
        """The latest decision about its subject there, where that says the same and still holds.

        Returns:
            The digest of its document; None where there is no such decision.
        """
        with reading(self._engine) as connection:
            subject, environment = decision.subject, decision.environment
            latest = read_latest(connection, self._project, subject, environment)
        return latest.digest if latest and latest.stands(essence, decision.decided_at) else None

    def append(self, entry: DecisionRecord) -> Digest:
        """Append a decision, unless it is on record, or one of the same essence still holds.

        Returns:
            The digest of its document, or of that other one's.

        Raises:
            InputError: The policy is not the one that the decision names.
        """
        decision, policy = entry.decision, entry.policy
        if policy is not None and decision.policy and not decision.policy.matches(policy):
            raise InputError("the policy document is not the one that the decision names")
        digest = self._content.put(entry.document)
        if entry.policy is not None:
            self._content.put(entry.policy)
        inputs = None if entry.inputs is None else self._content.put(packed(entry.inputs))
        row = {"digest": digest, **said_by(decision)}
        with writing(self._engine) as connection:
            before = lock_chain(connection, self._project)
            if entry.essence is not None:
                subject, environment = decision.subject, decision.environment
                latest = read_latest(connection, self._project, subject, environment)
                if latest and latest.stands(entry.essence, decision.decided_at):
                    return latest.digest
            filing = Filing(connection, self._project, decision.decided_at)
            _file_policy(filing, decision)
            if filing.insert(decisions, **row):
                own = {"essence": entry.essence, "inputs": inputs}
                _file_link(filing, before, row | own, own)
                file_waivers(filing, digest, decision)
        return digest

    def list(
        self,
        *,
        subject: Digest | None = None,
        environment: str | None = None,
        verdict: Verdict | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
        after: Digest | None = None,
    ) -> tuple[RecordedDecision, ...]:
        """Decisions on record, the newest first, of those that all that is given fits to.

        Raises:
            NotFoundError: The one to begin behind is not on record.
        """
        asked = decided.Asked(subject, environment, verdict, since, until)
        with reading(self._engine) as connection:
            return decided.list_decisions(
                connection, self._project, asked, limit=limit, after=after
            )

    def find(self, text: str) -> Digest:
        """The decision that a digest, or the beginning of one, means.

        Raises:
            InputError: It is no such thing.
            NotFoundError: No decision begins so.
            ConflictError: More than one does.
        """
        match = _PREFIX.fullmatch(text)
        if match is None:
            raise InputError(
                f"{text[:80]!r} names no decision",
                hint="at least six hex digits of its ID: supplychain decisions list",
            )
        column = decisions.c.digest
        begins = type_coerce(column, String).startswith(f"sha256:{match[1]}")
        chosen = select(column).where(decisions.c.project_id == self._project, begins)
        with reading(self._engine) as connection:
            found = list(connection.scalars(chosen.order_by(column).limit(_SHOWN + 1)))
        if not found:
            raise NotFoundError(
                f"no decision {text} is on record", hint="supplychain decisions list"
            )
        if len(found) > 1:
            raise ConflictError(
                f"{text} means more than one decision",
                because=", ".join(f"sha256:{digest.short}" for digest in found[:_SHOWN]),
                hint="give more of the ID",
            )
        return Digest.parse(str(found[0]))

    def document(self, digest: Digest) -> bytes:
        """A decision's document.

        Raises:
            NotFoundError: No such decision is on record.
            DigestMismatchError: The stored document was changed.
        """
        self._stored(digest)
        return self._content.get(digest)

    def replayable(self, digest: Digest) -> Replayable:
        """A decision with all that it was made from.

        Raises:
            NotFoundError: There is no such decision, or it was recorded without.
            DigestMismatchError: A stored document was changed.
        """
        from supplychain.gate.decision_document import from_document as read_decision
        from supplychain.gate.inputs import from_document as read_inputs

        stored = self._stored(digest)
        document = self._content.get(digest)
        if stored is None:
            raise NotFoundError(
                f"decision {digest} was recorded without what it was made from",
                because="an older version of supplychain made it",
            )
        inputs = unpacked(self._content.get(stored), read_decision(document).inputs)
        policy = read_inputs(inputs).policy
        return Replayable(document, self._content.get(policy) if policy else None, inputs)

    def policy(self, digest: Digest) -> bytes:
        """The policy that a decision names, as it was judged by.

        Raises:
            NotFoundError: It is not on record.
            DigestMismatchError: The stored document was changed.
        """
        return self._content.get(digest)

    def verify(self, noted: Sequence[Digest] = ()) -> Verification:
        """Look at every decision: its row, its place in the chain, its documents.

        Args:
            noted: Links that somebody noted elsewhere; each has to be in the chain.
        """
        from supplychain.records.chain_check import verify_chain

        with reading(self._engine) as connection:
            return verify_chain(connection, self._project, self._content, noted)

    def _stored(self, digest: Digest) -> Digest | None:
        """Under what digest a decision's inputs are stored."""
        with reading(self._engine) as connection:
            row = _INPUTS.first(connection, project=self._project, digest=digest)
        if row is None:
            raise NotFoundError(
                f"no decision {digest} is on record", hint="supplychain decisions list"
            )
        found: Digest | None = row.inputs
        return found


def _inputs(project: int, digest: Digest) -> Select[Any]:
    """A decision, and under what digest its inputs are stored."""
    return (
        select(decisions.c.id, decision_links.c.inputs)
        .outerjoin(decision_links, decision_links.c.decision_id == decisions.c.id)
        .where(decisions.c.project_id == project, decisions.c.digest == digest)
    )


_INPUTS = Prepared(_inputs)


def _file_policy(filing: Filing, decision: Decision) -> None:
    if decision.policy is not None:
        filing.insert(
            policies,
            environment=decision.environment,
            digest=decision.policy,
            first_used_at=decision.decided_at,
        )


def _file_link(
    filing: Filing, before: Link | None, row: dict[str, Any], own: dict[str, Any]
) -> None:
    link = link_after(before, row)
    number = filing.connection.scalar(
        select(decisions.c.id).where(
            decisions.c.project_id == filing.project, decisions.c.digest == row["digest"]
        )
    )
    filing.insert(
        decision_links,
        sequence=link.sequence,
        decision_id=number,
        previous=before.digest if before else None,
        digest=link.digest,
        **own,
    )
