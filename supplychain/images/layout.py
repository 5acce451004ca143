"""OCI image layouts in a folder, read and written (OCI image-layout.md)."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from supplychain.errors import ConflictError, InputError, NotFoundError
from supplychain.images.documents import media_type_of
from supplychain.images.fields import Fields
from supplychain.images.files import Folder, storing
from supplychain.images.layout_reader import INDEX, MARKER, TAG, LayoutReader, blob_path
from supplychain.images.streams import checked
from supplychain.model.artifact import OCI_INDEX, Descriptor, Manifest
from supplychain.model.digest import Digest

VERSION = b'{"imageLayoutVersion":"1.0.0"}'


class OciLayout(LayoutReader):
    """An OCI layout in a folder, as an `ArtifactStore`.

    What is written reaches the disk before the call returns, appears whole or not at all, and
    no writer loses what another one wrote.
    """

    def __init__(self, path: Path) -> None:
        """Open the layout in a folder; see `LayoutReader` for the errors."""
        self._path = path
        super().__init__(Folder(path))

    @classmethod
    def create(cls, path: Path) -> OciLayout:
        """Open the layout in a folder, making an empty one where there is none.

        Raises:
            ConflictError: The folder holds something else.
            StoreError: It cannot be written.
        """
        with storing(path):
            path.mkdir(parents=True, exist_ok=True)
            if not (path / MARKER).exists():
                if any(path.iterdir()):
                    raise ConflictError(f"{path} is neither empty nor an OCI layout")
                _replace(path, INDEX, _index([]))
                _replace(path, MARKER, VERSION)
        return cls(path)

    def put_blob(self, data: bytes) -> Digest:
        """See `ArtifactStore`."""
        digest = Digest.of(data)
        place = self._path / blob_path(digest)
        with storing(place):
            if not (place.is_file() and digest.matches(place.read_bytes())):
                _replace(self._path, blob_path(digest), data)
        return digest

    def put_blob_chunks(
        self, descriptor: Descriptor, chunks: Callable[[], Iterator[bytes]]
    ) -> None:
        """See `ArtifactStore`; what is there already is replaced."""
        place = self._path / blob_path(descriptor.digest)
        with storing(place):
            _replace(self._path, blob_path(descriptor.digest), checked(descriptor, chunks()))

    def put_child(self, manifest: Manifest) -> None:
        """See `ArtifactStore`; index.json does not list it."""
        media_type_of(manifest.raw, manifest.media_type, f"the manifest for {self.name}")
        self.put_blob(manifest.raw)

    def put_manifest(self, data: bytes, media_type: str, *, tag: str | None = None) -> Digest:
        """See `ArtifactStore`; a tag is moved from the manifest that had it."""
        where = f"the manifest for {self.name}"
        kind = media_type_of(data, media_type, where)
        digest = self.put_blob(data)
        names = Fields.read(data, where).inner("subject")
        entry = {"mediaType": kind, "digest": str(digest), "size": len(data)}
        if tag is not None:
            self._list({**entry, "annotations": {TAG: tag}})
        elif names is not None:
            self._list(self._referring(data, kind, names.digest("digest")))
        else:
            self._list(entry)
        return digest

    def amend(self, tag: str, change: Callable[[Manifest | None], Manifest]) -> Manifest:
        """See `ArtifactStore`; whoever else writes here waits, in other processes too."""
        with storing(self._path), _locked(self._path):
            current = self._tagged(tag)
            wanted = change(current)
            if current is None or current.digest != wanted.digest:
                self.put_blob(wanted.raw)
                self._enter(
                    {
                        "mediaType": wanted.media_type,
                        "digest": str(wanted.digest),
                        "size": len(wanted.raw),
                        "annotations": {TAG: tag},
                    }
                )
        return wanted

    def attach(self, data: bytes, media_type: str, *, subject: Digest) -> Digest:
        """See `ArtifactStore`; the manifest is listed in index.json, as ORAS does.

        Raises:
            InputError: The manifest does not name `subject` as its subject.
        """
        return self.attach_all((data,), media_type, subject=subject)[0]

    def attach_all(
        self, manifests: Sequence[bytes], media_type: str, *, subject: Digest
    ) -> tuple[Digest, ...]:
        """See `ArtifactStore`; raises as `attach`."""
        entries = [self._referring(data, media_type, subject) for data in manifests]
        digests = tuple(self.put_blob(data) for data in manifests)
        self._list(*entries)
        return digests

    def _referring(self, data: bytes, media_type: str, subject: Digest) -> dict[str, object]:
        """The entry of a manifest that names this subject."""
        kind = media_type_of(data, media_type, f"the manifest for {self.name}")
        entry = self.referrer(Manifest(kind, Digest.of(data), data), subject)
        if entry is None:
            raise InputError(f"the manifest for {self.name} does not name {subject} as its subject")
        return {
            "mediaType": entry.media_type,
            "digest": str(entry.digest),
            "size": entry.size,
            "artifactType": entry.artifact_type,
            "annotations": dict(entry.annotations),
        }

    def _list(self, *entries: dict[str, object]) -> None:
        """Put entries into index.json, each in place of the one with its tag, if it has one."""
        with storing(self._path), _locked(self._path):
            self._enter(*entries)

    def _enter(self, *entries: dict[str, object]) -> None:
        """As `_list`, for whoever holds the lock."""
        document = json.loads(self.small(INDEX))
        before = document.get("manifests") or []
        listed = list(before)
        for entry in entries:
            tag = _tag(entry)
            if tag is not None:
                listed = [old for old in listed if _tag(old) != tag]
            elif any(old.get("digest") == entry["digest"] for old in listed):
                continue
            listed.append(entry)
        if listed != before:
            _replace(self._path, INDEX, _index(listed, document))

    def _tagged(self, tag: str) -> Manifest | None:
        try:
            entry = self.resolve(tag)
        except NotFoundError:
            return None
        return self.manifest(entry.digest)


def _tag(entry: dict[str, object]) -> object:
    annotations = entry.get("annotations")
    return annotations.get(TAG) if isinstance(annotations, dict) else None


def _index(manifests: list[object], document: dict[str, object] | None = None) -> bytes:
    base = document or {"schemaVersion": 2, "mediaType": OCI_INDEX}
    return json.dumps({**base, "manifests": manifests}, separators=(",", ":")).encode()


def _replace(root: Path, name: str, data: bytes | Iterator[bytes]) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut."""
    target = root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=root, prefix=".partial-")
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in (data,) if isinstance(data, bytes) else data:
                file.write(chunk)
            file.flush()
            os.fchmod(handle, 0o644)
            os.fsync(handle)
        Path(partial).replace(target)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, among threads and processes."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
