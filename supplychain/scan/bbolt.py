"""Which buckets a bbolt file has: the little that is read of it without Trivy.

The format is bbolt's own (go.etcd.io/bbolt, `internal/common`: meta.go, page.go, bucket.go): pages,
of which the first two are meta pages, a tree of branch and leaf pages, little-endian throughout.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

from supplychain.errors import VulnerabilityDatabaseError
from supplychain.frozen import dataclass

MAGIC = 0xED0CDAED
VERSION = 2
BRANCH_PAGE, LEAF_PAGE, META_PAGE, FREELIST_PAGE = 0x01, 0x02, 0x04, 0x10
BUCKET_ELEMENT = 0x01

PAGE_HEADER = struct.Struct("<QHHI")  # pgid, flags, count, overflow
# magic, version, page size, flags, root pgid, root sequence, freelist pgid, high-water pgid, txid
META = struct.Struct("<IIIIQQQQQ")
CHECKSUM = struct.Struct("<Q")
LEAF_ELEMENT = struct.Struct("<IIII")  # flags, pos, key size, value size
BRANCH_ELEMENT = struct.Struct("<IIQ")  # pos, key size, pgid
BUCKET_HEADER = struct.Struct("<QQ")  # root pgid (0: the page follows inline), sequence

_PAGE_SIZES = frozenset(1 << n for n in range(9, 17))


def checksum(meta: bytes) -> int:
    """FNV-1a, 64 bits, as bbolt guards its meta pages."""
    value = 0xCBF29CE484222325
    for byte in meta:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def bucket_names(path: Path) -> tuple[str, ...]:
    """The names of the top-level buckets that hold something, sorted.

    Raises:
        VulnerabilityDatabaseError: The file is no bbolt database, or is shorter than it says.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            tree = _Tree.of(data)
            return tuple(sorted(name for name, value in tree.buckets() if tree.holds(value)))
    except (ValueError, OverflowError, struct.error, RecursionError) as error:
        raise _invalid(path, str(error)) from error


def _invalid(path: Path, because: str) -> VulnerabilityDatabaseError:
    return VulnerabilityDatabaseError(
        f"{path.name} is not a vulnerability database",
        because=because,
        hint="fetch it again: supplychain vulndb pull",
    )


@dataclass(frozen=True, slots=True)
class _Tree:
    """The tree of top-level buckets; every failure to read it is a ValueError."""

    data: mmap.mmap
    page_size: int
    root: int

    @classmethod
    def of(cls, data: mmap.mmap) -> _Tree:
        """The newer of the two meta pages that are intact."""
        # The second meta page lies one page further, and the first says how long a page is.
        metas = [m for m in (_meta(data, 0), *(_meta(data, s) for s in _PAGE_SIZES)) if m]
        if not metas:
            raise ValueError("it has no intact bbolt meta page")
        _, page_size, root, high_water = max(metas)
        if high_water * page_size > len(data):
            raise ValueError(
                f"it is cut short: {len(data)} bytes instead of at least {high_water * page_size}"
            )
        return cls(data, page_size, root)

    def buckets(self) -> Iterator[tuple[str, bytes]]:
        """Every top-level bucket's name and value."""
        for flags, key, value in self._leaves(self.root, set()):
            if flags & BUCKET_ELEMENT:
                yield key.decode(), value

    def holds(self, bucket: bytes) -> bool:
        """Whether a bucket has at least one entry."""
        root, _ = BUCKET_HEADER.unpack_from(bucket)
        inline = PAGE_HEADER.unpack_from(bucket, BUCKET_HEADER.size) if not root else ()
        count: int = inline[2] if inline else self._page(root)[2]
        return count > 0

    def _page(self, pgid: int) -> tuple[int, int, int]:
        offset = pgid * self.page_size
        own, flags, count, _ = PAGE_HEADER.unpack_from(self.data, offset)
        if own != pgid:
            raise ValueError(f"page {pgid} says that it is page {own}")
        return offset + PAGE_HEADER.size, flags, count

    def _leaves(self, pgid: int, seen: set[int]) -> Iterator[tuple[int, bytes, bytes]]:
        if pgid in seen:
            raise ValueError(f"page {pgid} is in its tree of buckets twice")
        seen.add(pgid)
        start, kind, count = self._page(pgid)
        for number in range(count):
            if kind == BRANCH_PAGE:
                at = start + number * BRANCH_ELEMENT.size
                yield from self._leaves(BRANCH_ELEMENT.unpack_from(self.data, at)[2], seen)
            elif kind == LEAF_PAGE:
                at = start + number * LEAF_ELEMENT.size
                flags, position, key_size, size = LEAF_ELEMENT.unpack_from(self.data, at)
                key = at + position
                value = key + key_size
                yield flags, self.data[key:value], self.data[value : value + size]
            else:
                raise ValueError(f"page {pgid} is neither branch nor leaf")


def _meta(data: mmap.mmap, page_offset: int) -> tuple[int, int, int, int] | None:
    """A meta page's (txid, page size, root, high-water mark); None where it is not intact."""
    offset = page_offset + PAGE_HEADER.size
    raw = data[offset : offset + META.size + CHECKSUM.size]
    if len(raw) < META.size + CHECKSUM.size:
        return None
    magic, version, page_size, _, root, _, _, high_water, txid = META.unpack_from(raw)
    if (magic, version) != (MAGIC, VERSION) or page_size not in _PAGE_SIZES:
        return None
    if page_offset not in {0, page_size}:
        return None
    if checksum(raw[: META.size]) != CHECKSUM.unpack_from(raw, META.size)[0]:
        return None
    return txid, page_size, root, high_water
