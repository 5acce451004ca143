"""Content-addressed artifacts and the place that holds them (OCI image and distribution specs)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.subject import Platform

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"

# The most bytes a manifest may have: the distribution spec's own limit for what a registry
# has to accept ("Pushing Manifests").
MANIFEST_LIMIT = 4 * 1024 * 1024

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What names a piece of content (OCI descriptor.md).

    Attributes:
        media_type: What it is.
        digest: Its digest.
        size: Its length in bytes.
        artifact_type: The type of the artifact that a manifest holds; "" where not given.
        platform: For the child of an index, what it runs on.
        annotations: Key-value pairs, sorted by key.
    """

    media_type: str
    digest: Digest
    size: int
    artifact_type: str = ""
    platform: Platform | None = None
    annotations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest or index, with the exact bytes that its digest names."""

    media_type: str
    digest: Digest
    raw: bytes


class Documents(Protocol):
    """The manifests and small blobs of one repository, to be read.

    Every read is checked against its digest before it is returned; other bytes than those named
    raise `DigestMismatchError`.
    """

    @property
    def name(self) -> str:
        """The repository without tag or digest, or the layout's path."""
        ...

    def manifest(self, digest: Digest) -> Manifest:
        """A manifest or index by digest, at most `MANIFEST_LIMIT` bytes.

        Raises:
            NotFoundError: It is not there.
            LimitError: It is larger than the limit.
            DigestMismatchError: Other bytes came than those named.
        """
        ...

    def blob(self, descriptor: Descriptor, *, limit: int) -> bytes:
        """A small blob whole, at most `limit` bytes.

        Raises:
            NotFoundError: It is not there.
            LimitError: It is larger than `limit`, or than its descriptor says.
            DigestMismatchError: Other bytes came than those named.
        """
        ...


class ArtifactStore(Documents, Protocol):
    """One repository: in a registry, or in an OCI layout."""

    def each(self, work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
        """Read or write several things here, some at once where that saves time.

        Args:
            work: Reads or writes one; from several threads.
            items: What it is given.

        Returns:
            What it gave for each, in their order.

        Raises:
            SupplyChainError: As the first that failed, with which the others end.
        """
        ...

    def resolve(self, tag: str) -> Descriptor:
        """The descriptor a tag points at now.

        Raises:
            NotFoundError: No such tag.
            RegistryError: The registry failed.
        """
        ...

    def blob_chunks(self, descriptor: Descriptor) -> Iterator[bytes]:
        """A blob as a stream of bounded chunks; the check is made when the stream ends.

        The caller must not use what it got before the iterator is exhausted without an error.
        """
        ...

    def has_blob(self, digest: Digest) -> bool:
        """Whether a blob is there. A registry is believed here: only reading it proves its bytes.

        Raises:
            RegistryError: The registry failed.
        """
        ...

    def put_blob(self, data: bytes) -> Digest:
        """Store a blob; storing one that is there already does nothing."""
        ...

    def put_blob_chunks(
        self, descriptor: Descriptor, chunks: Callable[[], Iterator[bytes]]
    ) -> None:
        """Store a blob from a stream; at no time is more of it in memory than a few chunks.

        Args:
            descriptor: What the stream holds.
            chunks: Begins the stream; again, from the start, for every attempt that is needed.

        Raises:
            DigestMismatchError: The stream is not what the descriptor says.
            RegistryError: The registry did not take it.
        """
        ...

    def mount_blob(self, digest: Digest, source: ArtifactStore) -> bool:
        """Take a blob over from another repository in the same place, without moving its bytes.

        Returns:
            Whether that was done; else the blob has to be stored.
        """
        ...

    def put_manifest(self, data: bytes, media_type: str, *, tag: str | None = None) -> Digest:
        """Store a manifest under its digest, and under a tag where one is given."""
        ...

    def put_child(self, manifest: Manifest) -> None:
        """Store a manifest that another one names, or a tag that is set later.

        By itself it is no image that somebody could look for here.
        """
        ...

    def amend(self, tag: str, change: Callable[[Manifest | None], Manifest]) -> Manifest:
        """Change what a tag points at, without losing what another writer puts there.

        Args:
            tag: The tag.
            change: Takes what stands there now, None where nothing does, and gives what should:
                the same manifest where nothing is to change. It may be called several times.

        Returns:
            What stands there in the end.

        Raises:
            ConflictError: Others kept writing it.
        """
        ...

    def referrers(self, digest: Digest) -> tuple[Descriptor, ...]:
        """Every manifest that names `digest` as its subject; () where there is none.

        Reads the referrers API, or the fallback tag where there is none.
        """
        ...

    def attach(self, data: bytes, media_type: str, *, subject: Digest) -> Digest:
        """Store a manifest whose `subject` is `subject` so that `referrers` finds it.

        Keeps the fallback tag (distribution spec, "Referrers Tag Schema") where the registry has
        no referrers API, without losing an entry when two attach at once.
        """
        ...

    def attach_all(
        self, manifests: Sequence[bytes], media_type: str, *, subject: Digest
    ) -> tuple[Digest, ...]:
        """As `attach`, for several at once: what lists them is written a single time."""
        ...
