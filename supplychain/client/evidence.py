"""What is on record at a server about an image, document by document."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import TYPE_CHECKING

from supplychain.client import reading
from supplychain.client.connection import BYTES, Connection
from supplychain.client.reading import Document
from supplychain.client.refusals import each, understood
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest

if TYPE_CHECKING:
    from supplychain.records.evidence import EvidenceDocument
    from supplychain.records.handed_in import UnsignedClaim

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence at a server; see `bootstrap.evidence`.

    Attributes:
        connection: To it.
        recorded: The digest of the image there that somebody means.
    """

    connection: Connection
    recorded: Callable[[str], str]

    def list(self, image: str, *, at: datetime) -> Sequence[tuple[EvidenceDocument, int | None]]:
        """Every document about an image, the newest first, each with its size."""
        del at
        return self._list(self.recorded(image))

    def download(self, image: str, document: str, *, at: datetime) -> bytes:
        """A document about an image: the bytes of the digest that is meant, or none."""
        from supplychain.records.evidence import meant

        del at
        about = self.recorded(image)
        if _DIGEST.fullmatch(document):
            wanted = Digest.parse(document)
        else:
            wanted = meant((one for one, _ in self._list(about)), document)
        found = self.connection.verbatim(f"{_of(about)}/{wanted}", BYTES)
        with understood(self.connection.where):
            if not wanted.matches(found):
                raise ValueError(f"it sent other bytes than those of {wanted}")
        return found

    def claims(
        self, image: str, environment: str | None, *, at: datetime
    ) -> Sequence[tuple[UnsignedClaim, str | None]]:
        """What callers claim of an image, each with why it does not count."""
        del at
        about = Digest.parse(self.recorded(image))
        path = f"/v1/images/{about}/claims"
        listed = self.connection.pages(path, "claims", {"environment": environment})
        found = each(
            self.connection.where, listed, lambda one: _claim(one, judged=environment is not None)
        )
        self._require_about(about, {one.subject for one, _ in found})
        return found

    def _list(self, about: str) -> Sequence[tuple[EvidenceDocument, int | None]]:
        listed = self.connection.pages(_of(about), "documents")
        found = each(self.connection.where, listed, _document)
        self._require_about(Digest.parse(about), {one.subject for one, _ in found})
        return found

    def _require_about(self, image: Digest, subjects: AbstractSet[Digest]) -> None:
        """Refuse what is about others than the image that was asked about and its platforms."""
        if subjects <= {image}:
            return
        said = self.connection.get(f"/v1/images/{image}")
        with understood(self.connection.where):
            found = reading.image(said)
            if found.digest != image:
                raise ValueError("it shows another image")
            if subjects - {image, *(one.digest for one in found.platforms)}:
                raise ValueError("it lists what is about other images")


def _of(digest: str) -> str:
    return f"/v1/images/{digest}/evidence"


def _document(said: Document) -> tuple[EvidenceDocument, int | None]:
    """A document on record, and how many bytes it has; None where it is missing."""
    from supplychain.model.evidence import CLAIM, EvidenceKind
    from supplychain.records.evidence import EvidenceDocument

    claimed_by, size = said["claimed_by"], said["size"]
    if (claimed_by is None) is (said["verified_by"] is None):
        raise ValueError("it is verified and claimed, or neither")
    one = EvidenceDocument(
        Digest.parse(said["subject"]),
        EvidenceKind(said["kind"]),
        Digest.parse(said["digest"]),
        str(said["media_type"]),
        str(said["verified_by"]) if claimed_by is None else f"{CLAIM}{claimed_by}",
        reading.instant(said["recorded_at"]),
        str(said["predicate_type"] or ""),
        str(said["handed_in_by"] or "") if claimed_by is None else "",
    )
    return one, None if size is None else int(size)


def _claim(said: Document, *, judged: bool) -> tuple[UnsignedClaim, str | None]:
    """What a caller claims, and why it does not count; None where no environment was named."""
    from supplychain.model.evidence import EvidenceKind
    from supplychain.records.handed_in import UnsignedClaim

    counts, because = said["counts"], said["because"]
    if counts is not (not because if judged else None):
        raise ValueError("it counts, and does not")
    one = UnsignedClaim(
        Digest.parse(said["subject"]),
        EvidenceKind(said["kind"]),
        str(said["claimed_by"]),
        Digest.parse(said["digest"]),
        int(said["size"]),
        reading.instant(said["recorded_at"]),
        str(said["unread"]),
        None if said["components"] is None else int(said["components"]),
    )
    return one, str(because or "") if judged else None
