"""From a tag or digest to the platform manifests behind it: documents only, no layers."""

from __future__ import annotations

from supplychain.errors import (
    InputError,
    LimitError,
    NotFoundError,
    VerificationError,
)
from supplychain.frozen import dataclass
from supplychain.images.documents import (
    INDEX_TYPES,
    ImageConfig,
    ImageManifest,
    media_type_of,
    read_config,
    read_index,
    read_manifest,
)
from supplychain.images.limits import Limits
from supplychain.model.artifact import Descriptor, Documents, Manifest
from supplychain.model.digest import Digest
from supplychain.model.subject import Platform, Subject

# The platform of BuildKit's attestations about the other children of an index. Their annotation
# `vnd.docker.reference.type` is not looked at: no runtime heeds it when it chooses what to run.
_UNKNOWN = Platform("unknown", "unknown")


@dataclass(frozen=True, slots=True)
class PlatformImage:
    """One platform's manifest and configuration, read and consistent.

    Attributes:
        subject: The manifest's digest, under the name asked for.
        platform: What it runs on.
        media_type: The manifest's.
        raw: The manifest's exact bytes.
        manifest: What it lists.
        config_raw: The configuration's exact bytes.
        config: What it says; as many diffIDs as the manifest has layers.
    """

    subject: Subject
    platform: Platform
    media_type: str
    raw: bytes
    manifest: ImageManifest
    config_raw: bytes
    config: ImageConfig

    @property
    def size(self) -> int:
        """Bytes of all layers as they are stored."""
        return sum(layer.size for layer in self.manifest.layers)


@dataclass(frozen=True, slots=True)
class ResolvedImage:
    """What a tag or digest stands for, once and for all.

    Attributes:
        subject: The digest of the index, or of the one manifest.
        media_type: Which of the two, and in whose format.
        raw: Its exact bytes.
        children: Every platform that an index lists, in its order; one for a manifest.
        images: The platforms to examine: all children, or those that were selected.
    """

    subject: Subject
    media_type: str
    raw: bytes
    children: tuple[Descriptor, ...]
    images: tuple[PlatformImage, ...]

    @property
    def is_index(self) -> bool:
        """Whether the subject is an index of platforms."""
        return self.media_type in INDEX_TYPES


def resolve(
    store: Documents,
    digest: Digest,
    *,
    name: str | None = None,
    platform: Platform | None = None,
    limits: Limits | None = None,
) -> ResolvedImage:
    """Read the manifest or index behind a digest, and every platform selected from it.

    Args:
        store: Where it is kept. A tag is resolved by the store's own `resolve`, once, before.
        digest: The manifest or index.
        name: What to call it; the store's name where it is None.
        platform: Select this platform from an index (any variant, where it names none), or
            demand it of a manifest.
        limits: What the image may ask of us.

    Raises:
        NotFoundError: A manifest is missing, or there is no such platform.
        InputError: A document is not sound, or no container image that we can examine.
        LimitError: A document or a count exceeds its limit.
        VerificationError: An index and its child, or a manifest and its configuration,
            contradict each other.
        RegistryError: The registry failed.
    """
    reader = _Reader(store, name or store.name, limits or Limits())
    top = store.manifest(digest)
    where = f"{digest} in {store.name}"
    media_type = media_type_of(top.raw, top.media_type, where)
    if media_type in INDEX_TYPES:
        children = reader.children(top, where)
        images = tuple(reader.child(child) for child in _selected(children, platform, where))
    else:
        image = reader.image(top, media_type, where)
        children = (Descriptor(media_type, digest, len(top.raw), platform=image.platform),)
        _selected(children, platform, where)
        images = (image,)
    return ResolvedImage(Subject(reader.name, digest), media_type, top.raw, children, images)


