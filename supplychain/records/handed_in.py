"""What callers claim of images without a signature: kept apart, for policies to name or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select

from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.model.unsigned import Told
from supplychain.records.audit import Notes
from supplychain.records.bulk import Filing
from supplychain.records.claimed import reading_document
from supplychain.records.content import ContentStore
from supplychain.records.database import reading, writing
from supplychain.records.schema import unsigned_claims

# Of what was handed in before anybody read it.
_OLD = "hand it in again: it was never read"


@dataclass(frozen=True, slots=True)
class UnsignedClaim:
    """A document that somebody handed in, and that nobody signed.

    Attributes:
        subject: The image that it claims to be about.
        kind: What it claims to be: an SBOM or a scan report.
        caller: Who handed it in.
        digest: The document, byte for byte.
        size: How many bytes it has.
        recorded_at: When (aware, UTC).
        unread: Why it cannot count for anything, whatever a policy says; "" where it can.
    """

    subject: Digest
    kind: EvidenceKind
    caller: str
    digest: Digest
    size: int
    recorded_at: datetime
    unread: str = ""


class HandedIn:
    """One project's unsigned claims; `Record.handed_in` gives it.

    Args:
        engine: The record's database.
        content: The record's content store.
        project: The project's number.
        notes: Who acts.
    """

    def __init__(self, engine: Engine, content: ContentStore, project: int, notes: Notes) -> None:
        self._engine = engine
        self._content = content
        self._project = project
        self._notes = notes

    def add(
        self,
        claim: UnsignedClaim,
        chunks: Callable[[], Iterator[bytes]],
        told: Told | None = None,
    ) -> None:
        """Keep a claim; the same one of the same caller once.

        Args:
            claim: The claim.
            chunks: Its document, from the beginning.
            told: What it says; None where it cannot count.

        Raises:
            DigestMismatchError: The document is another one.
            ForbiddenError: It is handed in under another name.
        """
        self._notes.require(claim.caller)
        self._content.put_chunks(claim.digest, claim.size, chunks)
        reading = None if told is None else self._content.put(reading_document(told))
        with writing(self._engine) as connection:
            added = Filing(connection, self._project, claim.recorded_at).insert(
                unsigned_claims,
                subject_digest=claim.subject,
                kind=claim.kind,
                caller=claim.caller,
                digest=claim.digest,
                size=claim.size,
                reading=reading,
                unread=claim.unread or None,
            )
            if added:
                self._notes.note(
                    connection,
                    "claim.handed-in",
                    claim.subject,
                    at=claim.recorded_at,
                    after={"kind": claim.kind.value, "document": str(claim.digest)},
                    who=claim.caller,
                )

    def about(self, subject: Digest, *, at: datetime) -> tuple[UnsignedClaim, ...]:
        """What is claimed of an image, the newest first."""
        column = unsigned_claims.c
        chosen = (
            select(unsigned_claims)
            .where(
                column.project_id == self._project,
                column.subject_digest == subject,
                column.recorded_at <= at,
            )
            .order_by(column.recorded_at.desc(), column.id.desc())
        )
        with reading(self._engine) as connection:
            return tuple(
                UnsignedClaim(
                    row.subject_digest,
                    EvidenceKind(row.kind),
                    row.caller,
                    row.digest,
                    row.size,
                    row.recorded_at,
                    row.unread or ("" if row.reading else _OLD),
                )
                for row in connection.execute(chosen)
            )
