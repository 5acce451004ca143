"""Brings an image's layers into a folder, several at once, and learns what they unpack to.

Every blob is streamed once through its digest, its decompression, its diffID and a walk over its
tar headers; nothing of it is held in memory but a few chunks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import field
from io import FileIO
from pathlib import Path

from supplychain.errors import DigestMismatchError, InputError
from supplychain.frozen import dataclass
from supplychain.images.cache import BlobCache, LayerFact, read_chunks
from supplychain.images.compression import Compression
from supplychain.images.documents import LAYER_TYPES, OCI_LAYER
from supplychain.images.files import storing
from supplychain.images.layout_reader import blob_path
from supplychain.images.limits import Limits
from supplychain.images.unpack import examined
from supplychain.model.artifact import ArtifactStore, Descriptor
from supplychain.model.digest import Digest

# Layers at once: one is seldom enough to keep the connection and two cores busy.
_AT_ONCE = 3
# Below this many bytes, threads cost more than the overlap saves.
_OVERLAP_FROM = 512 << 10
# A layer that unpacks further is handed over as it is stored, lest a bomb fill the disk.
_SPREAD_RATIO, _SPREAD_FREE = 16, 8 << 20


@dataclass(frozen=True, slots=True)
class Work:
    """A layer to bring, and what to call it in errors."""

    layer: Descriptor
    what: str


@dataclass(frozen=True, slots=True)
class Brought:
    """A layer that is here.

    Attributes:
        fact: What it unpacks to.
        stored: The blob in the folder: the layer as it is stored, or as it was unpacked.
    """

    fact: LayerFact
    stored: Descriptor


class _CancelledError(Exception):
    """Another layer has failed already."""


@dataclass(frozen=True, slots=True)
class Layers:
    """Brings layers into a folder.

    Attributes:
        store: Where they are kept.
        cache: Facts and blobs kept earlier.
        into: The folder, with a layout's folders for blobs in it.
        keep: Keep blobs in the cache, and take them from there.
        spread: Leave layers unpacked that had to be unpacked.
        limits: What they may ask of us.
        on_bytes: Called with a number of further bytes that have been read.
    """

    store: ArtifactStore
    cache: BlobCache
    into: Path
    keep: bool
    spread: bool
    limits: Limits
    on_bytes: Callable[[int], None]
    _failed: threading.Event = field(default_factory=threading.Event)

    def bring(self, work: Sequence[Work]) -> dict[Digest, Brought]:
        """Bring all of them; the first failure ends the others.

        Raises:
            SupplyChainError: As `fetch`.
        """
        pool = ThreadPoolExecutor(min(_AT_ONCE, len(work)), "layer")
        patient = False
        try:
            futures = {one.layer.digest: pool.submit(self._named, one) for one in work}
            finished, _ = wait(futures.values(), return_when=FIRST_EXCEPTION)
            # From here on nothing interrupts us; before, a thread may wait long for a slow server.
            patient = True
            for future in finished:
                future.result()
            return {digest: future.result() for digest, future in futures.items()}
        finally:
            self._failed.set()
            pool.shutdown(wait=patient, cancel_futures=True)

    def _named(self, work: Work) -> Brought:
        """Bring a layer; where other bytes came than its digest names, say which layer it is."""
        try:
            return self._bring(work)
        except DigestMismatchError as error:
            raise DigestMismatchError(
                f"{work.what} does not hold what its name says",
                because=error.because or str(error),
                hint="it was changed or damaged: copy the image anew from where it was built",
            ) from error

    def _bring(self, work: Work) -> Brought:
        layer = work.layer
        final = self.into / blob_path(layer.digest)
        target = final.with_name(f".stored-{layer.digest.hex}")
        kept = self.keep and self.cache.place(layer.digest, target)
        if kept:
            self._same_size(target, work)
            self.on_bytes(layer.size)
        fact = self.cache.fact(layer.digest)
        stored = layer
        if fact is None:
            fact, stored = self._examine(work, target, kept=kept)
            self.cache.remember(layer.digest, fact)
        elif not kept:
            for _ in self._saved(layer, target):
                self._go_on()
        if self.keep and not kept:
            self.cache.keep(layer.digest, target)
        with storing(final):
            if stored.digest == layer.digest:
                target.replace(final)
            else:
                target.unlink()
        return Brought(fact, stored)

    def _examine(self, work: Work, target: Path, *, kept: bool) -> tuple[LayerFact, Descriptor]:
        """Unpack a layer: what that shows, and the blob to hand over."""
        layer = work.layer
        compression = LAYER_TYPES[layer.media_type]
        spread = self.spread and compression is not Compression.NONE
        limit = layer.size * _SPREAD_RATIO + _SPREAD_FREE if spread else 0
        plain = _Plain(target.with_name(f".plain-{layer.digest.hex}"), limit)
        try:
            fact = examined(
                read_chunks(target) if kept else self._saved(layer, target),
                compression,
                what=work.what,
                limits=self.limits,
                overlap=layer.size >= _OVERLAP_FROM,
                sink=lambda chunk: self._take(plain, chunk),
            )
        except InputError:
            # What is damaged may simply not be what was named, and then that is the error.
            for _ in self.store.blob_chunks(layer):
                self._go_on()
            raise
        finally:
            plain.close()
        if not plain.moved(self.into / blob_path(fact.diff_id)):
            return fact, layer
        return fact, Descriptor(OCI_LAYER, fact.diff_id, fact.unpacked_size)

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

    def _take(self, plain: _Plain, chunk: bytes) -> None:
        self._go_on()
        plain.write(chunk)

    def _go_on(self) -> None:
        if self._failed.is_set():
            raise _CancelledError

    def _same_size(self, target: Path, work: Work) -> None:
        size = target.stat().st_size
        if size != work.layer.size:
            raise DigestMismatchError(
                f"it has {size:,} bytes, its descriptor says {work.layer.size:,}"
            )


class _Plain:
    """A file for what a layer unpacks to, given up when it grows beyond its limit."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path, self._left = path, limit
        with storing(path):
            self._file = path.open("xb", buffering=0) if limit else None

    def write(self, chunk: bytes) -> None:
        if self._file is None:
            return
        self._left -= len(chunk)
        if self._left < 0:
            self._drop(self._file)
            return
        with storing(self._path):
            _write(self._file, chunk)

    def moved(self, target: Path) -> bool:
        """Give the whole file its name; whether there is one."""
        if self._file is None:
            return False
        with storing(target):
            self._path.replace(target)
        return True

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _drop(self, file: FileIO) -> None:
        file.close()
        self._file = None
        with storing(self._path):
            self._path.unlink()


def _write(file: FileIO, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[file.write(view) :]
