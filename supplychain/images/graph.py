"""An image and everything attached to it, as manifests and blobs.

Attached is what names a manifest of the image as its subject, what lies under a tag made from the
digest of one, and likewise what is attached to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from supplychain.errors import InputError, LimitError, NotFoundError, VerificationError
from supplychain.frozen import dataclass
from supplychain.images.documents import INDEX_TYPES, MANIFEST_TYPES, read_descriptor
from supplychain.images.fields import Fields
from supplychain.images.together import Together
from supplychain.model.artifact import ArtifactStore, Descriptor, Manifest
from supplychain.model.digest import Digest

# What a repository may make us read before any of it is trusted; a thousand signatures on each of
# some platforms stay below.
MOST_MANIFESTS = 10_000
MOST_MANIFEST_BYTES = 64 * 1024 * 1024
_DEEPEST = 16
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Node:
    """A manifest or index, and what it names.

    Attributes:
        manifest: Its exact bytes.
        blobs: Its configuration and layers.
        children: The manifests that an index lists.
        subject: What it is attached to; None for nothing.
    """

    manifest: Manifest
    blobs: tuple[Descriptor, ...]
    children: tuple[Descriptor, ...]
    subject: Digest | None

    @property
    def digest(self) -> Digest:
        """The manifest's digest."""
        return self.manifest.digest


@dataclass(frozen=True, slots=True)
class Companion:
    """What lies under a tag that is made from the digest that it is about.

    Attributes:
        tag: The tag.
        subject: What it is about.
        manifest: What lies there.
    """

    tag: str
    subject: Digest
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Graph:
    """All of it.

    Attributes:
        top: The image.
        nodes: Every manifest once; children before what names them, the image before what is
            attached to it.
        named: Those that an index, a tag or the user names, not only a subject.
        companions: The tags.
    """

    top: Digest
    nodes: tuple[Node, ...]
    named: frozenset[Digest]
    companions: tuple[Companion, ...]

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """Every blob once."""
        return tuple({b.digest: b for node in self.nodes for b in node.blobs}.values())

    @property
    def attached(self) -> dict[Digest, tuple[Node, ...]]:
        """What names each subject, by the subject's digest."""
        found: dict[Digest, list[Node]] = {}
        for node in self.nodes:
            if node.subject is not None:
                found.setdefault(node.subject, []).append(node)
        return {subject: tuple(nodes) for subject, nodes in found.items()}


def read_node(store: ArtifactStore, digest: Digest) -> Node:
    """A manifest and what it names.

    Raises:
        NotFoundError: It is not there.
        InputError: It is not sound, or has a layer that is kept elsewhere.
        DigestMismatchError: Other bytes came.
    """
    manifest = store.manifest(digest)
    where = f"{digest} in {store.name}"
    fields = Fields.read(manifest.raw, where)
    subject = fields.inner("subject")
    about = None if subject is None else subject.digest("digest")
    if manifest.media_type in INDEX_TYPES:
        listed = tuple(read_descriptor(item) for item in fields.items("manifests"))
        children = tuple(one for one in listed if _is_manifest(one))
        return Node(manifest, tuple(one for one in listed if one not in children), children, about)
    config = fields.inner("config")
    blobs = (*(() if config is None else (config,)), *fields.items("layers"))
    return Node(manifest, tuple(_blob(blob, where) for blob in blobs), (), about)


def survey(store: ArtifactStore, top: Digest, *, tags: Callable[[Digest], Sequence[str]]) -> Graph:
    """Find an image's manifests and everything that is attached to any of them.

    Args:
        store: Where they are; threads share it.
        top: The image.
        tags: Which tags may belong to a digest.

    Raises:
        NotFoundError: Something that is named is missing.
        VerificationError: Something is not what it is listed as.
        LimitError: There is more than anybody needs.
        InputError: Something is no manifest that can be used.
        RegistryError: The registry failed.
    """
    found = _Survey(store, tags)
    fresh = found.add(top, None, 0)
    for _ in range(_DEEPEST):
        attached = Together(_AT_ONCE).each(found.look, fresh)
        roots = [root for referrers, _ in attached for root in referrers]
        companions = [companion for _, there in attached for companion in there]
        found.companions += companions
        fresh = [node for root in roots for node in found.add(root.digest, root, 0, named=False)]
        fresh += [node for one in companions for node in found.add(one.manifest.digest, None, 0)]
        if not fresh:
            return Graph(top, *found.result())
    raise LimitError(f"what is attached to {top} has things attached to it, and so on, endlessly")


