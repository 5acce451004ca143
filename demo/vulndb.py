"""A small vulnerability database in Trivy's own format, from a list of advisories.

    python -m demo.vulndb OUT

writes `OUT/trivy.db` and `OUT/metadata.json` from `advisories.json`: a sample, good for a
demonstration and for tests. `supplychain vulndb pull` fetches the real one.

Trivy keeps its database in a bbolt file. One that is written once and never changed is simple:
pages of 4096 bytes, two of them meta pages and one an empty list of free pages; then, from the
leaves up, the trees of buckets, whose root page the meta pages name.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Union

from supplychain.scan import bbolt

PAGE_SIZE = 4096
# A bucket of up to a quarter page lies within its parent's page (bbolt, bucket.go: inlineable).
_INLINE = PAGE_SIZE // 4
_SCHEMA = 2
_STATUS = {"affected": 2, "will_not_fix": 5}
_SEVERITY = {"UNKNOWN": 0, "LOW": 1, "MEDIUM": 2, "HIGH": 3, "CRITICAL": 4}

Bucket = Mapping[str, Union["Bucket", bytes]]
_Entry = tuple[int, bytes, bytes]  # flags, key, value


def load_advisories() -> dict[str, Any]:
    """The advisories that come with the demonstration."""
    document: dict[str, Any] = json.loads((files("demo") / "advisories.json").read_bytes())
    return document


def write_database(folder: Path, advisories: Mapping[str, Any], updated_at: datetime) -> Path:
    """Write `trivy.db` and `metadata.json`.

    The date is written into the database too, so that two databases of different dates are
    different ones, as those that Trivy's makers build are.

    Args:
        folder: Where to; made if need be.
        advisories: A document like `advisories.json`: `sources` and `advisories`.
        updated_at: When the database claims to have been built (aware, UTC).

    Returns:
        The folder.
    """
    stamp = updated_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    folder.mkdir(parents=True, exist_ok=True)
    buckets = {**_buckets(advisories), "sample": {"updated_at": stamp.encode()}}
    (folder / "trivy.db").write_bytes(write_bbolt(buckets))
    metadata = {"Version": _SCHEMA, "UpdatedAt": stamp, "NextUpdate": stamp, "DownloadedAt": stamp}
    (folder / "metadata.json").write_text(json.dumps(metadata) + "\n", encoding="utf-8")
    return folder


def _buckets(document: Mapping[str, Any]) -> Bucket:
    """The advisories as Trivy lays them out: source, package, vulnerability."""
    buckets: dict[str, dict[str, Any]] = {
        "data-source": {name: _json(source) for name, source in document["sources"].items()},
        "vulnerability": {},
    }
    for advisory in document["advisories"]:
        packages = buckets.setdefault(advisory["bucket"], {})
        packages.setdefault(advisory["package"], {})[advisory["id"]] = _json(_ranges(advisory))
        buckets["vulnerability"][advisory["id"]] = _json(_details(advisory))
    return buckets


def _ranges(advisory: Mapping[str, Any]) -> dict[str, Any]:
    """Which versions are affected: a distribution's advisory, or an ecosystem's."""
    if "fixed" in advisory:
        return {"FixedVersion": advisory["fixed"]}
    if "status" in advisory:
        severity = _SEVERITY[advisory["severity"]]
        return {"Status": _STATUS[advisory["status"]], "Severity": severity}
    return {
        "VulnerableVersions": advisory["vulnerable"],
        "PatchedVersions": advisory["patched"],
        "VendorIDs": advisory.get("also", []),
    }


def _details(advisory: Mapping[str, Any]) -> dict[str, Any]:
    details = {
        "Title": advisory["title"],
        "Severity": advisory["severity"],
        "VendorSeverity": {advisory["rated_by"]: _SEVERITY[advisory["severity"]]},
        "References": [advisory["source"]],
    }
    if "published" in advisory:
        details["PublishedDate"] = advisory["published"]
    return details


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def write_bbolt(buckets: Bucket) -> bytes:
    """The bytes of a bbolt file that holds these buckets."""
    pages = _Pages()
    root = pages.tree(_entries(buckets, pages))
    freelist = _page(2, bbolt.FREELIST_PAGE, 0, b"")
    return b"".join([pages.meta(0, root), pages.meta(1, root), freelist, *pages.written])


class _Pages:
    """Pages in the order in which they stand in the file, from number 3 on."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.next = 3

    def add(self, kind: int, count: int, body: bytes) -> int:
        number = self.next
        page = _page(number, kind, count, body)
        self.written.append(page)
        self.next += len(page) // PAGE_SIZE
        return number

    def tree(self, entries: Sequence[_Entry]) -> int:
        """Write a tree of these sorted entries, the leaves first; its root's number."""
        level = [
            (group[0][1] if group else b"", self.add(bbolt.LEAF_PAGE, len(group), _leaf(group)))
            for group in _grouped(entries)
        ]
        while len(level) > 1:
            children = [(0, key, number.to_bytes(8, "little")) for key, number in level]
            level = [
                (group[0][1], self.add(bbolt.BRANCH_PAGE, len(group), _branch(group)))
                for group in _grouped(children)
            ]
        return level[0][1]

    def meta(self, number: int, root: int) -> bytes:
        fields = (bbolt.MAGIC, bbolt.VERSION, PAGE_SIZE, 0, root, 0, 2, self.next, number)
        meta = bbolt.META.pack(*fields)
        return _page(number, bbolt.META_PAGE, 0, meta + bbolt.CHECKSUM.pack(bbolt.checksum(meta)))


