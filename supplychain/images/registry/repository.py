"""One repository in a registry, as an `ArtifactStore` (OCI distribution specification 1.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from supplychain.errors import LimitError
from supplychain.images.documents import media_type_of
from supplychain.images.reference import Reference
from supplychain.images.registry.attachments import Attachments
from supplychain.images.registry.blobs import Blobs
from supplychain.images.registry.host import RegistryHost
from supplychain.images.registry.manifests import Manifests
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.retry import Clock
from supplychain.images.registry.tags import Tags
from supplychain.images.together import Together
from supplychain.model.artifact import ArtifactStore, Descriptor, Manifest
from supplychain.model.digest import Digest

# Requests of one caller under way at once.
_AT_ONCE = 6

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class RegistryRepository:
    """Manifests and blobs of one repository, every read checked against its digest.

    Nothing is sent before the first call. Threads may share it.

    Args:
        reference: The repository; its tag and digest do not matter here.
        options: How to reach the registry.
        host: The connections of another repository in the same registry, to share them; its
            options and clock then count.
        clock: Time and chance.

    Raises:
        DestinationError: The guard does not let us take anything from there.
    """

    def __init__(
        self,
        reference: Reference,
        options: RegistryOptions | None = None,
        *,
        host: RegistryHost | None = None,
        clock: Clock | None = None,
    ) -> None:
        clock = clock or Clock()
        self.host = host or RegistryHost(reference.registry, options, clock=clock)
        self.host.admit(reference.repository)
        self.reference = Reference(reference.registry, reference.repository)
        self._name = reference.name
        path = reference.repository
        self._manifests = Manifests(self.host, path, self._name)
        self._blobs = Blobs(self.host, path, self._name)
        self._tags = Tags(self._manifests, self._name, clock)
        self._attachments = Attachments(self.host, self._manifests, self._tags, path, self._name)

    @property
    def name(self) -> str:
        """`registry/repository`."""
        return self._name

    def resolve(self, tag: str) -> Descriptor:
        """See `ArtifactStore`; the manifest itself is fetched and its digest computed."""
        manifest = self._manifests.by_tag(tag)
        return Descriptor(manifest.media_type, manifest.digest, len(manifest.raw))

    def manifest(self, digest: Digest) -> Manifest:
        """See `ArtifactStore`."""
        return self._manifests.by_digest(digest)

    def blob(self, descriptor: Descriptor, *, limit: int) -> bytes:
        """See `ArtifactStore`."""
        if descriptor.size > limit:
            raise LimitError(
                f"the blob {self._name}@{descriptor.digest} is too large",
                because=f"it has {descriptor.size:,} bytes, over {limit:,}",
            )
        return b"".join(self._blobs.chunks(descriptor))

    def blob_chunks(self, descriptor: Descriptor) -> Iterator[bytes]:
        """See `ArtifactStore`."""
        return self._blobs.chunks(descriptor)

    def each(self, work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
        """See `ArtifactStore`; most of the time of a request goes by on its way."""
        return Together(_AT_ONCE).each(work, items)

    def put_blob(self, data: bytes) -> Digest:
        """See `ArtifactStore`."""
        return self._blobs.put(data)

    def has_blob(self, digest: Digest) -> bool:
        """See `ArtifactStore`."""
        return self._blobs.has(digest)

    def put_blob_chunks(
        self, descriptor: Descriptor, chunks: Callable[[], Iterator[bytes]]
    ) -> None:
        """See `ArtifactStore`; one that is there already is not sent."""
        self._blobs.put_stream(descriptor, chunks)

    def mount_blob(self, digest: Digest, source: ArtifactStore) -> bool:
        """See `ArtifactStore`; within one registry, where it lets us."""
        if not isinstance(source, RegistryRepository) or source.reference == self.reference:
            return False
        if source.reference.registry != self.reference.registry:
            return False
        return self._blobs.mount(digest, source.reference.repository)

    def put_child(self, manifest: Manifest) -> None:
        """See `ArtifactStore`."""
        self._manifests.put(manifest)

    def put_manifest(self, data: bytes, media_type: str, *, tag: str | None = None) -> Digest:
        """See `ArtifactStore`."""
        manifest = self._to_store(data, media_type)
        self._manifests.put(manifest, tag=tag)
        return manifest.digest

    def amend(self, tag: str, change: Callable[[Manifest | None], Manifest]) -> Manifest:
        """See `ArtifactStore`; `tags` says what remains where others write it too."""
        return self._tags.amend(tag, change)

    def referrers(self, digest: Digest) -> tuple[Descriptor, ...]:
        """See `ArtifactStore`."""
        return self._attachments.of(digest)

    def attach(self, data: bytes, media_type: str, *, subject: Digest) -> Digest:
        """See `ArtifactStore`."""
        return self.attach_all((data,), media_type, subject=subject)[0]

    def attach_all(
        self, manifests: Sequence[bytes], media_type: str, *, subject: Digest
    ) -> tuple[Digest, ...]:
        """See `ArtifactStore`."""
        stored = [self._to_store(data, media_type) for data in manifests]
        self._attachments.add(stored, subject)
        return tuple(manifest.digest for manifest in stored)

    def close(self) -> None:
        """Close the connections."""
        self.host.close()

    def _to_store(self, data: bytes, media_type: str) -> Manifest:
        kind = media_type_of(data, media_type, f"the manifest for {self._name}")
        return Manifest(kind, Digest.of(data), data)
