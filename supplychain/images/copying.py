"""An image from a place that cannot hold signatures into a layout that can."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from supplychain.images.cache import storing
from supplychain.images.layout import OciLayout
from supplychain.images.layout_reader import blob_path
from supplychain.images.resolve import ResolvedImage
from supplychain.model.artifact import ArtifactStore, Descriptor


def copy_to_layout(source: ArtifactStore, image: ResolvedImage, folder: Path) -> OciLayout:
    """Copy an image, or those of its platforms that were selected, by digest.

    Args:
        source: Where it is; every byte read is checked against its digest.
        image: What to copy.
        folder: An OCI layout, or a folder to make one in; what is there already stays.

    Raises:
        ConflictError: The folder holds something else.
        DigestMismatchError: The source gave other bytes than those named.
        StoreError: The folder cannot be written.
    """
    layout = OciLayout.create(folder)
    for platform in image.images:
        for layer in platform.manifest.layers:
            _copy(source, layer, folder)
        layout.put_blob(platform.config_raw)
        layout.put_blob(platform.raw)
    layout.put_manifest(image.raw, image.media_type)
    return layout


def _copy(source: ArtifactStore, blob: Descriptor, folder: Path) -> None:
    place = folder / blob_path(blob.digest)
    if place.exists():
        return  # every read of it is checked, so a damaged one is found there
    with storing(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=place.parent, prefix=".partial-")
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in source.blob_chunks(blob):
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            Path(partial).replace(place)
        finally:
            Path(partial).unlink(missing_ok=True)
