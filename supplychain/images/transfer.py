"""Moves a graph of manifests and blobs from one store to another, and reads it back there.

What is there already is not sent again. Nothing of what the destination says is believed in the
end: `check` reads every manifest and every blob from it and compares their digests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from itertools import groupby

from supplychain.errors import NotFoundError, VerificationError
from supplychain.frozen import dataclass
from supplychain.images.graph import Graph, Node
from supplychain.images.together import Together
from supplychain.model.artifact import ArtifactStore, Descriptor
from supplychain.model.digest import Digest

_BLOBS_AT_ONCE = 4
_MANIFESTS_AT_ONCE = 8


class Fate(StrEnum):
    """How a piece of content came to be where it should."""

    COPIED = "copied"
    MOUNTED = "mounted"
    PRESENT = "already_there"


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a graph.

    Attributes:
        manifests: Each manifest's fate.
        blobs: Each blob's fate.
    """

    manifests: dict[Digest, Fate]
    blobs: dict[Descriptor, Fate]


@dataclass(frozen=True, slots=True)
class Transfer:
    """From where, and to where.

    Attributes:
        source: Where everything is; threads share it.
        destination: Where it should be; likewise.
        on_bytes: Called with a number of further bytes that were moved or read back.
    """

    source: ArtifactStore
    destination: ArtifactStore
    on_bytes: Callable[[int], None]

    def copy(self, graph: Graph) -> Moved:
        """Store all blobs, then all manifests, then list what is attached; sets no tag.

        Raises:
            DigestMismatchError: The source gave other bytes than those named.
            RegistryError: A registry failed.
            StoreError: A layout cannot be read or written.
        """
        together = Together(_BLOBS_AT_ONCE)
        blobs = graph.blobs
        fates = together.each(lambda blob: self._blob(blob, together), blobs)
        there = self._there(graph.nodes)
        for node in graph.nodes:
            if node.digest not in there and (node.subject is None or node.digest in graph.named):
                self.destination.put_child(node.manifest)
        for subject, nodes in graph.attached.items():
            self._attach(subject, nodes, there)
        manifests = {
            node.digest: Fate.PRESENT if node.digest in there else Fate.COPIED
            for node in graph.nodes
        }
        return Moved(manifests, dict(zip(blobs, fates, strict=True)))

    def check(self, graph: Graph) -> None:
        """Read everything back from the destination.

        Raises:
            VerificationError: Something is not there, is something else, or is not listed.
            RegistryError: The registry failed.
        """
        try:
            Together(_MANIFESTS_AT_ONCE).each(self._read_manifest, graph.nodes)
            self.check_blobs(graph.blobs)
            for subject, nodes in graph.attached.items():
                self._require_listed(subject, nodes)
        except NotFoundError as error:
            raise VerificationError(str(error), because="it was stored a moment ago") from error

    def check_blobs(self, blobs: Sequence[Descriptor]) -> None:
        """Read blobs back from the destination; raises as `check`."""
        together = Together(_BLOBS_AT_ONCE)

        def read(blob: Descriptor) -> None:
            for chunk in self.destination.blob_chunks(blob):
                together.go_on()
                self.on_bytes(len(chunk))

        together.each(read, blobs)

    def _blob(self, blob: Descriptor, together: Together) -> Fate:
        if self.destination.has_blob(blob.digest):
            self.on_bytes(blob.size)
            return Fate.PRESENT
        if self.destination.mount_blob(blob.digest, self.source):
            self.on_bytes(blob.size)
            return Fate.MOUNTED
        told = 0

        def chunks() -> Iterator[bytes]:
            nonlocal told
            sent = 0
            for chunk in self.source.blob_chunks(blob):
                together.go_on()
                yield chunk
                sent += len(chunk)
                if sent > told:  # what is sent once more is no progress
                    self.on_bytes(sent - told)
                    told = sent

        self.destination.put_blob_chunks(blob, chunks)
        return Fate.COPIED

    def _there(self, nodes: Sequence[Node]) -> set[Digest]:
        """Which manifests the destination has."""

        def has(node: Node) -> bool:
            try:
                self.destination.manifest(node.digest)
            except NotFoundError:
                return False
            return True

        found = Together(_MANIFESTS_AT_ONCE).each(has, nodes)
        return {node.digest for node, is_there in zip(nodes, found, strict=True) if is_there}

    def _attach(self, subject: Digest, nodes: Sequence[Node], there: set[Digest]) -> None:
        listed = {entry.digest for entry in self.destination.referrers(subject)}
        missing = [node for node in nodes if node.digest not in listed & there]
        missing.sort(key=_media_type)
        for media_type, group in groupby(missing, _media_type):
            manifests = [node.manifest.raw for node in group]
            self.destination.attach_all(manifests, media_type, subject=subject)

    def _read_manifest(self, node: Node) -> None:
        self.destination.manifest(node.digest)

    def _require_listed(self, subject: Digest, nodes: Sequence[Node]) -> None:
        listed = {entry.digest for entry in self.destination.referrers(subject)}
        for node in nodes:
            if node.digest not in listed:
                raise VerificationError(
                    f"{self.destination.name} does not list {node.digest} as attached to {subject}",
                    because="it was attached a moment ago",
                )


def _media_type(node: Node) -> str:
    return node.manifest.media_type
