"""From a platform's manifest to its verified bytes, in a folder that a scanner may read.

Every blob is streamed once through its digest, its decompression, its diffID and a walk over its
tar headers; nothing of it is held in memory but a few chunks.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path

from supplychain.errors import DigestMismatchError, InputError, LimitError
from supplychain.images.cache import BlobCache, LayerFact, read_chunks, storing
from supplychain.images.documents import LAYER_TYPES
from supplychain.images.layout import VERSION
from supplychain.images.layout_reader import INDEX, MARKER, blob_path
from supplychain.images.limits import Limits
from supplychain.images.resolve import PlatformImage
from supplychain.images.unpack import examined, misdeclared
from supplychain.model.artifact import OCI_INDEX, ArtifactStore, Descriptor
from supplychain.model.digest import Digest
from supplychain.model.subject import Platform, Subject

# Layers at once: one is seldom enough to keep the connection and two cores busy.
_AT_ONCE = 3
# Below this many bytes, threads cost more than the overlap saves.
_OVERLAP_FROM = 512 << 10


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
        layout: An OCI layout that holds this image and nothing else.
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
    blobs = into / "blobs"
    with storing(into):
        for algorithm in ("sha256", "sha384", "sha512"):
            (blobs / algorithm).mkdir(parents=True)
    run = _Run(store, cache, into, keep, limits or Limits(), on_bytes or _nothing)
    verified = run.layers(image)
    config = image.manifest.config
    with storing(into):
        (into / blob_path(config.digest)).write_bytes(image.config_raw)
        (into / blob_path(image.subject.digest)).write_bytes(image.raw)
        (into / INDEX).write_bytes(_index(image))
        (into / MARKER).write_bytes(VERSION)
    return VerifiedImage(
        image.subject, image.platform, config.digest, image.config_raw, verified, into
    )


class _CancelledError(Exception):
    """Another layer has failed already."""


@dataclass(frozen=True, slots=True)
class _Run:
    """The layers of one image, several at once."""

    store: ArtifactStore
    cache: BlobCache
    into: Path
    keep: bool
    limits: Limits
    on_bytes: Callable[[int], None]
    failed: threading.Event = field(default_factory=threading.Event)

    def layers(self, image: PlatformImage) -> tuple[VerifiedLayer, ...]:
        """All layers, verified; the first failure ends the others."""
        count = len(image.manifest.layers)
        named = [
            (layer, f"layer {number} of {count} ({layer.digest})")
            for number, layer in enumerate(image.manifest.layers, 1)
        ]
        # A layer that occurs twice is one blob.
        facts = self._facts({layer.digest: (layer, what) for layer, what in reversed(named)})
        if (
            sum(facts[layer.digest].unpacked_size for layer, _ in named)
            > self.limits.unpacked_bytes
        ):
            raise LimitError(f"{image.subject} unpacks to more than {self.limits.unpacked_bytes:,}")
        return tuple(
            _verified(layer, diff_id, facts[layer.digest], what)
            for (layer, what), diff_id in zip(named, image.config.diff_ids, strict=True)
        )

    def _facts(self, work: dict[Digest, tuple[Descriptor, str]]) -> dict[Digest, LayerFact]:
        with ThreadPoolExecutor(min(_AT_ONCE, len(work)), "layer") as pool:
            futures = {digest: pool.submit(self._fact, *item) for digest, item in work.items()}
            try:
                finished, _ = wait(futures.values(), return_when=FIRST_EXCEPTION)
                for future in finished:
                    future.result()
                return {digest: future.result() for digest, future in futures.items()}
            finally:
                self.failed.set()
                pool.shutdown(wait=False, cancel_futures=True)

    def _fact(self, layer: Descriptor, what: str) -> LayerFact:
        """Bring one layer into the folder; what it unpacks to, proven now or earlier."""
        target = self.into / blob_path(layer.digest)
        known = self.cache.fact(layer.digest)
        kept = self.keep and self.cache.place(layer.digest, target)
        if kept:
            self.on_bytes(layer.size)
        if known is None:
            chunks = read_chunks(target) if kept else self._saved(layer, target)
            known = self._unpacked(layer, chunks, what)
            self.cache.remember(layer.digest, known)
        elif not kept:
            for _ in self._saved(layer, target):
                self._go_on()
        if self.keep and not kept:
            self.cache.keep(layer.digest, target)
        return known

    def _saved(self, layer: Descriptor, target: Path) -> Generator[bytes, None, None]:
        """The blob's bytes as the store gives them, each written to `target` on its way."""
        with storing(target):
            file = target.open("xb", buffering=0)
        with file:
            for chunk in self.store.blob_chunks(layer):
                with storing(target):
                    _write(file, chunk)
                self.on_bytes(len(chunk))
                yield chunk

    def _unpacked(
        self, layer: Descriptor, chunks: Generator[bytes, None, None], what: str
    ) -> LayerFact:
        compression = LAYER_TYPES[layer.media_type]
        try:
            return examined(
                chunks,
                compression,
                what=what,
                limits=self.limits,
                overlap=layer.size >= _OVERLAP_FROM,
                on_chunk=self._go_on,
            )
        except InputError:
            # What is damaged may simply not be what was named, and then that is the error.
            for _ in self.store.blob_chunks(layer):
                self._go_on()
            raise

    def _go_on(self) -> None:
        if self.failed.is_set():
            raise _CancelledError


def _verified(layer: Descriptor, diff_id: Digest, fact: LayerFact, what: str) -> VerifiedLayer:
    """A layer of the manifest, held against what its bytes have shown."""
    if fact.compression is not LAYER_TYPES[layer.media_type]:
        raise misdeclared(what, LAYER_TYPES[layer.media_type], fact.compression)
    if fact.diff_id != diff_id:
        raise DigestMismatchError(
            f"{what} does not unpack to what the image's configuration says",
            because=f"expected the diffID {diff_id}, it unpacks to {fact.diff_id}",
        )
    return VerifiedLayer(layer.digest, diff_id, layer.media_type, layer.size, fact.unpacked_size)


def _write(file: FileIO, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[file.write(view) :]


def _index(image: PlatformImage) -> bytes:
    entry = {
        "mediaType": image.media_type,
        "digest": str(image.subject.digest),
        "size": len(image.raw),
    }
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
    return json.dumps(document, separators=(",", ":")).encode()


def _nothing(count: int) -> None:
    """Nobody wants to know."""
