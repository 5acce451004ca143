"""A backup as a file: a tar, hashed on its way, that ends with a manifest of all before it.

    backup.json                        which schema, which tables and columns
    rows/0003-evidence/000000.jsonl.zst   rows, one JSON array a line, some at a time
    documents/sha256/ab/ab12…          documents, byte for byte
    manifest.json                      what came before: digests, counts, the newest links

Nothing in it depends on the kind of database. Any tar and zstd open it.
"""

from __future__ import annotations

import io
import json
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from typing import Any, BinaryIO

import orjson

from supplychain.errors import LimitError, StoreError, VerificationError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

HEADER, MANIFEST = "backup.json", "manifest.json"
ROWS, DOCUMENTS = "rows/", "documents/"
# What a member of ours may have, rows unpacked; documents are as large as they are.
_LARGEST = 1 << 30
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """Something in an archive, to be read before the next is asked for.

    Attributes:
        name: Its name.
        size: How many bytes it has.
        file: Where they are read from.
    """

    name: str
    size: int
    file: io.BufferedReader

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, some at a time.

        Raises:
            VerificationError: They end too early.
        """
        with reading_archive():
            while chunk := self.file.read(_CHUNK):
                yield chunk

    def read(self) -> bytes:
        """Its bytes.

        Raises:
            LimitError: They are more than any of ours has.
        """
        if self.size > _LARGEST:
            raise LimitError(f"{self.name} in the backup is too large", because=f"{self.size:,}")
        return b"".join(self.chunks())


class Packer:
    """Writes an archive.

    Args:
        file: Where to; it is only ever written on.
        at: What its members are dated.
    """

    def __init__(self, file: BinaryIO, at: datetime) -> None:
        layout = tarfile.USTAR_FORMAT
        self._tar = tarfile.open(fileobj=file, mode="w", format=layout)  # noqa: SIM115 - `close`
        self._at = int(at.timestamp())

    def add(self, name: str, data: bytes) -> None:
        """Write a member."""
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = len(data), self._at, 0o600
        self._tar.addfile(member, io.BytesIO(data))

    def close(self) -> None:
        """Write the end."""
        self._tar.close()


@contextmanager
def reading_archive() -> Iterator[None]:
    """Turn what reading a tar raises into our own error.

    Raises:
        VerificationError: It is none, or a part of one.
    """
    try:
        yield
    except (tarfile.TarError, EOFError) as error:
        raise VerificationError(
            "this is no backup, or only a part of one", because=str(error) or "it ends too early"
        ) from error
    except OSError as error:
        raise StoreError("the backup cannot be read", because=str(error)) from error


def members(file: BinaryIO) -> Iterator[Member]:
    """Everything in an archive, in order.

    Raises:
        VerificationError: It is none, or holds what no backup of ours holds.
    """
    with reading_archive():
        tar = tarfile.open(fileobj=file, mode="r|")  # noqa: SIM115 - it holds nothing of its own
    while True:
        with reading_archive():
            entry = tar.next()
            data = tar.extractfile(entry) if entry is not None and entry.isreg() else None
        if entry is None:
            return
        if data is None:
            raise VerificationError(f"the backup holds {entry.name[:80]!r}, which is no file")
        yield Member(entry.name, entry.size, data)  # type: ignore[arg-type]  # its stub says IO


def packed_lines(lines: bytes | bytearray) -> bytes:
    """Lines, each with its end, compressed."""
    return zstd.compress(lines, level=3)


def unpacked_lines(data: bytes) -> list[bytes]:
    """What `packed_lines` gave.

    Raises:
        VerificationError: It is something else.
    """
    try:
        return zstd.ZstdDecompressor().decompress(data, max_length=_LARGEST).splitlines()
    except zstd.ZstdError as error:
        raise VerificationError("rows in the backup are damaged", because=str(error)) from error


def as_json(document: dict[str, Any]) -> bytes:
    """A document of ours: sorted, indented, with a newline at its end."""
    return f"{json.dumps(document, indent=2, sort_keys=True)}\n".encode()


def from_json(data: bytes, what: str) -> dict[str, Any]:
    """A document of ours.

    Raises:
        VerificationError: It is none.
    """
    try:
        found = orjson.loads(data)
    except ValueError as error:
        raise VerificationError(
            f"{what} of the backup cannot be read", because=str(error)
        ) from error
    if not isinstance(found, dict):
        raise VerificationError(f"{what} of the backup is no object")
    return found


class DocumentCount:
    """Counts documents and names them all by one digest, in the order in which they came."""

    def __init__(self) -> None:
        self.count = 0
        self.size = 0
        self._hash = sha256()

    def add(self, digest: Digest, size: int) -> None:
        """One more."""
        self.count += 1
        self.size += size
        self._hash.update(f"{digest} {size}\n".encode())

    def as_data(self) -> dict[str, int | str]:
        """As a manifest has it."""
        named = str(Digest("sha256", self._hash.hexdigest()))
        return {"bytes": self.size, "count": self.count, "digest": named}
