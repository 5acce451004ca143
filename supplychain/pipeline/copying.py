"""An image with everything attached to it, from one place to another, by digest.

In this order, so that a copy that fails half way looks like none: blobs, manifests, the image,
what is attached to it, all of it read back, and last the tag. What stands at the destination
already stays: signatures under cosign's older tags are added to those that are there.
"""

from __future__ import annotations

from collections.abc import Callable

from supplychain.errors import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    VerificationError,
)
from supplychain.frozen import dataclass
from supplychain.images.graph import Companion, Graph, read_node, survey
from supplychain.images.transfer import Moved, Transfer
from supplychain.model.artifact import ArtifactStore, Descriptor, Manifest
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from supplychain.pipeline.progress import Progress, stage
from supplychain.signing.legacy import Suffix
from supplychain.signing.legacy_writing import holds, merge

# Under which cosign keeps a document that is not signed (`cosign attach sbom`).
_SBOM = "sbom"


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a copy goes.

    Attributes:
        store: The repository or layout.
        name: What to call it.
        tag: The tag that the copy gets; None for none.
        move: Whether a tag that stands on another image may be moved.
    """

    store: ArtifactStore
    name: str
    tag: str | None
    move: bool = False


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy consists of.

    Attributes:
        subject: The image at the destination.
        tag: Its tag there; None where it got none.
        graph: Everything that belongs to it.
        moved: What became of each part.
    """

    subject: Subject
    tag: str | None
    graph: Graph
    moved: Moved


def copy(source: ArtifactStore, digest: Digest, goal: Goal, progress: Progress) -> Copied:
    """Copy an image and everything attached to it, check the copy, and tag it.

    Args:
        source: Where the image is; threads share it.
        digest: Its manifest or index.
        goal: Where it goes.
        progress: Hears what is done.

    Raises:
        ConflictError: The tag stands on another image, or another document lies where cosign
            keeps one that is not signed; or others kept writing a tag.
        NotFoundError: Something that the source names is missing there.
        VerificationError: The source gave something else than it names, the destination holds
            something else than was copied, or no signatures lie where they belong.
        LimitError: More is attached than anybody needs.
        RegistryError: A registry failed.
        StoreError: A layout cannot be read or written.
    """
    with stage(progress, "look", f"{source.name}@{digest.short} and what is attached") as summary:
        graph = survey(source, digest, tags=_tags)
        size = sum(blob.size for blob in graph.blobs)
        summary.text = f"{len(graph.nodes)} manifests, {len(graph.blobs)} blobs"
    _require_room(graph, goal)
    transfer = Transfer(source, goal.store, progress.advance)
    with stage(progress, "copy", f"to {goal.name}", total_bytes=size) as summary:
        moved = transfer.copy(graph)
        merged = [(one, _merged(goal.store, one)) for one in graph.companions]
        summary.text = f"{goal.name} has all of it"
    with stage(progress, "check", f"{goal.name}", total_bytes=size) as summary:
        _check(transfer, graph, merged)
        summary.text = "everything read back, every digest holds"
    _name(goal, graph)
    return Copied(Subject(goal.name, digest), goal.tag, graph, moved)


def _tags(digest: Digest) -> tuple[str, ...]:
    """The tags that cosign makes from a digest."""
    if digest.algorithm != "sha256":
        return ()
    return tuple(f"sha256-{digest.hex}.{suffix}" for suffix in (*Suffix, _SBOM))


def _require_room(graph: Graph, goal: Goal) -> None:
    """Refuse before anything is written what could not be finished."""
    try:
        _may_tag(goal, graph.top)
        for one in graph.companions:
            if one.tag.endswith(f".{_SBOM}"):
                _only(one, _standing(goal.store, one.tag))
    except AuthenticationError:
        return  # a repository that is not there yet may look like this; writing will tell


def _may_tag(goal: Goal, top: Digest) -> bool:
    """Whether the tag has to be set still.

    Raises:
        ConflictError: It stands on another image.
    """
    if goal.tag is None:
        return True
    current = _standing(goal.store, goal.tag)
    if current is None:
        return True
    if current.digest != top and not goal.move:
        raise ConflictError(
            f"the tag {goal.tag!r} of {goal.name} stands on another image",
            because=f"it is {current.digest}",
            hint="copy under another tag, or move it with --force",
        )
    return current.digest != top


def _standing(store: ArtifactStore, tag: str) -> Manifest | None:
    try:
        return store.manifest(store.resolve(tag).digest)
    except NotFoundError:
        return None


def _only(one: Companion, current: Manifest | None) -> Manifest:
    """The document under a tag that can hold a single one."""
    if current is not None and current.digest != one.manifest.digest:
        raise ConflictError(
            f"another SBOM lies under the tag {one.tag} at the destination",
            because=f"it is {current.digest}, the source has {one.manifest.digest}",
            hint="see which of them is right and delete the other tag; neither is signed",
        )
    return one.manifest


def _suffix(one: Companion) -> Suffix | None:
    name = one.tag.rpartition(".")[2]
    return None if name == _SBOM else Suffix(name)


def _merged(store: ArtifactStore, one: Companion) -> Manifest:
    suffix = _suffix(one)
    if suffix is None:
        return store.amend(one.tag, lambda current: _only(one, current))
    return merge(store, one.subject, suffix, one.manifest)


def _check(transfer: Transfer, graph: Graph, merged: list[tuple[Companion, Manifest]]) -> None:
    try:
        transfer.check(graph)
        known = {blob.digest for blob in graph.blobs}
        for one, manifest in merged:
            _check_companion(transfer, one, manifest, lambda blob: blob.digest not in known)
    except VerificationError as error:
        raise VerificationError(
            f"{transfer.destination.name} does not hold what was copied there",
            because=f"{error}: {error.because}" if error.because else str(error),
            hint="no tag was set; look at the registry and at proxies before it, then copy again",
        ) from error


def _check_companion(
    transfer: Transfer,
    one: Companion,
    merged: Manifest,
    is_new: Callable[[Descriptor], bool],
) -> None:
    """Read back what lies under a tag of cosign's: all that the source had is in it."""
    store, suffix = transfer.destination, _suffix(one)
    there = _standing(store, one.tag)
    if there is None:
        raise VerificationError(f"nothing lies under {one.tag}", because="it was stored just now")
    complete = (
        there.digest == one.manifest.digest
        if suffix is None
        else holds(there, suffix, one.manifest)
    )
    if not complete:
        raise VerificationError(
            f"what lies under {one.tag} lacks signatures of the source",
            because=f"it was {merged.digest} a moment ago and is {there.digest}",
        )
    transfer.check_blobs([b for b in read_node(store, there.digest).blobs if is_new(b)])


def _name(goal: Goal, graph: Graph) -> None:
    """Set the tag, at the very end, and look whether it stands."""
    if not _may_tag(goal, graph.top):
        return
    (top,) = (node.manifest for node in graph.nodes if node.digest == graph.top)
    goal.store.put_manifest(top.raw, top.media_type, tag=goal.tag)
    if goal.tag is not None and goal.store.resolve(goal.tag).digest != graph.top:
        raise VerificationError(
            f"the tag {goal.tag!r} of {goal.name} does not stand on the copy",
            because="somebody else moved it, or the registry did not take it",
            hint="copy again",
        )
