"""Manifests, indexes and image configurations, read strictly.

OCI image specification 1.1 (manifest.md, image-index.md, config.md) and their Docker originals,
"Image Manifest Version 2, Schema 2".
"""

from __future__ import annotations

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.images.compression import Compression
from supplychain.images.fields import Fields
from supplychain.model.artifact import (
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
)
from supplychain.model.digest import Digest
from supplychain.model.subject import Platform

INDEX_TYPES = frozenset({OCI_INDEX, DOCKER_INDEX})
MANIFEST_TYPES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
CONFIG_TYPES = frozenset({OCI_CONFIG, "application/vnd.docker.container.image.v1+json"})
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
LAYER_TYPES = {
    OCI_LAYER: Compression.NONE,
    f"{OCI_LAYER}+gzip": Compression.GZIP,
    f"{OCI_LAYER}+zstd": Compression.ZSTD,
    _DOCKER_LAYER: Compression.NONE,
    f"{_DOCKER_LAYER}.gzip": Compression.GZIP,
    f"{_DOCKER_LAYER}.zstd": Compression.ZSTD,
}
_ELSEWHERE = ("nondistributable", ".foreign.")
_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+"


@dataclass(frozen=True, slots=True)
class ImageManifest:
    """What one platform's manifest lists.

    Attributes:
        config: The image configuration.
        layers: The layers, lowest first; each of a type in `LAYER_TYPES`.
    """

    config: Descriptor
    layers: tuple[Descriptor, ...]


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What we need of an image configuration.

    Attributes:
        platform: What the image runs on.
        diff_ids: Digests of the unpacked layers, lowest first.
    """

    platform: Platform
    diff_ids: tuple[Digest, ...]


def read_descriptor(fields: Fields) -> Descriptor:
    """A descriptor (descriptor.md).

    Raises:
        InputError: It is not one.
    """
    platform = fields.inner("platform")
    annotations = fields.inner("annotations")
    return Descriptor(
        media_type=fields.text("mediaType", ""),
        digest=fields.digest("digest"),
        size=fields.integer("size"),
        artifact_type=fields.text("artifactType", ""),
        platform=None if platform is None else read_platform(platform),
        annotations=() if annotations is None else annotations.pairs(),
    )


def referrer_descriptor(manifest: Manifest, fields: Fields) -> Descriptor:
    """The descriptor under which a referrer is listed (distribution spec, "Listing Referrers").

    Args:
        manifest: The referrer.
        fields: The same, read.

    Raises:
        InputError: It is not sound.
    """
    config, annotations = fields.inner("config"), fields.inner("annotations")
    config_type = "" if config is None else config.text("mediaType", "")
    return Descriptor(
        manifest.media_type,
        manifest.digest,
        len(manifest.raw),
        artifact_type=fields.text("artifactType", "") or config_type,
        annotations=() if annotations is None else annotations.pairs(),
    )


def read_platform(fields: Fields) -> Platform:
    """A platform, of an index entry or of a configuration; os and architecture have to be there.

    Raises:
        InputError: One of them is missing.
    """
    platform = Platform(
        fields.text("os", ""), fields.text("architecture", ""), fields.text("variant", "") or None
    )
    if not (platform.os and platform.architecture):
        raise InputError(f"{fields.where} does not say which platform it is for")
    return platform


def media_type_of(raw: bytes, announced: str, where: str) -> str:
    """What a manifest is: what it says itself and what announced it have to agree.

    Args:
        raw: The manifest.
        announced: The media type under which it came; "" where nobody said.
        where: Names it in errors.

    Raises:
        InputError: They disagree, or the document is of no type that can be used.
    """
    fields = Fields.read(raw, where)
    stated = fields.text("mediaType", "")
    if (stated or announced).startswith(_SCHEMA_1) or fields.integer("schemaVersion") == 1:
        raise _schema_1(where)
    if stated and announced and stated != announced:
        raise InputError(f"{where} came as {announced!r} but says that it is {stated!r}")
    kind = stated or announced or (OCI_INDEX if fields.items("manifests") else OCI_MANIFEST)
    if kind not in INDEX_TYPES | MANIFEST_TYPES:
        raise InputError(
            f"{where} is neither an image manifest nor an index", because=f"it is {kind!r}"
        )
    other = "layers" if kind in INDEX_TYPES else "manifests"
    if fields.items(other):
        # CVE-2021-41190: a document that is both would be read as either.
        raise InputError(f"{where} says that it is {kind!r} but lists {other}")
    return kind


def read_index(manifest: Manifest, where: str) -> tuple[Descriptor, ...]:
    """The children of an index, in its order.

    Raises:
        InputError: It is not a sound index.
    """
    fields = Fields.read(manifest.raw, where)
    return tuple(read_descriptor(child) for child in fields.items("manifests"))


def read_manifest(manifest: Manifest, where: str) -> ImageManifest:
    """The configuration and the layers of an image manifest.

    Raises:
        InputError: It is not sound, is the manifest of something else than an image, or has a
            layer that is kept elsewhere or is of an unknown type.
    """
    fields = Fields.read(manifest.raw, where)
    config_fields = fields.inner("config")
    if config_fields is None:
        raise InputError(f"{where} names no configuration")
    config = read_descriptor(config_fields)
    if config.media_type not in CONFIG_TYPES:
        kind = fields.text("artifactType", "") or config.media_type
        raise InputError(
            f"{where} is no container image", because=f"it is an artifact of type {kind!r}"
        )
    items = fields.items("layers")
    return ImageManifest(config, tuple(_read_layer(item) for item in items))


def read_config(raw: bytes, where: str) -> ImageConfig:
    """The platform and the diffIDs of an image configuration.

    Raises:
        InputError: It is not a sound configuration.
    """
    fields = Fields.read(raw, where)
    rootfs = fields.inner("rootfs")
    if rootfs is None or rootfs.text("type", "layers") != "layers":
        raise InputError(f"{where} does not list the image's layers ('rootfs')")
    return ImageConfig(read_platform(fields), rootfs.digests("diff_ids"))


def _read_layer(fields: Fields) -> Descriptor:
    layer = read_descriptor(fields)
    if any(word in layer.media_type for word in _ELSEWHERE) or fields.texts("urls"):
        raise InputError(
            f"{fields.where} ({layer.digest}) is a layer that is kept elsewhere",
            because=f"{layer.media_type!r} need not be in the registry, so it cannot be examined",
        )
    if layer.media_type not in LAYER_TYPES:
        raise InputError(
            f"{fields.where} ({layer.digest}) is of the unknown type {layer.media_type!r}",
            hint="layers are tar archives, plain or compressed with gzip or zstd",
        )
    return layer


def _schema_1(where: str) -> InputError:
    return InputError(
        f"{where} is an image of Docker's schema 1",
        because="that format was withdrawn: its layers carry no digests that can be checked",
        hint="build the image again, or push it again with any Docker since 1.10",
    )
