"""What is on record about an image, document by document: verified, or somebody's mere word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, or_, select

from supplychain.errors import ConflictError, InputError, NotFoundError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.evidence import CLAIM, EvidenceKind
from supplychain.records.configurations import MEDIA_TYPE as CONFIGURATION
from supplychain.records.content import ContentStore
from supplychain.records.database import reading
from supplychain.records.lookup import unknown
from supplychain.records.schema import (
    attestations,
    configurations,
    evidence,
    images,
    index_children,
    unsigned_claims,
)

# Of what callers claim only that is known.
_CLAIMED = "application/json"
_PREFIX = re.compile(r"(?:sha256:)?([0-9a-f]{6,64})")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class EvidenceDocument:
    """A document on record about an image.

    Attributes:
        subject: What it is about: the image, or one of its platforms.
        kind: What it is.
        digest: The document, byte for byte.
        media_type: What the bytes are.
        verified_by: How we know, as `Evidence` has it; `claim:<caller>` of what nobody verified.
        recorded_at: When it was recorded, or handed in (aware, UTC).
        predicate_type: Of what is signed, the type of what is stated; "" of everything else.
        handed_in_by: Of what was verified, who handed it in first; "" where nobody did, or nobody
            kept who.
    """

    subject: Digest
    kind: EvidenceKind
    digest: Digest
    media_type: str
    verified_by: str
    recorded_at: datetime
    predicate_type: str = ""
    handed_in_by: str = ""

    @property
    def claimed_by(self) -> str:
        """Whose mere word it is; "" for what was verified."""
        return self.verified_by.removeprefix(CLAIM) if self.verified_by.startswith(CLAIM) else ""


class Documents:
    """The documents of one project; `Record.documents` gives it.

    Args:
        engine: The record's database.
        content: The record's content store.
        project: The project's number.
    """

    def __init__(self, engine: Engine, content: ContentStore, project: int) -> None:
        self._engine = engine
        self._content = content
        self._project = project

    def about(self, image: Digest, *, at: datetime) -> tuple[EvidenceDocument, ...]:
        """What was on record at an instant about an image and its platforms, the newest first.

        One document is there as often as somebody else verified or claimed it.

        Raises:
            NotFoundError: Nothing is recorded about the image.
        """
        with reading(self._engine) as connection:
            subjects = members(connection, self._project, image, at)
            if not subjects:
                raise unknown(image)
            found = [
                *_verified(connection, subjects, at),
                *_configured(connection, subjects, at),
                *_claimed(connection, self._project, subjects.values(), at),
            ]
        by_name = sorted(found, key=lambda one: (one.kind, str(one.digest), one.verified_by))
        return tuple(sorted(by_name, key=lambda one: one.recorded_at, reverse=True))

    def get(self, image: Digest, document: Digest, *, at: datetime) -> bytes:
        """A document about an image, byte for byte.

        Raises:
            NotFoundError: It is not on record about this image.
            ContentMissingError: It is, and the content store has lost it.
            DigestMismatchError: It is, and the content store has other bytes.
        """
        if all(one.digest != document for one in self.about(image, at=at)):
            raise _none(str(document))
        return self._content.get(document)

    def size(self, document: EvidenceDocument) -> int | None:
        """How many bytes the content store has under its digest; None where it has nothing."""
        return self._content.size(document.digest)


def meant(documents: Iterable[EvidenceDocument], text: str) -> Digest:
    """Which of some documents a digest means, or the beginning of one.

    Raises:
        InputError: It is no digest.
        NotFoundError: It is none of them.
        ConflictError: It may be several.
    """
    match = _PREFIX.fullmatch(text)
    if match is None:
        raise InputError(
            f"{text[:80]!r} is no digest", hint="as `supplychain evidence list IMAGE` shows it"
        )
    found = sorted({one.digest for one in documents if one.digest.hex.startswith(match[1])})
    if not found:
        raise _none(text)
    if len(found) > 1:
        shown = ", ".join(one.short for one in found[:_SHOWN])
        raise ConflictError(
            f"{text!r} means more than one document", because=shown, hint="give more of the digest"
        )
    return found[0]


def members(
    connection: Connection, project: int, image: Digest, at: datetime
) -> Mapping[int, Digest]:
    """An image on record and, of an index, its platforms: digests by their numbers."""
    index = images.alias("index")
    children = (
        select(index_children.c.child_id)
        .join(index, index.c.id == index_children.c.index_id)
        .where(index.c.project_id == project, index.c.digest == image)
    )
    chosen = select(images.c.id, images.c.digest).where(
        images.c.project_id == project,
        images.c.recorded_at <= at,
        or_(images.c.digest == image, images.c.id.in_(children)),
    )
    return {row.id: row.digest for row in connection.execute(chosen)}


def _verified(
    connection: Connection, subjects: Mapping[int, Digest], at: datetime
) -> Iterator[EvidenceDocument]:
    column = evidence.c
    chosen = (
        select(evidence, attestations.c.predicate_type)
        .outerjoin(attestations, attestations.c.evidence_id == column.id)
        .where(column.image_id.in_(subjects), column.recorded_at <= at)
    )
    for row in connection.execute(chosen):
        yield EvidenceDocument(
            subjects[row.image_id],
            EvidenceKind(row.kind),
            row.digest,
            row.media_type,
            row.verified_by,
            row.recorded_at,
            row.predicate_type or "",
            row.handed_in_by or "",
        )


def _configured(
    connection: Connection, subjects: Mapping[int, Digest], at: datetime
) -> Iterator[EvidenceDocument]:
    column = configurations.c
    chosen = select(column.image_id, column.digest, column.recorded_at).where(
        column.image_id.in_(subjects), column.recorded_at <= at
    )
    for row in connection.execute(chosen):
        subject, known = subjects[row.image_id], "first-hand"
        yield EvidenceDocument(
            subject, EvidenceKind.CONFIG, row.digest, CONFIGURATION, known, row.recorded_at
        )


def _claimed(
    connection: Connection, project: int, subjects: Iterable[Digest], at: datetime
) -> Iterator[EvidenceDocument]:
    for row in connection.execute(claims_about(project, subjects, at)):
        yield EvidenceDocument(
            row.subject_digest,
            EvidenceKind(row.kind),
            row.digest,
            _CLAIMED,
            f"{CLAIM}{row.caller}",
            row.recorded_at,
        )


def claims_about(project: int, subjects: Iterable[Digest], at: datetime) -> Select[Any]:
    """What callers claim of some images, the newest first."""
    column = unsigned_claims.c
    return (
        select(unsigned_claims)
        .where(
            column.project_id == project,
            column.subject_digest.in_(list(subjects)),
            column.recorded_at <= at,
        )
        .order_by(column.recorded_at.desc(), column.id.desc())
    )


def _none(text: str) -> NotFoundError:
    return NotFoundError(
        f"there is no evidence {text} about this image",
        hint="supplychain evidence list IMAGE shows what there is",
    )