class _Reader:
    """Reads one image's documents from one store."""

    def __init__(self, store: Documents, name: str, limits: Limits) -> None:
        self._store, self.name, self._limits = store, name, limits

    def children(self, index: Manifest, where: str) -> tuple[Descriptor, ...]:
        """The platforms of an index, without attestations and each digest once."""
        found: dict[Digest, Descriptor] = {}
        for child in filter(_runs, read_index(index, where)):
            first = found.setdefault(child.digest, child)
            if first.platform != child.platform or first.media_type != child.media_type:
                raise InputError(
                    f"{where} lists {child.digest} as {first.platform} and as {child.platform}",
                    because="one image is for one platform: which one would be judged is open",
                )
            if child.media_type in INDEX_TYPES:
                raise InputError(
                    f"{where} holds another index, {child.digest}",
                    because="indexes within indexes are not accepted: runtimes disagree on them",
                )
            if child.platform is None:
                raise InputError(f"{where} does not say which platform {child.digest} is for")
        if not found:
            raise InputError(f"{where} is an index without any platform")
        if len(found) > self._limits.platforms:
            raise LimitError(f"{where} has more than {self._limits.platforms} platforms")
        return tuple(found.values())

    def child(self, descriptor: Descriptor) -> PlatformImage:
        """The image of one child of an index, which has to be what the index says."""
        where = f"{descriptor.digest} ({descriptor.platform}) in {self._store.name}"
        manifest = self._store.manifest(descriptor.digest)
        if len(manifest.raw) != descriptor.size:
            raise VerificationError(
                f"{where} has {len(manifest.raw):,} bytes, its index says {descriptor.size:,}"
            )
        announced = descriptor.media_type or manifest.media_type
        image = self.image(manifest, media_type_of(manifest.raw, announced, where), where)
        stated, actual = descriptor.platform, image.platform
        if stated is not None and (stated.os, stated.architecture) != (
            actual.os,
            actual.architecture,
        ):
            raise VerificationError(
                f"{where} is for {actual}", because="its configuration contradicts the index"
            )
        return image

    def image(self, manifest: Manifest, media_type: str, where: str) -> PlatformImage:
        """One platform's documents, judged together."""
        listed = read_manifest(manifest, where)
        self._bounded(listed, where)
        raw = self._store.blob(listed.config, limit=self._limits.config_bytes)
        config = read_config(raw, f"the configuration {listed.config.digest} of {where}")
        if len(config.diff_ids) != len(listed.layers):
            raise VerificationError(
                f"{where} has {len(listed.layers)} layers",
                because=f"its configuration has the diffIDs of {len(config.diff_ids)}",
            )
        if config.platform.os != "linux":
            raise InputError(
                f"{where} is for {config.platform}",
                because="scanners find nothing in it, which would look like a clean image",
                hint="choose a Linux platform with --platform linux/amd64",
            )
        subject = Subject(self.name, manifest.digest)
        return PlatformImage(
            subject, config.platform, media_type, manifest.raw, listed, raw, config
        )

    def _bounded(self, listed: ImageManifest, where: str) -> None:
        if not listed.layers:
            raise InputError(
                f"{where} is an empty image", because="it has no layers, so nothing can be said"
            )
        if len(listed.layers) > self._limits.layers:
            raise LimitError(f"{where} has more than {self._limits.layers} layers")
        size = sum(layer.size for layer in listed.layers)
        if size > self._limits.compressed_bytes:
            raise LimitError(f"{where} has layers of {size:,} bytes, more than are read")


def _runs(child: Descriptor) -> bool:
    """Whether a child of an index is a platform, not an attestation about one."""
    return child.platform != _UNKNOWN


def _selected(
    children: tuple[Descriptor, ...], wanted: Platform | None, where: str
) -> tuple[Descriptor, ...]:
    if wanted is None:
        return children
    found = tuple(c for c in children if c.platform is not None and c.platform.runs(wanted))
    if not found:
        there = ", ".join(sorted(str(child.platform) for child in children))
        raise NotFoundError(f"{where} is not there for {wanted}", hint=f"it is there for {there}")
    return found
