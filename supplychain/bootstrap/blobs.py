"""Files that are signed or verified: read once, as a stream, however large."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from supplychain.errors import InputError, NotFoundError, StoreError
from supplychain.model.digest import Digest
from supplychain.pipeline.progress import Progress, stage

if TYPE_CHECKING:
    from supplychain.signing.blobs import Blob

_DIGEST = re.compile(r"sha(256|384|512):[0-9a-fA-F]*")
_CHUNK = 1024 * 1024
# Up to here a file is held, for keys that sign no digest; nobody uses those for more.
_HELD = 64 * 1024 * 1024
# Others name files by these: npm by the second.
_ALGORITHMS = ("sha256", "sha512")


def read_blob(text: str, progress: Progress) -> Blob:
    """A file by its path, what comes on stdin for `-`, or what a digest names.

    Raises:
        InputError: It is no digest, or a folder.
        NotFoundError: There is no such file.
        StoreError: It cannot be read.
    """
    from supplychain.signing.blobs import Blob

    if _DIGEST.fullmatch(text):
        return Blob("", (Digest.parse(text),))
    with _opened(text) as file, stage(progress, "hash", text, total_bytes=_size(file)) as done:
        digests, content, size = _hashed(file, progress)
        done.text = f"{text}: {digests[0]}, {size} bytes"
    return Blob(Path(text).name, digests, content)


def _hashed(file: BinaryIO, progress: Progress) -> tuple[tuple[Digest, ...], bytes | None, int]:
    hashers = [hashlib.new(algorithm) for algorithm in _ALGORITHMS]
    held: bytearray | None = bytearray()
    size = 0
    while chunk := file.read(_CHUNK):
        for hasher in hashers:
            hasher.update(chunk)
        size += len(chunk)
        if held is not None:
            held.extend(chunk)
            held = held if size <= _HELD else None
        progress.advance(len(chunk))
    digests = tuple(Digest(one.name, one.hexdigest()) for one in hashers)
    return digests, None if held is None else bytes(held), size


@contextmanager
def _opened(text: str) -> Iterator[BinaryIO]:
    if text == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(text).open("rb") as file:
            yield file
    except FileNotFoundError:
        raise NotFoundError(
            f"there is no file {text}",
            hint=f"check its name; it was looked for from {Path.cwd()}; "
            "a file's digest is written sha256:<64 hex>",
        ) from None
    except IsADirectoryError:
        raise InputError(f"{text} is a folder, not a file", hint="name a file in it") from None
    except OSError as error:
        raise StoreError(
            f"{text} cannot be read", because=error.strerror, retryable=False
        ) from error


def _size(file: BinaryIO) -> int | None:
    """How much there is to read; None for what has no end yet."""
    if not file.seekable():
        return None
    size = file.seek(0, 2)
    file.seek(0)
    return size
