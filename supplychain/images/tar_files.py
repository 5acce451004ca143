"""The members of a tar archive, read where they stand.

Nothing is extracted: so no entry of an archive can reach a file of ours, whatever it is called.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from supplychain.errors import InputError, NotFoundError, StoreError
from supplychain.images.files import CHUNK
from supplychain.images.tarwalk import BLOCK, TarWalk

# A layer and its metadata make three or four members, so this is far more than 127 layers need.
_MEMBER_LIMIT = 20_000
_REGULAR = "0\x007"
_SYMLINK = "2"
_FOLDER = "5"


class TarFiles:
    """The regular files of an uncompressed tar archive, as `Files`.

    `docker save` up to Docker 24 writes a layer that occurs twice as a symbolic link to the
    first one: such a link to another member is followed, once, and any other leads nowhere.
    """

    def __init__(self, path: Path, name: str) -> None:
        """Read the archive's headers.

        Args:
            path: The archive.
            name: What to call it, where `path` is only a copy.

        Raises:
            InputError: It is no tar archive, is cut, or has a member that is refused: what
                `TarWalk` refuses, a hard link, a FIFO, or a name that is there twice.
            StoreError: It cannot be read.
        """
        self._path, self._name = path, name
        self._members: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        self._offset = 0
        self._walk = TarWalk(name, self._take)
        try:
            self._read_headers()
        except OSError as error:
            raise self._unreadable(error) from error

    @property
    def name(self) -> str:
        """The archive's path."""
        return self._name

    def size(self, path: str) -> int | None:
        """See `Files`."""
        place = self._place(path)
        return None if place is None else place[1]

    def chunks(self, path: str) -> Iterator[bytes]:
        """See `Files`."""
        place = self._place(path)
        if place is None:
            raise NotFoundError(f"{self._name} has no {path}")
        offset, left = place
        try:
            with self._path.open("rb", buffering=0) as file:
                file.seek(offset)
                while left:
                    chunk = file.read(min(left, CHUNK))
                    if not chunk:
                        raise InputError(f"{self._name} ends in the middle of {path}")
                    left -= len(chunk)
                    yield chunk
        except OSError as error:
            raise self._unreadable(error) from error

    def _place(self, path: str) -> tuple[int, int] | None:
        return self._members.get(self._links.get(path, path))

    def _read_headers(self) -> None:
        with self._path.open("rb") as file:
            end = file.seek(0, 2)
            file.seek(0)
            while block := file.read(BLOCK):
                self._offset += len(block)
                self._walk.feed(block)
                self._offset += self._walk.jump()
                if self._offset > end:
                    self._walk.refuse("it ends in the middle of an entry")
                file.seek(self._offset)
        self._walk.finish()

    def _take(self, kind: str, path: bytes, link: bytes, size: int) -> None:
        name = path.decode(errors="surrogateescape").removeprefix("./")
        if kind == _FOLDER or name.endswith("/"):
            return
        if name in self._members or name in self._links:
            self._walk.refuse(f"{name!r} is there twice")
        if len(self._members) >= _MEMBER_LIMIT:
            self._walk.refuse(f"it has more than {_MEMBER_LIMIT:,} members")
        if kind == _SYMLINK:
            self._links[name] = _joined(name, link.decode(errors="surrogateescape"))
        elif kind in _REGULAR:
            self._members[name] = (self._offset, size)
        else:
            self._walk.refuse(f"{name!r} is a hard link or a FIFO")

    def _unreadable(self, error: OSError) -> StoreError:
        return StoreError(
            f"the archive {self._name} cannot be read", because=error.strerror, retryable=False
        )


def _joined(name: str, target: str) -> str:
    """Where a symbolic link inside the archive leads, as a member's name."""
    parts: list[str] = []
    for part in (PurePosixPath(name).parent / target).parts:
        if part == "..":
            parts = parts[:-1]
        else:
            parts.append(part)
    return "/".join(parts)