def _entries(bucket: Bucket, pages: _Pages) -> list[_Entry]:
    """A bucket's entries, sorted bytewise; nested buckets are written on the way."""
    return [
        (0, key.encode(), value)
        if isinstance(value, bytes)
        else (bbolt.BUCKET_ELEMENT, key.encode(), _nested(value, pages))
        for key, value in sorted(bucket.items(), key=lambda item: item[0].encode())
    ]


def _nested(bucket: Bucket, pages: _Pages) -> bytes:
    entries = _entries(bucket, pages)
    body = _leaf(entries)
    if len(body) <= _INLINE and not any(flags for flags, _, _ in entries):
        inline = bbolt.PAGE_HEADER.pack(0, bbolt.LEAF_PAGE, len(entries), 0)
        return bbolt.BUCKET_HEADER.pack(0, 0) + inline + body
    return bbolt.BUCKET_HEADER.pack(pages.tree(entries), 0)


def _grouped(entries: Sequence[_Entry]) -> Iterator[Sequence[_Entry]]:
    """The entries page by page; one that is larger than a page gets pages of its own."""
    start, used = 0, bbolt.PAGE_HEADER.size
    for number, (_, key, value) in enumerate(entries):
        size = bbolt.LEAF_ELEMENT.size + len(key) + len(value)
        if number > start and used + size > PAGE_SIZE:
            yield entries[start:number]
            start, used = number, bbolt.PAGE_HEADER.size
        used += size
    yield entries[start:]


def _leaf(entries: Sequence[_Entry]) -> bytes:
    heads, data = [], b"".join(key + value for _, key, value in entries)
    offset = bbolt.LEAF_ELEMENT.size * len(entries)  # from this element to its data
    for flags, key, value in entries:
        heads.append(bbolt.LEAF_ELEMENT.pack(flags, offset, len(key), len(value)))
        offset += len(key) + len(value) - bbolt.LEAF_ELEMENT.size
    return b"".join(heads) + data


def _branch(children: Sequence[_Entry]) -> bytes:
    heads, data = [], b"".join(key for _, key, _ in children)
    offset = bbolt.BRANCH_ELEMENT.size * len(children)
    for _, key, number in children:
        heads.append(bbolt.BRANCH_ELEMENT.pack(offset, len(key), int.from_bytes(number, "little")))
        offset += len(key) - bbolt.BRANCH_ELEMENT.size
    return b"".join(heads) + data


def _page(number: int, kind: int, count: int, body: bytes) -> bytes:
    length = bbolt.PAGE_HEADER.size + len(body)
    overflow = (length - 1) // PAGE_SIZE
    header = bbolt.PAGE_HEADER.pack(number, kind, count, overflow)
    return (header + body).ljust((overflow + 1) * PAGE_SIZE, b"\0")


def main() -> None:
    """Write the sample database into the folder that the command line names."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m demo.vulndb OUT")
    folder = write_database(Path(sys.argv[1]), load_advisories(), datetime.now(UTC))
    print(
        f"wrote a sample vulnerability database of {len(load_advisories()['advisories'])} "
        f"advisories to {folder}"
    )


if __name__ == "__main__":
    main()
