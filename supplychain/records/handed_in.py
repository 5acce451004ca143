"""What callers claim of images without a signature: kept apart, for policies to name or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row

from supplychain.frozen import dataclass
from supplychain.gate.packages import PackagePattern
from supplychain.model.component import Component
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.model.unsigned import Told
from supplychain.records.asking import asking
from supplychain.records.audit import Notes
from supplychain.records.bulk import Filing
from supplychain.records.claim_search import ClaimPlace, FoundClaim, find_claims
from supplychain.records.claimed import reading_document
from supplychain.records.content import ContentStore
from supplychain.records.database import reading, writing
from supplychain.records.evidence import claims_about, members
from supplychain.records.sbom_contents import file_contents, rows_of
from supplychain.records.schema import sbom_contents, unsigned_claims

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
        components: How many components can be searched for; None where it is no document that is
            broken down.
    """

    subject: Digest
    kind: EvidenceKind
    caller: str
    digest: Digest
    size: int
    recorded_at: datetime
    unread: str = ""
    components: int | None = None


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
        listed: Sequence[Component] | None = None,
    ) -> UnsignedClaim:
        """Keep a claim; the same one of the same caller once.

        Args:
            claim: The claim.
            chunks: Its document, from the beginning.
            told: What it says; None where it cannot count.
            listed: What the document lists, to be searched for; None where nobody can read it.

        Returns:
            The claim, with how many components can be searched for.

        Raises:
            DigestMismatchError: The document is another one.
            ForbiddenError: It is handed in under another name.
            InputError: It lists what cannot be recorded.
        """
        self._notes.require(claim.caller)
        rows = None if listed is None else rows_of(listed)
        self._content.put_chunks(claim.digest, claim.size, chunks)
        reading = None if told is None else self._content.put(reading_document(told))
        with writing(self._engine) as connection:
            filing = Filing(connection, self._project, claim.recorded_at)
            # Facts before what names them, as runs file them: so nobody waits in a circle.
            if rows is not None:
                file_contents(filing, {claim.digest: rows})
            added = filing.insert(
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
        return claim if rows is None else replace(claim, components=len(rows))

    def about(self, subject: Digest, *, at: datetime) -> tuple[UnsignedClaim, ...]:
        """What is claimed of an image and its platforms, the newest first."""
        same = sbom_contents.c.digest == unsigned_claims.c.digest
        with reading(self._engine) as connection:
            subjects = {subject, *members(connection, self._project, subject, at).values()}
            chosen = claims_about(self._project, subjects, at).outerjoin(sbom_contents, same)
            rows = connection.execute(chosen.add_columns(sbom_contents.c.component_count))
            return tuple(_claim(row) for row in rows)

    def having(
        self,
        pattern: PackagePattern,
        *,
        at: datetime,
        limit: int,
        after: ClaimPlace | None = None,
    ) -> tuple[FoundClaim, ...]:
        """Which images have a package, as callers claimed by an instant: `find_claims`.

        Raises:
            StoreError: The database cannot be read.
        """
        # Components and claims never change: what is asked need not be of one moment.
        with asking(self._engine) as connection:
            return find_claims(connection, self._project, pattern, at=at, limit=limit, after=after)


def _claim(row: Row[Any]) -> UnsignedClaim:
    return UnsignedClaim(
        row.subject_digest,
        EvidenceKind(row.kind),
        row.caller,
        row.digest,
        row.size,
        row.recorded_at,
        row.unread or ("" if row.reading else _OLD),
        row.component_count,
    )
