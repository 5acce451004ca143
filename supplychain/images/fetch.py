"""From a platform's manifest to its verified bytes, in a folder that a scanner may read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from supplychain.errors import DigestMismatchError, LimitError, VerificationError
from supplychain.frozen import dataclass
from supplychain.images.cache import BlobCache, LayerFact
from supplychain.images.documents import LAYER_TYPES
from supplychain.images.files import storing
from supplychain.images.layers import Layers, Work
from supplychain.images.layout import VERSION
from supplychain.images.layout_reader import INDEX, MARKER, blob_path
from supplychain.images.limits import Limits
from supplychain.images.resolve import PlatformImage
from supplychain.images.unpack import misdeclared
from supplychain.model.artifact import OCI_INDEX, OCI_MANIFEST, ArtifactStore, Descriptor
from supplychain.model.digest import Digest
from supplychain.model.subject import Platform, Subject


@dataclass(frozen=True, slots=True)
class VerifiedLayer:
    """A layer whose bytes hash to its digest, and unpack to its diffID.

    Attributes:
        digest: Of the bytes as they are stored.
        diff_id: Of what they unpack to.
        media_type: As the manifest gives it.
        size: Bytes as they are stored.
        unpacked_size: Bytes of what they unpack to.
    """

    digest: Digest
    diff_id: Digest
    media_type: str
    size: int
    unpacked_size: int


@dataclass(frozen=True, slots=True)
class VerifiedImage:
    """One platform's image in a folder of its own; only `fetch` makes one.

    Attributes:
        subject: The platform manifest.
        platform: What it runs on.
        config_digest: Digest of the image configuration: the image's ID.
        config_raw: Its exact bytes.
        layers: The layers, lowest first.
        layout: An OCI layout that holds this image and nothing else, for a scanner. Layers that
            had to be unpacked to verify them are in it as plain tars under their diffIDs, which
            spares the scanner most of its work; so its manifest is not the image's, while its
            configuration is, byte for byte.
    """

    subject: Subject
    platform: Platform
    config_digest: Digest
    config_raw: bytes
    layers: tuple[VerifiedLayer, ...]
    layout: Path


def fetch(
    store: ArtifactStore,
    image: PlatformImage,
    *,
    cache: BlobCache,
    into: Path,
    keep: bool,
    limits: Limits | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> VerifiedImage:
    """Bring an image's layers here and verify every byte of them.

    Args:
        store: Where they are kept; threads share it.
        image: Which image.
        cache: Facts about layers proven earlier, and blobs kept earlier.
        into: An empty private folder, which becomes an OCI layout of this image alone. Whoever
            made it removes it; after an error it is not a layout and worth nothing.
        keep: Keep blobs in `cache` and take them from there: for registries. For an image on
            this machine say False: then its own bytes are looked at, every time.
        limits: What the image may ask of us.
        on_bytes: Called with a number of further bytes that have been read, as layers are
            stored; from several threads.

    Raises:
        DigestMismatchError: A blob or what it unpacks to does not hash to what names it.
        InputError: A layer is damaged, not compressed as it says, or holds what is refused.
        LimitError: The image exceeds `limits`.
        NotFoundError: A blob is missing.
        RegistryError: The registry failed.
        StoreError: `into` or the cache cannot be written, or the source not be read.
    """
    with storing(into):
        for algorithm in ("sha256", "sha384", "sha512"):
            (into / "blobs" / algorithm).mkdir(parents=True)
    limits = limits or Limits()
    spread = image.size <= limits.spread_bytes
    bringing = Layers(store, cache, into, keep, spread, limits, on_bytes or _nothing)
    brought = bringing.bring(_work(image))
    verified = _verified(image, {digest: one.fact for digest, one in brought.items()})
    if sum(layer.unpacked_size for layer in verified) > limits.unpacked_bytes:
        raise LimitError(f"{image.subject} unpacks to more than {limits.unpacked_bytes:,} bytes")
    _complete(into, image, [brought[layer.digest].stored for layer in image.manifest.layers])
    return VerifiedImage(
        image.subject,
        image.platform,
        image.manifest.config.digest,
        image.config_raw,
        verified,
        into,
    )


def _work(image: PlatformImage) -> list[Work]:
    """Every distinct layer; one that occurs twice is one blob."""
    layers = image.manifest.layers
    work: dict[Digest, Work] = {}
    for number, layer in enumerate(layers, 1):
        what = _name(layer, number, image)
        first = work.setdefault(layer.digest, Work(layer, what))
        if first.layer.size != layer.size or first.layer.media_type != layer.media_type:
            raise VerificationError(f"{what} and {first.what} describe one blob differently")
    return list(work.values())


def _verified(image: PlatformImage, facts: dict[Digest, LayerFact]) -> tuple[VerifiedLayer, ...]:
    """The manifest's layers, held against what their bytes have shown."""
    verified = []
    pairs = zip(image.manifest.layers, image.config.diff_ids, strict=True)
    for number, (layer, diff_id) in enumerate(pairs, 1):
        fact, what = facts[layer.digest], _name(layer, number, image)
        if fact.compression is not LAYER_TYPES[layer.media_type]:
            raise misdeclared(what, LAYER_TYPES[layer.media_type], fact.compression)
        if fact.diff_id != diff_id:
            raise DigestMismatchError(
                f"{what} does not unpack to what the image's configuration says",
                because=f"expected the diffID {diff_id}, it unpacks to {fact.diff_id}",
            )
        size = fact.unpacked_size
        verified.append(VerifiedLayer(layer.digest, diff_id, layer.media_type, layer.size, size))
    return tuple(verified)


def _complete(into: Path, image: PlatformImage, layers: list[Descriptor]) -> None:
    """Write what makes a folder of blobs a layout; the index comes last."""
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": _entry(image.manifest.config),
            "layers": [_entry(layer) for layer in layers],
        }
    )
    digest = Digest.of(manifest)
    entry = _entry(Descriptor(OCI_MANIFEST, digest, len(manifest)))
    index = _json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]})
    with storing(into):
        (into / blob_path(image.manifest.config.digest)).write_bytes(image.config_raw)
        (into / blob_path(digest)).write_bytes(manifest)
        (into / MARKER).write_bytes(VERSION)
        (into / INDEX).write_bytes(index)


def _name(layer: Descriptor, number: int, image: PlatformImage) -> str:
    return f"layer {number} of {len(image.manifest.layers)} ({layer.digest})"


def _entry(descriptor: Descriptor) -> dict[str, str | int]:
    return {
        "mediaType": descriptor.media_type,
        "digest": str(descriptor.digest),
        "size": descriptor.size,
    }


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _nothing(count: int) -> None:
    """Nobody wants to know."""
