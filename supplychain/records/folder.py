"""A content store in a local folder, written so that a power cut loses nothing acknowledged."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BufferedReader
from pathlib import Path

from supplychain.errors import ContentMissingError, StoreError
from supplychain.model.digest import Digest
from supplychain.records.content import PROBE, PROBED, checked, key_of, named_by, passing
from supplychain.records.private import make_folder

# Unfinished files; a killed process may leave one here, where nothing ever reads it.
_UNFINISHED = "unfinished"
_FULL = "free some space on that disk, then type the same again"
_FORBIDDEN = "give this user the right to write there, or name another folder"
_NO_FOLDER = "name a folder: something else is in its place"
_HINTS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: "raise this process's file size limit (`ulimit -f`)",
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EROFS: _FORBIDDEN,
    errno.ENOTDIR: _NO_FOLDER,
    errno.EEXIST: _NO_FOLDER,
}
_PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE})


class FolderStore:
    """Documents as read-only files under a folder, which is made when something is put.

    Whoever put `PROBED` relies on its being there from then on: where it is not, somebody took the
    folder away, or what was mounted there.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._is_probed = False

    def put(self, data: bytes) -> Digest:
        """See `ContentStore.put`."""
        digest = Digest.of(data)
        target = self._path(digest)
        with self._opened("written"):
            _make_folders(target.parent)
            if not (_touch(target) and _holds(target, data)):
                self._write(iter((data,)), target)
            # Also for what is there already: another process may have renamed it a moment ago
            # and not be done.
            _sync_folder(target.parent)
        self._is_probed = self._is_probed or data == PROBED
        return digest

    def put_chunks(self, digest: Digest, size: int, chunks: Callable[[], Iterator[bytes]]) -> None:
        """See `ContentStore.put_chunks`."""
        target = self._path(digest)
        with self._opened("written"):
            _make_folders(target.parent)
            if not (_touch(target) and _is_intact(target, digest)):
                self._write(passing(digest, size, chunks()), target)
            _sync_folder(target.parent)

    def get(self, digest: Digest) -> bytes:
        """See `ContentStore.get`."""
        path = self._path(digest)
        with self._opened("read"), _document(path) as file:
            if file is None:
                raise ContentMissingError(
                    f"the content store has nothing under {digest}",
                    because=f"there is no file {path}",
                    hint="restore it from a backup, or run the image again",
                )
            data = file.read()
        return checked(digest, data, str(path))

    def has(self, digest: Digest) -> bool:
        """See `ContentStore.has`."""
        return self.size(digest) is not None

    def size(self, digest: Digest) -> int | None:
        """See `ContentStore.size`."""
        with self._opened("read"):
            try:
                found = self._path(digest).stat()
            except FileNotFoundError:
                return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def digests(self) -> Iterator[Digest]:
        """See `ContentStore.digests`."""
        with self._opened("read"):
            for path in self._root.glob("sha256/??/*"):
                digest = named_by(path.relative_to(self._root).as_posix())
                if digest is not None and path.is_file():
                    yield digest

    def discard(self, digest: Digest, *, unused_since: datetime) -> bool:
        """See `ContentStore.discard`."""
        path, aside = self._path(digest), self._root / _UNFINISHED
        with self._opened("written"):
            _make_folders(aside)
            taken = aside / f"{path.name}.{secrets.token_hex(8)}"
            try:
                path.rename(taken)
            except FileNotFoundError:
                return False
            # Whoever puts it touches it first: before this moment that shows here, and after it
            # there was nothing to touch, so that it was written anew.
            used = taken.stat().st_mtime >= unused_since.timestamp()
            if used and not path.exists():
                taken.rename(path)
            else:
                taken.unlink()
            _sync_folder(path.parent)
        return not used

    @contextmanager
    def _opened(self, done: str) -> Iterator[None]:
        """Say what went wrong, and use no other folder than the one that was there before."""
        with _faults(f"the content store {self._root} cannot be {done}"):
            if self._is_probed and not self._path(PROBE).exists():
                raise StoreError(
                    "the content store is not the one that it was",
                    because=f"there is no {self._path(PROBE)} any more",
                    hint="mount it again: documents would be written beside it",
                )
            yield

    def _path(self, digest: Digest) -> Path:
        return self._root / key_of(digest)

    def _write(self, chunks: Iterator[bytes], target: Path) -> None:
        unfinished = self._root / _UNFINISHED
        _make_folders(unfinished)
        draft = unfinished / f"{target.name}.{secrets.token_hex(8)}"
        try:
            _write_synced(draft, chunks)
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def _write_synced(path: Path, chunks: Iterator[bytes]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        for chunk in chunks:
            rest = memoryview(chunk)
            while rest:
                rest = rest[file.write(rest) :]
        os.fsync(descriptor)


def _touch(path: Path) -> bool:
    """Show that a document is in use, also to who is about to discard it; whether that is shown."""
    try:
        os.utime(path)
    except (FileNotFoundError, PermissionError):
        return False
    return True


@contextmanager
def _document(path: Path) -> Iterator[BufferedReader | None]:
    """A document's file; None where there is none, nor anything that would be waited for."""
    descriptor = _opened_at_once(path)
    if descriptor is None:
        yield None
        return
    with os.fdopen(descriptor, "rb") as file:
        yield file


def _opened_at_once(path: Path) -> int | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENXIO}:  # or a socket
            return None
        raise
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


def _holds(path: Path, data: bytes) -> bool:
    with _document(path) as file:
        return file is not None and file.read() == data


def _is_intact(path: Path, digest: Digest) -> bool:
    with _document(path) as file:
        if file is None:
            return False
        return hashlib.file_digest(file, digest.algorithm).hexdigest() == digest.hex


def _make_folders(folder: Path) -> None:
    """Make a folder and those above it, each on disk in the one that holds it."""
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    make_folder(folder)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _faults(message: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            message,
            because=f"{error.strerror}: {error.filename}" if error.filename else error.strerror,
            hint=_HINTS.get(error.errno or 0),
            retryable=error.errno in _PASSING,
        ) from error
