"""Blobs by digest, kept between runs; trusted only after they have been hashed again."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.images.compression import Compression
from supplychain.images.files import storing
from supplychain.images.layout_reader import blob_path
from supplychain.model.digest import Digest

_CHUNK = 1 << 20
# Raised when a layer is judged more strictly than before: older facts are then worth nothing.
_RULES = 1


@dataclass(frozen=True, slots=True)
class LayerFact:
    """What was proven about a compressed layer when it was unpacked.

    Attributes:
        diff_id: The digest of what it unpacks to.
        compression: How it is compressed.
        unpacked_size: Bytes of what it unpacks to.
    """

    diff_id: Digest
    compression: Compression
    unpacked_size: int


class BlobCache:
    """A folder of blobs and of facts about layers, for any number of processes at once.

    A blob is a file that appears whole, by a link, and is never written again. A fact says what
    the bytes of one digest unpack to. Bytes with that digest always unpack to the same, so the
    fact holds for ever, provided that the bytes at hand have been hashed; it is as trustworthy as
    the folder, which belongs to the user who runs us, as the scanner's own cache does.
    """

    def __init__(self, root: Path) -> None:
        """Use a folder, which is made when something is kept."""
        self._root = root

    def place(self, digest: Digest, target: Path) -> bool:
        """Put a kept blob at `target`; whether there was one that still has its digest.

        What is hashed is the file at `target`, so it is the one that is used.

        Raises:
            StoreError: `target` cannot be written.
        """
        kept = self._root / blob_path(digest)
        if not kept.exists():
            return False
        with storing(target):
            try:
                _link(kept, target)
            except FileNotFoundError:
                return False
            if _hash(target, digest) == digest.hex:
                with contextlib.suppress(OSError):
                    os.utime(kept)
                return True
            target.unlink()
            kept.unlink(missing_ok=True)
        return False

    def keep(self, digest: Digest, source: Path) -> None:
        """Keep a blob that has just been verified.

        Raises:
            StoreError: The folder cannot be written.
        """
        kept = self._root / blob_path(digest)
        with storing(kept):
            kept.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                _link(source, kept)

    def fact(self, digest: Digest) -> LayerFact | None:
        """What was proven about the layer with this digest; None where nothing was."""
        try:
            found = json.loads(self._fact_path(digest).read_bytes())
            if found["rules"] != _RULES:
                return None
            return LayerFact(
                Digest.parse(found["diff_id"]),
                Compression(found["compression"]),
                int(found["unpacked_size"]),
            )
        except (OSError, ValueError, KeyError, TypeError, InputError):
            # Absent or damaged: the layer is unpacked again, which is what a fact saves.
            return None

    def remember(self, digest: Digest, fact: LayerFact) -> None:
        """Keep what has been proven.

        Raises:
            StoreError: The folder cannot be written.
        """
        path = self._fact_path(digest)
        document = {
            "rules": _RULES,
            "diff_id": str(fact.diff_id),
            "compression": fact.compression.value,
            "unpacked_size": fact.unpacked_size,
        }
        with storing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".partial-")
            with os.fdopen(handle, "w") as file:
                json.dump(document, file)
            Path(partial).replace(path)

    def prune(self, limit: int) -> int:
        """Remove the blobs used longest ago until those left have `limit` bytes together.

        Images being examined keep their bytes: they hold links of their own.

        Returns:
            How many bytes were removed.
        """
        blobs = []
        for path in self._root.glob("blobs/*/*"):
            with contextlib.suppress(FileNotFoundError):
                found = path.stat()
                blobs.append((found.st_mtime, found.st_size, path))
        removed = 0
        excess = sum(size for _, size, _ in blobs) - limit
        for _, size, path in sorted(blobs):
            if removed >= excess:
                break
            with storing(path):
                path.unlink(missing_ok=True)
            removed += size
        return removed

    def _fact_path(self, digest: Digest) -> Path:
        return self._root / "facts" / digest.algorithm / digest.hex


def _link(source: Path, target: Path) -> None:
    """A second name for a file, or a copy where it is on another file system."""
    try:
        os.link(source, target)
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError:
        partial = target.with_name(f".partial-{os.getpid()}-{target.name}")
        shutil.copyfile(source, partial)
        partial.replace(target)


def _hash(path: Path, digest: Digest) -> str:
    hasher = digest.hasher()
    for chunk in read_chunks(path):
        hasher.update(chunk)
    return hasher.hexdigest()


def read_chunks(path: Path) -> Generator[bytes, None, None]:
    """A file's bytes in chunks of at most 1 MiB."""
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            yield chunk
