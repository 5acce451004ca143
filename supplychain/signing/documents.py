"""Documents beside an image that are too large to be signed whole: stored, found and checked.

Each is a blob in a referrer of the image; a statement names it by its digest (`reference`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import field

from supplychain.errors import LimitError, NotFoundError, SupplyChainError, VerificationError
from supplychain.frozen import dataclass
from supplychain.model.artifact import (
    MANIFEST_LIMIT,
    OCI_MANIFEST,
    ArtifactStore,
    Descriptor,
    Manifest,
)
from supplychain.model.digest import Digest
from supplychain.signing.dsse import PAYLOAD_LIMIT
from supplychain.signing.encoding import as_object, read_json
from supplychain.signing.found import UNUSABLE, described
from supplychain.signing.long_json import require_cyclonedx
from supplychain.signing.reference import CYCLONEDX_TYPE, require_type

DOCUMENT_LIMIT = 256 * 1024 * 1024
# Of a document that is signed whole; beside it a statement has its subject and little more.
LARGEST_WHOLE = PAYLOAD_LIMIT - 1024 * 1024
# Where a transparency log takes part: public ones refuse entries of a few megabytes.
LARGEST_LOGGED = 1024 * 1024
_EMPTY_TYPE, _EMPTY = "application/vnd.oci.empty.v1+json", b"{}"


@dataclass(frozen=True, slots=True)
class Document:
    """A CycloneDX document that is never whole in memory.

    Attributes:
        digest: Its digest.
        size: Its length in bytes.
        chunks: Begins it, each time from the start.
    """

    digest: Digest
    size: int
    chunks: Callable[[], Iterator[bytes]] = field(repr=False)

    @classmethod
    def read(cls, chunks: Callable[[], Iterator[bytes]], what: str) -> Document:
        """Take a document in, once: its digest, and whether it is what it should be.

        Raises:
            LimitError: It is larger than any that is taken.
            InputError: It is no strict JSON, or no CycloneDX document.
        """
        passed = _Passed(chunks(), what)
        require_cyclonedx(iter(passed), what)
        return cls(passed.digest, passed.size, chunks)

    @classmethod
    def of(cls, data: bytes) -> Document:
        """A document that is in memory, and was checked.

        Raises:
            LimitError: It is larger than any that is taken.
        """
        if len(data) > DOCUMENT_LIMIT:
            raise _too_large("the document")
        return cls(Digest.of(data), len(data), lambda: iter((data,)))

    @property
    def descriptor(self) -> Descriptor:
        """What names it as a blob."""
        return Descriptor(CYCLONEDX_TYPE, self.digest, self.size)


class _Passed:
    """What went by: its length and its digest."""

    def __init__(self, chunks: Iterator[bytes], what: str) -> None:
        self._chunks, self._what = chunks, what
        self._hasher = Digest.of(b"").hasher()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.size += len(chunk)
            if self.size > DOCUMENT_LIMIT:
                raise _too_large(self._what)
            self._hasher.update(chunk)
            yield chunk

    @property
    def digest(self) -> Digest:
        return Digest("sha256", self._hasher.hexdigest())


def attach(store: ArtifactStore, subject: Manifest, document: Document) -> Digest:
    """Store a document as a referrer of a manifest; twice the same is stored once.

    Raises:
        DigestMismatchError: It has changed since it was read.
        RegistryError: The registry failed.
    """
    if not store.has_blob(document.digest):
        store.put_blob_chunks(document.descriptor, document.chunks)
    value = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": CYCLONEDX_TYPE,
        "config": _named(_EMPTY_TYPE, store.put_blob(_EMPTY), len(_EMPTY)),
        "layers": [_named(CYCLONEDX_TYPE, document.digest, document.size)],
        "subject": _named(subject.media_type, subject.digest, len(subject.raw)),
    }
    data = json.dumps(value, separators=(",", ":")).encode()
    return store.attach(data, OCI_MANIFEST, subject=subject.digest)


class Beside:
    """The documents beside one manifest, each looked for and read once.

    Args:
        store: The repository.
        subject: The manifest.
    """

    def __init__(self, store: ArtifactStore, subject: Digest) -> None:
        self._store, self._subject = store, subject
        self._known: dict[Digest, Descriptor | SupplyChainError] = {}

    def find(self, digest: Digest) -> Descriptor:
        """The document with this digest, after every byte of it was checked.

        Raises:
            VerificationError: None lies beside this very manifest, or it has other bytes.
            InputError: It is too large, or no CycloneDX document.
            RegistryError: The registry failed.
        """
        if digest not in self._known:
            try:
                self._known[digest] = self._read(digest)
            except UNUSABLE as error:
                self._known[digest] = error
        known = self._known[digest]
        if isinstance(known, SupplyChainError):
            raise VerificationError(
                f"the document {digest} that the statement refers to cannot be believed",
                because=f"{known}: {known.because}" if known.because else str(known),
            )
        return known

    def _read(self, digest: Digest) -> Descriptor:
        named = self._named(digest)
        what = f"the document {digest}"
        require_cyclonedx(self._store.blob_chunks(named), what)
        return named

    def _named(self, digest: Digest) -> Descriptor:
        entries = sorted(
            self._store.referrers(self._subject), key=lambda e: e.artifact_type != CYCLONEDX_TYPE
        )
        reasons = []
        for entry in entries:
            try:
                named = _layer(self._store.manifest(entry.digest), self._subject, digest)
            except LimitError:
                raise
            except UNUSABLE as error:
                reasons.append(f"{error}")
                continue
            if named is not None:
                return named
        raise NotFoundError(
            f"no such document is attached to {self._subject}", because="; ".join(reasons[:3])
        )


def _layer(manifest: Manifest, subject: Digest, digest: Digest) -> Descriptor | None:
    """The layer with this digest, where the manifest has no other; None where it is another."""
    value = as_object(
        read_json(manifest.raw, "the referrer", limit=MANIFEST_LIMIT).value, "the referrer"
    )
    layers = value.get("layers")
    if not isinstance(layers, list) or len(layers) != 1:
        return None
    layer = as_object(layers[0], "the layer")
    if layer.get("digest") != str(digest):
        return None
    named = as_object(value.get("subject"), "the referrer's subject").get("digest")
    if named != str(subject):
        raise VerificationError(f"the document is attached to {str(named)[:140]!r}")
    found = described(layer, limit=DOCUMENT_LIMIT)
    require_type(found.media_type, "the document")
    return found


def _named(media_type: str, digest: Digest, size: int) -> dict[str, object]:
    return {"mediaType": media_type, "digest": str(digest), "size": size}


def _too_large(what: str) -> LimitError:
    return LimitError(
        f"{what} is too large",
        because=f"it has more than {DOCUMENT_LIMIT:,} bytes, and nobody would read it",
    )
