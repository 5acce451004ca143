"""VEX: what is claimed, whose word it is, and who accepted which claim after a review."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, String, func, select, type_coerce

from supplychain.errors import DigestMismatchError, InputError, NotFoundError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier
from supplychain.model.evidence import VerifiedAttestation
from supplychain.model.vex import VexDocument, VexFormat, VexStatement, vulnerability_key
from supplychain.records.audit import Notes
from supplychain.records.bulk import Filing
from supplychain.records.content import ContentStore
from supplychain.records.database import reading, writing
from supplychain.records.prepared import Prepared
from supplychain.records.run import AttestationRecord, RunRecord
from supplychain.records.vex_rows import (
    Asked,
    file_document,
    signatures_of,
    statements_about,
    statements_of,
)
from supplychain.records.vex_tables import vex_claims, vex_documents, vex_reviews

_PREFIX = re.compile(r"(?:sha256:)?([0-9a-f]{6,64})")


@dataclass(frozen=True, slots=True)
class RecordedVex:
    """A document on record, as it is about one thing.

    Attributes:
        digest: The document.
        about: The image that it is attached to; None where it was signed as a file.
        format: What form it has.
        identifier: What it calls itself; "" for nothing.
        author: Whom it names as its author.
        issued_at: When it was issued, by itself.
        recorded_at: When it was recorded.
        claims: How many claims it makes.
        signatures: Who signed it.
    """

    digest: Digest
    about: Digest | None
    format: VexFormat
    identifier: str
    author: str
    issued_at: datetime
    recorded_at: datetime
    claims: int
    signatures: tuple[VerifiedAttestation, ...]


class Vex:
    """The VEX documents of one project; everything is appended and nothing changed.

    Args:
        engine: A database whose schema is current.
        content: Where the documents are kept, byte for byte.
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
        document: VexDocument,
        data: bytes,
        signature: VerifiedAttestation,
        bundle: bytes,
        *,
        at: datetime,
    ) -> None:
        """Record a document that was signed as a file.

        Args:
            document: What it says.
            data: The document, byte for byte.
            signature: What the verifier made of the bundle.
            bundle: The bundle.
            at: The instant of recording (aware, UTC).

        Raises:
            DigestMismatchError: They do not belong together.
        """
        if not (document.digest.matches(data) and signature.envelope.matches(bundle)):
            raise DigestMismatchError("the VEX document has other bytes than those named")
        if signature.subject.digest != document.digest:
            raise DigestMismatchError("what was signed is another document")
        self._content.put(data)
        self._content.put(bundle)
        with writing(self._engine) as connection:
            if file_document(Filing(connection, self._project, at), document, signature):
                after = {"signature": str(signature.envelope), "verified_by": signature.verified_by}
                self._notes.note(connection, "vex.imported", document.digest, at=at, after=after)

    def review(
        self,
        document: Digest,
        position: int | None,
        *,
        actor: str,
        reason: str,
        at: datetime,
        accepted: bool = True,
    ) -> None:
        """Record that somebody accepts a claim, or takes that back.

        Args:
            document: The document.
            position: Which of its claims; None for all of them.
            actor: Who.
            reason: Why, for people.
            at: Now (aware, UTC): from then on it counts.
            accepted: False takes an earlier acceptance back.

        Raises:
            NotFoundError: There is no such document, or it makes no such claim.
            InputError: Nobody says who, or takes back what was never given.
        """
        if not actor:
            raise InputError("nobody says who accepts this")
        self._notes.require(actor)
        found = self.statements(document, at=at)
        chosen = [one for one in found if position in {None, one.claim.position}]
        if not chosen:
            raise NotFoundError(
                f"{document} makes no claim #{position}",
                hint=f"see what it claims with: supplychain vex show {document}",
            )
        given = {one.accepted_by for claim in chosen for one in claim.acceptances}
        if not accepted and actor not in given:
            raise InputError(
                f"{actor} has not accepted this", because="only what was given is taken back"
            )
        with writing(self._engine) as connection:
            Filing(connection, self._project, at).insert(
                vex_reviews,
                document_digest=document,
                position=position,
                event="accepted" if accepted else "withdrawn",
                actor=actor,
                reason=reason,
            )
            what = "vex.accepted" if accepted else "vex.withdrawn"
            after = {"claim": position, "reason": reason}
            self._notes.note(connection, what, document, at=at, after=after, who=actor)

    def documents(self, *, at: datetime, limit: int = 100) -> tuple[RecordedVex, ...]:
        """The documents on record as of an instant, the newest first."""
        column = vex_documents.c
        counted = (
            select(func.count())
            .where(vex_claims.c.document_id == column.id)
            .scalar_subquery()
            .label("claims")
        )
        chosen = (
            select(vex_documents, counted)
            .where(column.project_id == self._project, column.recorded_at <= at)
            .order_by(column.recorded_at.desc(), column.id.desc())
            .limit(limit)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(chosen).all()
            signed = signatures_of(connection, {row.id for row in rows}, at)
        return tuple(
            RecordedVex(
                row.digest,
                None if row.about_digest == row.digest else row.about_digest,
                VexFormat(row.format),
                row.identifier,
                row.author,
                row.issued_at,
                row.recorded_at,
                row.claims,
                tuple(signed.get(row.id, ())),
            )
            for row in rows
        )

    def find(self, text: str, *, at: datetime) -> Digest:
        """The document that a digest means, or the beginning of one.

        Raises:
            NotFoundError: None.
            InputError: More than one.
        """
        match, column = _PREFIX.fullmatch(text), vex_documents.c
        found: list[Digest] = []
        if match is not None:
            begins = type_coerce(column.digest, String).startswith(f"sha256:{match[1]}")
            chosen = select(column.digest).distinct().order_by(column.digest).limit(2)
            known = (column.project_id == self._project, column.recorded_at <= at)
            with reading(self._engine) as connection:
                found = list(connection.scalars(chosen.where(begins, *known)))
        if not found:
            raise NotFoundError(
                f"no VEX document {text[:80]!r} is on record", hint="supplychain vex list"
            )
        if len(found) > 1:
            raise InputError(
                f"{text!r} means more than one document", hint="give more of the digest"
            )
        return found[0]

    def statements(self, document: Digest, *, at: datetime) -> tuple[VexStatement, ...]:
        """What a document claims.

        Raises:
            NotFoundError: It is not on record.
        """
        with reading(self._engine) as connection:
            found = statements_of(connection, Asked(self._project, at), document)
        if not found:
            raise NotFoundError(
                f"no VEX document {document} is on record", hint="supplychain vex list"
            )
        return found


def file_vex(filing: Filing, run: RunRecord) -> None:
    """File what attestations of a run claim."""
    attached: list[AttestationRecord] = [*run.attestations]
    attached += [record for platform in run.platforms for record in platform.attestations]
    for record in sorted(attached, key=lambda record: record.attestation.envelope):
        if record.claims is not None:
            file_document(filing, record.claims.document, record.attestation)


def read_statements(
    connection: Connection, project: int, dossiers: Sequence[Dossier], at: datetime
) -> list[tuple[VexStatement, ...]]:
    """For each image, every statement about its findings that could be meant of it."""
    if not _ANY(connection, project=project):
        return [()] * len(dossiers)
    return [_statements_about(connection, Asked(project, at), dossier) for dossier in dossiers]


def _statements_about(
    connection: Connection, asked: Asked, dossier: Dossier
) -> tuple[VexStatement, ...]:
    findings = [one.finding for platform in dossier.platforms for one in platform.findings]
    names = {
        vulnerability_key(name) for one in findings for name in (one.vulnerability_id, *one.aliases)
    }
    if not names:
        return ()
    images = {dossier.subject.digest, *(p.subject.digest for p in dossier.platforms)}
    return statements_about(connection, asked, names, images)


def _any(project: int) -> Select[Any]:
    return select(vex_documents.c.id).where(vex_documents.c.project_id == project).limit(1)


_ANY = Prepared(_any)
