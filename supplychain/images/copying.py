"""An image from a place that cannot hold signatures into a layout that can."""

from __future__ import annotations

from pathlib import Path

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
            _copy(source, layer, layout, folder)
        layout.put_blob(platform.config_raw)
        layout.put_blob(platform.raw)
    layout.put_manifest(image.raw, image.media_type)
    return layout


def _copy(source: ArtifactStore, blob: Descriptor, layout: OciLayout, folder: Path) -> None:
    if (folder / blob_path(blob.digest)).exists():
        return  # every read of it is checked, so a damaged one is found there
    layout.put_blob_chunks(blob, lambda: source.blob_chunks(blob))
