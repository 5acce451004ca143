"""The images on record: page by page, by what they are called, and what they consist of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine

from supplychain.errors import NotFoundError
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.model.subject import Subject
from supplychain.records import listing, lookup
from supplychain.records.asking import asking
from supplychain.records.content import ContentStore
from supplychain.records.database import reading
from supplychain.records.listing import ImageSummary


class Images:
    """One project's images; `Record.images` gives it.

    Args:
        engine: The record's database.
        content: The record's content store.
        project: The project's number.
    """

    def __init__(self, engine: Engine, content: ContentStore, project: int) -> None:
        self._engine = engine
        self._content = content
        self._project = project

    def subjects(self, *, at: datetime) -> tuple[Subject, ...]:
        """Every image on record as of an instant that is not merely part of an index, sorted."""
        with reading(self._engine) as connection:
            return lookup.recorded_subjects(connection, self._project, at)

    def list(
        self, *, at: datetime, limit: int = 100, after: Digest | None = None
    ) -> tuple[ImageSummary, ...]:
        """The images on record as of an instant, the newest first.

        Args:
            at: The instant (aware, UTC).
            limit: At most so many.
            after: Begin behind this one; None to begin with the newest.

        Raises:
            NotFoundError: That one is not on record.
        """
        with reading(self._engine) as connection:
            return listing.list_images(connection, self._project, at=at, limit=limit, after=after)

    def find(self, text: str) -> Digest:
        """The recorded image that a digest, the beginning of one, a name or `name:tag` means.

        Raises:
            NotFoundError: Nothing recorded fits.
            ConflictError: More than one image fits.
        """
        with reading(self._engine) as connection:
            return lookup.find_image(connection, self._project, text)

    def show(self, digest: Digest, *, at: datetime) -> ImageSummary:
        """One image on record as of an instant.

        Raises:
            NotFoundError: Nothing is recorded about it.
        """
        with reading(self._engine) as connection:
            found = listing.show_image(connection, self._project, digest, at=at)
        if found is None:
            raise lookup.unknown(digest)
        return found

    def require(self, digest: Digest) -> None:
        """Refuse what is no image on record; costs less than to look at one.

        Raises:
            NotFoundError: Nothing is recorded about it.
        """
        with asking(self._engine) as connection:
            is_recorded = lookup.is_recorded(connection, self._project, digest)
        if not is_recorded:
            raise lookup.unknown(digest)

    def last_resolution(self, name: str, tag: str) -> Digest | None:
        """The digest that a tag pointed at when a run last resolved it; None where none did."""
        with reading(self._engine) as connection:
            return lookup.last_resolution(connection, self._project, name, tag)

    def document(self, digest: Digest, kind: EvidenceKind) -> bytes:
        """The latest SBOM or scan report about a platform manifest, byte for byte.

        Raises:
            NotFoundError: None is on record.
            DigestMismatchError: The stored document was changed.
        """
        with reading(self._engine) as connection:
            found = lookup.latest_document(connection, self._project, digest, kind)
        if found is None:
            raise NotFoundError(
                f"no {kind} of {digest} is on record", hint=f"type `supplychain run IMAGE@{digest}`"
            )
        return self._content.get(found)
