"""Named files under one root, whether that root is a folder or a tar archive."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from supplychain.errors import InputError, NotFoundError, StoreError

CHUNK = 1 << 20


class Files(Protocol):
    """Read access to files by their path below a root, with `/` between its parts."""

    @property
    def name(self) -> str:
        """The root's path, for people."""
        ...

    def size(self, path: str) -> int | None:
        """The length of a regular file in bytes; None where there is none of that name.

        Raises:
            InputError: Something else than a regular file inside the root is there.
        """
        ...

    def chunks(self, path: str) -> Iterator[bytes]:
        """A file as chunks of at most `CHUNK` bytes.

        Raises:
            NotFoundError: There is no such file.
            InputError: Something else than a regular file inside the root is there.
            StoreError: It cannot be read.
        """
        ...


class Folder:
    """A folder. Links in it may lead to files within it, and nowhere else."""

    def __init__(self, root: Path) -> None:
        """Take a folder, which need not exist yet."""
        self._root = root

    @property
    def name(self) -> str:
        """The folder's path."""
        return str(self._root)

    def size(self, path: str) -> int | None:
        """See `Files`."""
        try:
            file = self._opened(path)
        except NotFoundError:
            return None
        try:
            return os.fstat(file).st_size
        finally:
            os.close(file)

    def chunks(self, path: str) -> Iterator[bytes]:
        """See `Files`."""
        with os.fdopen(self._opened(path), "rb", buffering=0) as file:
            try:
                while chunk := file.read(CHUNK):
                    yield chunk
            except OSError as error:
                raise _unreadable(self._root / path, error) from error

    def _opened(self, path: str) -> int:
        """A descriptor of a regular file that is inside of the root, also through links."""
        place = self._root / path
        try:
            target = place.resolve(strict=True)
            if not target.is_relative_to(self._root.resolve()):
                raise InputError(f"{place} is a link that leads outside of {self._root}")
            file = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            raise NotFoundError(f"{place} does not exist") from None
        except OSError as error:
            raise _unreadable(place, error) from error
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise InputError(f"{place} is not a file")
        return file


def _unreadable(place: Path, error: OSError) -> StoreError:
    return StoreError(f"{place} cannot be read", because=error.strerror, retryable=False)


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn failures to write into errors that say what to do."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written",
            because=error.strerror,
            hint="make room, or choose another folder",
            retryable=False,
        ) from error
