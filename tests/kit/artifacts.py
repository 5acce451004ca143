"""An `ArtifactStore` in memory that behaves as a registry does, and an image to put into it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from supplychain.errors import DigestMismatchError, InputError, LimitError, NotFoundError
from supplychain.model.artifact import (
    MANIFEST_LIMIT,
    OCI_MANIFEST,
    ArtifactStore,
    Descriptor,
    Manifest,
)
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject

_CHUNK = 64 * 1024

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(slots=True)
class MemoryStore:
    """One repository. Tests may put lies straight into its dictionaries."""

    name: str = "registry.example/team/app"
    blobs: dict[Digest, bytes] = field(default_factory=dict)
    manifests: dict[Digest, Manifest] = field(default_factory=dict)
    tags: dict[str, Digest] = field(default_factory=dict)
    referring: dict[Digest, list[Descriptor]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def resolve(self, tag: str) -> Descriptor:
        """The descriptor a tag points at now."""
        if tag not in self.tags:
            raise NotFoundError(f"there is no tag {tag} in {self.name}")
        manifest = self.manifests[self.tags[tag]]
        return Descriptor(manifest.media_type, manifest.digest, len(manifest.raw))

    def manifest(self, digest: Digest) -> Manifest:
        """A manifest or index by digest."""
        if digest not in self.manifests:
            raise NotFoundError(f"there is no manifest {digest} in {self.name}")
        manifest = self.manifests[digest]
        if len(manifest.raw) > MANIFEST_LIMIT:
            raise LimitError(f"manifest {digest} is larger than {MANIFEST_LIMIT} bytes")
        _check(digest, manifest.raw)
        return manifest

    def blob(self, descriptor: Descriptor, *, limit: int) -> bytes:
        """A small blob whole."""
        if descriptor.digest not in self.blobs:
            raise NotFoundError(f"there is no blob {descriptor.digest} in {self.name}")
        data = self.blobs[descriptor.digest]
        if len(data) > min(limit, descriptor.size):
            raise LimitError(f"blob {descriptor.digest} is larger than {limit} bytes, or than said")
        _check(descriptor.digest, data)
        if len(data) != descriptor.size:
            raise DigestMismatchError(f"blob {descriptor.digest} is shorter than said")
        return data

    def blob_chunks(self, descriptor: Descriptor) -> Iterator[bytes]:
        """A blob as a stream."""
        data = self.blob(descriptor, limit=descriptor.size)
        return (data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK))

    def each(self, work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
        """Read or write several things, one after the other."""
        return [work(item) for item in items]

    def put_blob(self, data: bytes) -> Digest:
        """Store a blob."""
        digest = Digest.of(data)
        self.blobs[digest] = data
        return digest

    def has_blob(self, digest: Digest) -> bool:
        """Whether a blob is there."""
        return digest in self.blobs

    def put_blob_chunks(
        self, descriptor: Descriptor, chunks: Callable[[], Iterator[bytes]]
    ) -> None:
        """Store a blob from a stream."""
        data = b"".join(chunks())
        _check(descriptor.digest, data)
        if len(data) != descriptor.size:
            raise DigestMismatchError(f"blob {descriptor.digest} is not as long as said")
        self.blobs[descriptor.digest] = data

    def mount_blob(self, digest: Digest, source: ArtifactStore) -> bool:
        """Nothing can be taken over."""
        return False

    def put_child(self, manifest: Manifest) -> None:
        """Store a manifest."""
        self.put_manifest(manifest.raw, manifest.media_type)

    def put_manifest(self, data: bytes, media_type: str, *, tag: str | None = None) -> Digest:
        """Store a manifest, and list it under its subject where it names one."""
        digest = Digest.of(data)
        if len(data) > MANIFEST_LIMIT:
            raise LimitError(f"manifest {digest} is larger than {MANIFEST_LIMIT} bytes")
        self.manifests[digest] = Manifest(media_type, digest, data)
        if tag is not None:
            self.tags[tag] = digest
        subject = json.loads(data).get("subject")
        if subject is not None:
            self.list_referrer(Digest.parse(subject["digest"]), digest)
        return digest

    def amend(self, tag: str, change: Callable[[Manifest | None], Manifest]) -> Manifest:
        """Change what a tag points at; writers wait for one another."""
        with self.lock:
            there = self.tags.get(tag)
            wanted = change(None if there is None else self.manifest(there))
            self.put_manifest(wanted.raw, wanted.media_type, tag=tag)
        return wanted

    def list_referrer(self, subject: Digest, referrer: Digest) -> None:
        """Say that `referrer` refers to `subject`, whatever it says itself."""
        manifest = self.manifests[referrer]
        value = json.loads(manifest.raw)
        entry = Descriptor(
            manifest.media_type,
            referrer,
            len(manifest.raw),
            artifact_type=value.get("artifactType") or value.get("config", {}).get("mediaType", ""),
            annotations=tuple(sorted(value.get("annotations", {}).items())),
        )
        entries = self.referring.setdefault(subject, [])
        if entry not in entries:
            entries.append(entry)

    def referrers(self, digest: Digest) -> tuple[Descriptor, ...]:
        """Every manifest that names `digest` as its subject."""
        return tuple(self.referring.get(digest, ()))

    def attach(self, data: bytes, media_type: str, *, subject: Digest) -> Digest:
        """Store a manifest that names `subject` as its subject."""
        named = json.loads(data).get("subject", {}).get("digest")
        if named != str(subject):
            raise InputError(f"the manifest's subject is {named}, not {subject}")
        return self.put_manifest(data, media_type)

    def attach_all(
        self, manifests: Sequence[bytes], media_type: str, *, subject: Digest
    ) -> tuple[Digest, ...]:
        """Store several manifests that name `subject` as their subject."""
        return tuple(self.attach(data, media_type, subject=subject) for data in manifests)


def put_image(store: ArtifactStore, label: str = "app") -> Subject:
    """An image of one empty configuration and no layers; another label is another image."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"label": label}})
    digest = store.put_blob(config.encode())
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": str(digest),
            "size": len(config),
        },
        "layers": [],
    }
    return Subject(store.name, store.put_manifest(json.dumps(manifest).encode(), OCI_MANIFEST))


def _check(digest: Digest, data: bytes) -> None:
    if not digest.matches(data):
        raise DigestMismatchError(f"other bytes came than {digest}")
