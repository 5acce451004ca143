"""Walks the headers of a tar stream as it passes, and refuses what no honest layer holds.

Nothing is extracted: the walk costs a few microseconds an entry and constant memory. It reads
ustar, GNU and pax headers (POSIX.1-2024 "pax", GNU tar manual "Basic Tar Format") and judges
what later readers would do with them.

Refused by name:

- entries that leave the root, by `..` in a path or in the target of a hard link;
- absolute paths, and hard links to absolute paths;
- device nodes; sparse files; entry types that tar does not define;
- whiteouts of nothing, of `.` or of `..`, which a reader could take for "remove everything";
- whatever two readers could read differently: a wrong checksum, content on an entry that has
  none, a path in a global header, data behind the end of the archive, a cut archive.

Tolerated, because genuine images hold them: symbolic links to anywhere (they are resolved
inside the container's root, and a scanner that reads a stream follows none), hard links within
the root, the root itself written as `/` (kaniko), FIFOs, set-uid bits, an entry that is there
twice (the last one counts), whiteouts and the metadata of aufs (`.wh..wh.…`), archives without
the closing zero blocks.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import NoReturn

from supplychain.errors import InputError

BLOCK = 512
# The most bytes of one long name or pax header: PATH_MAX is 4 KiB, and xattrs are at most 64 KiB.
_EXTENSION_LIMIT = 1 << 20
_ZEROS = bytes(BLOCK)
_FILES = b"0\x007"
_WITHOUT_CONTENT = b"1256"
_EXTENSIONS = b"LKxg"
_REFUSED = {"3": "a character device", "4": "a block device", "S": "a sparse file"}


class TarWalk:
    """One pass over one archive: `feed` every chunk, then `finish`."""

    def __init__(
        self, what: str, on_entry: Callable[[str, bytes, bytes, int], None] | None = None
    ) -> None:
        """Begin.

        Args:
            what: Names the archive in errors: "layer 2 of 5 (sha256:…)".
            on_entry: Called with type, path, link target and size in bytes of every entry.
        """
        self.entries = 0
        self._what = what
        self._on_entry = on_entry
        self._skip = 0
        self._rest = b""
        self._zero_blocks = 0
        self._long: dict[str, bytes] = {}

    def feed(self, chunk: bytes) -> None:
        """Look at the headers in the next bytes of the archive.

        Raises:
            InputError: The archive holds something that is refused, or is no tar archive.
        """
        if self._skip >= len(chunk):
            self._skip -= len(chunk)
            return
        if self._rest:
            chunk = self._rest + chunk
            self._rest = b""
        position, end = self._skip, len(chunk)
        self._skip = 0
        while position + BLOCK <= end:
            if self._zero_blocks >= 2:
                self._only_zeros(chunk[position:])
                return
            header = chunk[position : position + BLOCK]
            size = self._header(header)
            if header[156] in _EXTENSIONS:
                if position + BLOCK + size > end:
                    break
                self._extension(header[156], chunk[position + BLOCK : position + BLOCK + size])
            position += BLOCK + size + -size % BLOCK
        if position > end:
            self._skip = position - end
        else:
            self._rest = chunk[position:]

    def jump(self) -> int:
        """How many bytes of content come next: for a caller who can skip them, as now it must."""
        skip, self._skip = self._skip, 0
        return skip

    def finish(self) -> None:
        """Judge the end of the archive.

        Raises:
            InputError: It was cut off.
        """
        if self._skip or any(self._rest) or self._long:
            self.refuse("it ends in the middle of an entry")
        if not (self.entries or self._zero_blocks):
            self.refuse("it is empty: not even an end-of-archive marker")

    def refuse(self, because: str) -> NoReturn:
        """Refuse the archive."""
        raise InputError(f"{self._what} is not an archive that is accepted", because=because)

    def _only_zeros(self, rest: bytes) -> None:
        if any(memoryview(rest)):
            self.refuse("data follows the end of the archive")

    def _header(self, header: bytes) -> int:
        """Judge one header; how many bytes of content follow it."""
        if header == _ZEROS:
            self._zero_blocks += 1
            return 0
        if self._zero_blocks:
            self.refuse("data follows the end of the archive")
        self._checksum(header)
        kind = header[156]
        size = self._number(header[124:136])
        if kind in _EXTENSIONS:
            if size > _EXTENSION_LIMIT:
                self.refuse(f"a header of {size:,} bytes")
            return size
        self.entries += 1
        return self._entry(kind, header, size)

    def _entry(self, kind: int, header: bytes, size: int) -> int:
        name = _text(header, 0, 100)
        link = _text(header, 157, 257)
        if header[257:263] == b"ustar\0" and header[345]:
            name = _text(header, 345, 500) + b"/" + name
        if self._long:
            name = self._long.get("path", name)
            link = self._long.get("linkpath", link)
            size = int(self._long.get("size", size))
            self._long = {}
        self._path(name, name)
        if kind == 0x31:
            self._path(link, name)
        if kind not in _FILES:
            self._content_free(kind, size, name)
        elif size and name.endswith(b"/"):
            self.refuse(f"{_shown(name)} is a folder with content")
        if self._on_entry:
            self._on_entry(chr(kind), name, link, size)
        return size

    def _content_free(self, kind: int, size: int, name: bytes) -> None:
        if kind not in _WITHOUT_CONTENT:
            named = _REFUSED.get(chr(kind), f"of the unknown type {chr(kind)!r}")
            self.refuse(f"{_shown(name)} is {named}")
        if size:
            self.refuse(f"{_shown(name)} has content, which its type cannot have")

    def _path(self, path: bytes, entry: bytes) -> None:
        """Refuse a path, or hard link target, that leads or could be read to lead outside."""
        if path[:1] == b"/" and path != b"/":
            self.refuse(f"{_shown(entry)} names the absolute path {_shown(path)}")
        if b".." in path and b".." in path.split(b"/"):
            self.refuse(f"{_shown(entry)} leads outside of the root: {_shown(path)}")
        if not path:
            self.refuse("an entry without a name")
        if b".wh." in path:
            hidden = path.rstrip(b"/").rpartition(b"/")[2]
            if hidden in {b".wh.", b".wh..", b".wh..."}:
                self.refuse(f"{_shown(path)} is a whiteout of nothing that could be there")

    def _checksum(self, header: bytes) -> None:
        """The sum of the header's bytes, its own eight taken as spaces."""
        stated = self._number(header[148:156])
        # The lower half of Adler-32 is one plus that sum, modulo 65521: at the speed of C.
        total = (zlib.adler32(header) & 0xFFFF) - sum(header[148:156]) + 8 * 0x20 - 1
        if (total - stated) % 65521:
            self.refuse("an entry's header has a wrong checksum, or this is no tar archive")

    def _number(self, field: bytes) -> int:
        if field[0] & 0x80:
            # GNU base-256; 0xff begins a negative one.
            value = int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
            if field[0] != 0x80 or value >= 1 << 62:
                self.refuse("an entry's header holds an impossible number")
            return value
        try:
            return int(field.strip(b" \0") or b"0", 8)
        except ValueError:
            self.refuse("an entry's header holds a damaged number, or this is no tar archive")

    def _extension(self, kind: int, data: bytes) -> None:
        """Take what a long-name or pax header says about the entry that follows it."""
        if kind in b"LK":
            self._override("path" if kind == 0x4C else "linkpath", data.rstrip(b"\0"))
            return
        for key, value in self._records(data):
            if key.startswith(b"GNU.sparse."):
                self.refuse("a sparse file")
            if key not in {b"path", b"linkpath", b"size"}:
                continue
            if kind == 0x67:
                self.refuse("a global header that renames or resizes every entry")
            if key == b"size" and not (value.isdigit() and len(value) < 19):
                self.refuse("an entry's header holds an impossible number")
            self._override(key.decode(), value)

    def _override(self, key: str, value: bytes) -> None:
        if b"\0" in value or self._long.setdefault(key, value) != value:
            self.refuse(f"two headers disagree about an entry's {key}")

    def _records(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """The `length key=value` records of a pax header."""
        records = []
        while data:
            length, space, _ = data.partition(b" ")
            if not (space and length.isdigit() and len(length) < 8 and data[int(length) - 1 :]):
                self.refuse("a damaged pax header")
            record = data[len(length) + 1 : int(length)]
            key, equals, value = record.partition(b"=")
            if not (equals and value.endswith(b"\n")):
                self.refuse("a damaged pax header")
            records.append((key, value[:-1]))
            data = data[int(length) :]
        return records


def _text(header: bytes, start: int, end: int) -> bytes:
    return header[start:end].partition(b"\0")[0]


def _shown(path: bytes) -> str:
    return repr(path[:200].decode(errors="replace"))
