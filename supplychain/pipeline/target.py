"""An image on its way through the pipeline, and the places that belong to it."""

from __future__ import annotations

from collections.abc import Callable

from supplychain.frozen import dataclass
from supplychain.images.resolve import ResolvedImage
from supplychain.model.artifact import ArtifactStore


@dataclass(frozen=True, slots=True)
class Target:
    """An image that was resolved, and the places that belong to it.

    Attributes:
        source: Where its bytes are.
        image: What it is.
        tag: The tag that led to it; None where the digest was given.
        keep: Keep its blobs in the cache.
        beside: Gives the place for signatures: the source, where that can be written.
        resolved: Whether a registry has it under its name.
    """

    source: ArtifactStore
    image: ResolvedImage
    tag: str | None
    keep: bool
    beside: Callable[[], ArtifactStore]
    resolved: bool = False
