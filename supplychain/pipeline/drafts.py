"""What one stage leaves for the next where they run apart: documents in the content store.

They are no evidence and nothing judges by them: what comes of them is checked again, against the
image's own bytes, by whoever signs and records it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from supplychain.errors import SupplyChainError, VerificationError
from supplychain.frozen import dataclass
from supplychain.images.fetch import VerifiedLayer
from supplychain.model.digest import Digest
from supplychain.model.evidence import Sbom, Scan
from supplychain.pipeline.provenance import Purpose
from supplychain.records.content import ContentStore
from supplychain.records.run import ConfigRecord
from supplychain.signing.publication import Publication

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ExaminedDraft:
    """What looking at one platform's image found; the report lies under its own digest."""

    scan: Scan
    layers: tuple[VerifiedLayer, ...]


@dataclass(frozen=True, slots=True)
class LearntDraft:
    """The same and the SBOM, which lies under its own digest as well."""

    scan: Scan
    config: ConfigRecord
    sbom: Sbom
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be signed and recorded about an image.

    Attributes:
        image: The digest that was asked for.
        purpose: What for.
        begun_at: Since when somebody looked at it (aware, UTC).
        platforms: What was learnt about each platform, by the digests of those documents.
    """

    image: Digest
    purpose: Purpose
    begun_at: datetime
    platforms: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """What was signed about which digest, and where it lies."""

    subject: Digest
    publications: tuple[Publication, ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """All of it."""

    published: tuple[Published, ...]


def put(content: ContentStore, draft: object, *documents: bytes) -> Digest:
    """Keep a draft, and the documents that it names; its digest."""
    for document in documents:
        content.put(document)
    return content.put(msgspec.json.encode(draft, order="deterministic"))


def get(content: ContentStore, digest: Digest, kind: type[T]) -> T:
    """A draft by its digest.

    Raises:
        NotFoundError: It is not there.
        DigestMismatchError: Other bytes are there.
        VerificationError: It is no such draft.
    """
    return _read(content.get(digest), kind, digest)


def _read(data: bytes, kind: type[T], digest: Digest) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, SupplyChainError) as error:
        raise VerificationError(
            f"{digest} is not what a stage leaves for the next",
            because=str(error),
            hint="submit the image again",
        ) from error


def several(content: ContentStore, digests: Sequence[Digest], kind: type[T]) -> tuple[T, ...]:
    """Drafts by their digests; raises as `get`."""
    return tuple(get(content, digest, kind) for digest in digests)
