"""Reads OCI image layouts, in a folder or in an archive (OCI image-layout.md)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from supplychain.errors import DigestMismatchError, InputError, LimitError, NotFoundError
from supplychain.images.documents import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    media_type_of,
    read_descriptor,
    referrer_descriptor,
)
from supplychain.images.fields import Fields
from supplychain.images.files import Files
from supplychain.images.reference import Reference
from supplychain.model.artifact import MANIFEST_LIMIT, ArtifactStore, Descriptor, Manifest
from supplychain.model.digest import Digest

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

MARKER = "oci-layout"
INDEX = "index.json"
TAG = "org.opencontainers.image.ref.name"
FULL_NAME = "io.containerd.image.name"
# Tags that belong to an image without being one: cosign's, and the referrers tag schema.
_COMPANION = re.compile(r"sha256-[0-9a-f]{64}(\.[a-z]+)?")


def blob_path(digest: Digest) -> str:
    """Where a layout keeps a blob."""
    return f"blobs/{digest.algorithm}/{digest.hex}"


class LayoutReader:
    """An `ArtifactStore` over a layout's files that can only be read."""

    def __init__(self, files: Files) -> None:
        """Open a layout.

        Raises:
            NotFoundError: It is not there.
            InputError: It is no layout, or one of a version that is not known.
        """
        self._files = files
        self._read: tuple[bytes, tuple[Descriptor, ...]] | None = None
        self._known: tuple[object, dict[Digest, dict[Digest, Descriptor]]] | None = None
        marker = Fields.read(self.small(MARKER), f"{self.name}/{MARKER}")
        version = marker.text("imageLayoutVersion")
        if version != "1.0.0":
            raise InputError(f"{self.name} is an OCI layout of the unknown version {version!r}")

    @property
    def name(self) -> str:
        """The layout's path."""
        return self._files.name

    def entries(self) -> tuple[Descriptor, ...]:
        """Everything that index.json lists."""
        raw = self.small(INDEX)
        read = self._read
        if read is None or read[0] != raw:
            fields = Fields.read(raw, f"{self.name}/{INDEX}")
            read = raw, tuple(read_descriptor(item) for item in fields.items("manifests"))
            self._read = read
        return read[1]

    def resolve(self, tag: str) -> Descriptor:
        """See `ArtifactStore`; takes a whole name (`app:1.0`) where Docker wrote one."""
        found = [entry for entry in self.entries() if _named(entry, tag)]
        return self._single(found, f"tagged {tag!r}")

    def choose(self) -> Descriptor:
        """The one image here: what is listed and belongs to no other entry.

        Raises:
            NotFoundError: There is none.
            InputError: There are several; the message lists them.
        """
        return self._single([e for e in self.entries() if not self._companion(e)], "")

    def manifest(self, digest: Digest) -> Manifest:
        """See `ArtifactStore`."""
        where = f"{digest} in {self.name}"
        raw = self.small(blob_path(digest))
        if not digest.matches(raw):
            raise _mismatch(where, digest, _like(digest, raw))
        return Manifest(media_type_of(raw, "", where), digest, raw)

    def blob(self, descriptor: Descriptor, *, limit: int) -> bytes:
        """See `ArtifactStore`."""
        if descriptor.size > limit:
            raise LimitError(f"{descriptor.digest} has {descriptor.size:,} bytes, over {limit:,}")
        return b"".join(self.blob_chunks(descriptor))

    def blob_chunks(self, descriptor: Descriptor) -> Iterator[bytes]:
        """See `ArtifactStore`."""
        digest, path = descriptor.digest, blob_path(descriptor.digest)
        where = f"{digest} in {self.name}"
        size = self._files.size(path)
        if size is None:
            raise NotFoundError(f"there is no blob {where}")
        if size > descriptor.size:
            raise LimitError(
                f"{where} has {size:,} bytes, its descriptor says {descriptor.size:,}",
                hint="it was changed or damaged: copy the image anew from where it was built",
            )
        hasher = digest.hasher()
        for chunk in self._files.chunks(path):
            hasher.update(chunk)
            yield chunk
        if hasher.hexdigest() != digest.hex:
            raise _mismatch(where, digest, Digest(digest.algorithm, hasher.hexdigest()))
        if size != descriptor.size:
            raise DigestMismatchError(
                f"{where} has {size:,} bytes, its descriptor says {descriptor.size:,}"
            )

    def referrers(self, digest: Digest) -> tuple[Descriptor, ...]:
        """See `ArtifactStore`; looks at what index.json lists and at what its indexes list.

        What was seen is known for as long as index.json stays as it is: who asks about every
        manifest of many would else read all of them for each.
        """
        entries = self.entries()
        known = self._known
        if known is None or known[0] is not entries:
            found: dict[Digest, dict[Digest, Descriptor]] = {}
            for manifest in self._listed(entries):
                fields = Fields.read(manifest.raw, f"{manifest.digest} in {self.name}")
                names = fields.inner("subject")
                if names is not None:
                    entry = referrer_descriptor(manifest, fields)
                    found.setdefault(names.digest("digest"), {})[manifest.digest] = entry
            known = self._known = entries, found
        return tuple(known[1].get(digest, {}).values())

    def each(self, work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
        """See `ArtifactStore`; one after the other."""
        return [work(item) for item in items]

    def has_blob(self, digest: Digest) -> bool:
        """See `ArtifactStore`; a file counts if its bytes hash to the digest."""
        path = blob_path(digest)
        if self._files.size(path) is None:
            return False
        hasher = digest.hasher()
        for chunk in self._files.chunks(path):
            hasher.update(chunk)
        return hasher.hexdigest() == digest.hex

    def put_blob(self, data: bytes) -> Digest:
        """Refuse."""
        raise self._read_only(f"a blob of {len(data):,} bytes")

    def put_blob_chunks(
        self, descriptor: Descriptor, chunks: Callable[[], Iterator[bytes]]
    ) -> None:
        """Refuse."""
        del chunks
        raise self._read_only(f"a blob of {descriptor.size:,} bytes")

    def mount_blob(self, digest: Digest, source: ArtifactStore) -> bool:
        """See `ArtifactStore`; among files there is no such thing."""
        del digest, source
        return False

    def put_manifest(self, data: bytes, media_type: str, *, tag: str | None = None) -> Digest:
        """Refuse."""
        raise self._read_only(f"{media_type} of {len(data):,} bytes, tag {tag}")

    def put_child(self, manifest: Manifest) -> None:
        """Refuse."""
        raise self._read_only(f"{manifest.media_type} of {len(manifest.raw):,} bytes")

    def amend(self, tag: str, change: Callable[[Manifest | None], Manifest]) -> Manifest:
        """Refuse."""
        del change
        raise self._read_only(f"what belongs under the tag {tag}")

    def attach(self, data: bytes, media_type: str, *, subject: Digest) -> Digest:
        """Refuse."""
        raise self._read_only(f"{media_type} of {len(data):,} bytes about {subject}")

    def attach_all(
        self, manifests: Sequence[bytes], media_type: str, *, subject: Digest
    ) -> tuple[Digest, ...]:
        """Refuse."""
        raise self._read_only(f"{len(manifests)} of {media_type} about {subject}")

    def _read_only(self, what: str) -> InputError:
        return InputError(
            f"{self.name} cannot be written",
            because=f"an archive can only be read, and this was to be stored: {what}",
            hint="copy the image into a registry or an OCI layout folder",
        )

    def _listed(self, entries: Sequence[Descriptor]) -> Iterator[Manifest]:
        for entry in entries:
            manifest = self.manifest(entry.digest)
            yield manifest
            if manifest.media_type not in INDEX_TYPES:
                continue
            for child in Fields.read(manifest.raw, str(entry.digest)).items("manifests"):
                # A layout may hold some platforms of an index and not others.
                path = blob_path(child.digest("digest"))
                if child.text("mediaType") in MANIFEST_TYPES and self._files.size(path) is not None:
                    yield self.manifest(child.digest("digest"))

    def referrer(self, manifest: Manifest, subject: Digest) -> Descriptor | None:
        """The descriptor of a manifest that names `subject` as its subject; else None."""
        fields = Fields.read(manifest.raw, f"{manifest.digest} in {self.name}")
        names = fields.inner("subject")
        if names is None or names.digest("digest") != subject:
            return None
        return referrer_descriptor(manifest, fields)

    def _companion(self, entry: Descriptor) -> bool:
        """Whether an entry is about another one: an attached manifest, or cosign's tags."""
        if _COMPANION.fullmatch(dict(entry.annotations).get(TAG, "")):
            return True
        raw = self.manifest(entry.digest).raw
        return Fields.read(raw, f"{entry.digest} in {self.name}").inner("subject") is not None

    def _single(self, found: list[Descriptor], how: str) -> Descriptor:
        distinct = {entry.digest: entry for entry in found}
        if len(distinct) == 1:
            return found[0]
        choices = ", ".join(_label(e) for e in self.entries() if e in found or not found)
        if not distinct:
            raise NotFoundError(
                f"{self.name} holds no image {how}".rstrip(),
                hint=f"it holds {choices}" if choices else None,
            )
        raise InputError(
            f"{self.name} holds {len(distinct)} images {how}".rstrip(),
            because=f"they are {choices}",
            hint="name one: add its tag after a colon, or @ and its digest",
        )

    def small(self, path: str) -> bytes:
        """A file of at most `MANIFEST_LIMIT` bytes, not checked against anything."""
        size = self._files.size(path)
        if size is None:
            if path in {MARKER, INDEX}:
                raise NotFoundError(f"{self.name} is no OCI layout", because=f"it has no {path}")
            raise NotFoundError(f"{self.name} has no {path}")
        if size > MANIFEST_LIMIT:
            raise LimitError(
                f"{self.name}/{path} is larger than any manifest may be",
                because=f"it has {size:,} bytes, over {MANIFEST_LIMIT:,}",
            )
        return b"".join(self._files.chunks(path))


def _named(entry: Descriptor, tag: str) -> bool:
    annotations = dict(entry.annotations)
    if annotations.get(TAG) == tag:
        return True
    full = annotations.get(FULL_NAME)
    return full is not None and _whole(full) == _whole(tag)


def _whole(name: str) -> str:
    try:
        return str(Reference.parse(name))
    except InputError:
        return name


def _label(entry: Descriptor) -> str:
    annotations = dict(entry.annotations)
    return annotations.get(FULL_NAME) or annotations.get(TAG) or str(entry.digest)


def _like(digest: Digest, raw: bytes) -> Digest:
    hasher = digest.hasher()
    hasher.update(raw)
    return Digest(digest.algorithm, hasher.hexdigest())


def _mismatch(where: str, expected: Digest, actual: Digest) -> DigestMismatchError:
    return DigestMismatchError(
        f"{where} does not hold what its name says",
        because=f"expected {expected}, the bytes hash to {actual}",
    )