class _Survey:
    """A graph in the making."""

    def __init__(self, store: ArtifactStore, tags: Callable[[Digest], Sequence[str]]) -> None:
        self._store, self._tags = store, tags
        self._nodes: dict[Digest, Node] = {}
        self._named: set[Digest] = set()
        self._sizes: dict[Digest, int] = {}
        self._bytes = 0
        self.companions: list[Companion] = []

    def result(self) -> tuple[tuple[Node, ...], frozenset[Digest], tuple[Companion, ...]]:
        return tuple(self._nodes.values()), frozenset(self._named), tuple(self.companions)

    def add(
        self, digest: Digest, node: Node | None, depth: int, *, named: bool = True
    ) -> list[Node]:
        """Add a manifest after its children; those that are new."""
        if named:
            self._named.add(digest)
        if digest in self._nodes:
            return []
        if depth > _DEEPEST:
            raise LimitError(f"{digest} lies in indexes within indexes, endlessly")
        node = node or read_node(self._store, digest)
        self._bounded(node)
        new = [one for child in node.children for one in self.add(child.digest, None, depth + 1)]
        for child in node.children:
            self._same_size(child, len(self._nodes[child.digest].manifest.raw))
        for blob in node.blobs:
            self._same_size(blob, self._sizes.setdefault(blob.digest, blob.size))
        self._nodes[digest] = node
        return [*new, node]

    def look(self, node: Node) -> tuple[list[Node], list[Companion]]:
        """What is attached to a manifest."""
        return [*self._referrers(node.digest)], [*self._companions(node.digest)]

    def _referrers(self, subject: Digest) -> Iterator[Node]:
        for entry in self._store.referrers(subject):
            node = read_node(self._store, entry.digest)
            if node.subject != subject:
                raise VerificationError(
                    f"{self._store.name} lists {entry.digest} as attached to {subject}, "
                    "which it is not",
                    because=f"it names {node.subject} as its subject"
                    if node.subject
                    else "it names no subject",
                    hint="see who wrote that list, and remove the entry; nothing was copied",
                )
            yield node

    def _companions(self, subject: Digest) -> Iterator[Companion]:
        for tag in self._tags(subject):
            try:
                digest = self._store.resolve(tag).digest
            except NotFoundError:
                continue
            yield Companion(tag, subject, self._store.manifest(digest))

    def _bounded(self, node: Node) -> None:
        self._bytes += len(node.manifest.raw)
        if len(self._nodes) >= MOST_MANIFESTS or self._bytes > MOST_MANIFEST_BYTES:
            raise LimitError(
                f"more is attached in {self._store.name} than anybody needs",
                because=f"it is more than {MOST_MANIFESTS:,} manifests, or they have more than "
                f"{MOST_MANIFEST_BYTES:,} bytes",
                hint="delete the attestations that are no longer needed",
            )

    def _same_size(self, named: Descriptor, size: int) -> None:
        if named.size != size:
            raise VerificationError(
                f"{named.digest} in {self._store.name} has {size:,} bytes in one place and "
                f"{named.size:,} in another",
                because="two manifests, or a manifest and its index, contradict each other",
            )


def _is_manifest(child: Descriptor) -> bool:
    """Whether an index lists a manifest; some list blobs as well, as BuildKit's caches do."""
    return not child.media_type or child.media_type in MANIFEST_TYPES | INDEX_TYPES


def _blob(fields: Fields, where: str) -> Descriptor:
    if fields.texts("urls"):
        raise InputError(
            f"{where} has a layer that is kept elsewhere",
            because=f"{fields.digest('digest')} need not be in the registry",
            hint="build the image anew from a base that may be distributed",
        )
    return read_descriptor(fields)
