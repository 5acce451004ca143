"""What `docker save` wrote before it wrote OCI layouts, made into one.

Such an archive has image configurations and layers, but no manifests. The manifest made here
follows from those bytes alone, so that the same archive always has the same digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from supplychain.errors import DigestMismatchError, InputError, LimitError, NotFoundError
from supplychain.images.compression import Compression
from supplychain.images.documents import OCI_CONFIG, OCI_LAYER, read_config
from supplychain.images.fields import Fields
from supplychain.images.layout import VERSION
from supplychain.images.layout_reader import FULL_NAME, INDEX, MARKER, LayoutReader, blob_path
from supplychain.images.tar_files import TarFiles
from supplychain.model.artifact import MANIFEST_LIMIT, OCI_MANIFEST
from supplychain.model.digest import Digest

MANIFEST = "manifest.json"
_SUFFIX = {Compression.NONE: "", Compression.GZIP: "+gzip", Compression.ZSTD: "+zstd"}


class _Renamed:
    """An archive's files under a layout's names, and the files that only we have made."""

    def __init__(self, files: TarFiles) -> None:
        self.made: dict[str, bytes] = {MARKER: VERSION}
        self.members: dict[str, str] = {}
        self._files = files

    @property
    def name(self) -> str:
        return self._files.name

    def size(self, path: str) -> int | None:
        if path in self.made:
            return len(self.made[path])
        return self._files.size(self.members[path]) if path in self.members else None

    def chunks(self, path: str) -> Iterator[bytes]:
        if path in self.made:
            return iter((self.made[path],))
        if path not in self.members:
            raise NotFoundError(f"{self.name} has no {path}")
        return self._files.chunks(self.members[path])


def docker_archive(files: TarFiles) -> LayoutReader:
    """The images of an archive that has a `manifest.json` and no OCI layout.

    A plain layer is named by the diffID that its configuration gives it, which is checked when
    it is read; only a compressed one has to be read here, to learn its digest.

    Raises:
        InputError: It is not sound.
        NotFoundError: A file that it names is missing.
        DigestMismatchError: A configuration is not the one that its name says.
    """
    renamed = _Renamed(files)
    entries = []
    where = f"{files.name}/{MANIFEST}"
    for image in Fields.read_list(_small(files, MANIFEST), where):
        raw = _manifest(files, image, renamed)
        digest = Digest.of(raw)
        renamed.made[blob_path(digest)] = raw
        entry = {"mediaType": OCI_MANIFEST, "digest": str(digest), "size": len(raw)}
        names = image.texts("RepoTags")
        entries += [{**entry, "annotations": {FULL_NAME: name}} for name in names] or [entry]
    renamed.made[INDEX] = _json({"schemaVersion": 2, "manifests": entries})
    return LayoutReader(renamed)


def _manifest(files: TarFiles, image: Fields, renamed: _Renamed) -> bytes:
    """The manifest of one image; its blobs get their names in `renamed`."""
    member = image.text("Config")
    raw = _small(files, member)
    config = Digest.of(raw)
    named = member.removeprefix("blobs/sha256/").removesuffix(".json")
    if len(named) == 64 and named != config.hex:
        raise DigestMismatchError(
            f"{files.name}/{member} does not hold what its name says",
            because=f"expected sha256:{named}, the bytes hash to {config}",
        )
    renamed.members[blob_path(config)] = member
    diff_ids = read_config(raw, f"{files.name}/{member}").diff_ids
    layers = image.texts("Layers")
    if len(layers) != len(diff_ids):
        raise InputError(
            f"{image.where} has {len(layers)} layers, its configuration {len(diff_ids)}"
        )
    return _json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": OCI_CONFIG, "digest": str(config), "size": len(raw)},
            "layers": [
                _layer(files, layer, diff_id, renamed)
                for layer, diff_id in zip(layers, diff_ids, strict=True)
            ],
        }
    )


def _layer(
    files: TarFiles, member: str, diff_id: Digest, renamed: _Renamed
) -> dict[str, str | int]:
    size = files.size(member)
    if size is None:
        raise NotFoundError(f"{files.name} has no {member}")
    compression = Compression.sniff(next(files.chunks(member), b"")[:4])
    digest = diff_id if compression is Compression.NONE else _digest(files, member)
    renamed.members[blob_path(digest)] = member
    media_type = OCI_LAYER + _SUFFIX[compression]
    return {"mediaType": media_type, "digest": str(digest), "size": size}


def _digest(files: TarFiles, member: str) -> Digest:
    hasher = hashlib.sha256()
    for chunk in files.chunks(member):
        hasher.update(chunk)
    return Digest("sha256", hasher.hexdigest())


def _small(files: TarFiles, member: str) -> bytes:
    size = files.size(member)
    if size is None:
        raise NotFoundError(f"{files.name} has no {member}")
    if size > MANIFEST_LIMIT:
        raise LimitError(f"{files.name}/{member} has {size:,} bytes, over {MANIFEST_LIMIT:,}")
    return b"".join(files.chunks(member))


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
