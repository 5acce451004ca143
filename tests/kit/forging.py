"""Images that lie: genuine but for one thing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from demo.images import OCI, SUFFIX, Entry, Layer, enter, pack_layer, put, to_json

Edit = Callable[[dict[str, Any]], object]


def forge(
    path: Path,
    layers: Sequence[Layer] = (),
    *,
    config: Edit | None = None,
    manifest: Edit | None = None,
    tag: str = "latest",
) -> Path:
    """A layout with one image, whose documents were edited before they were digested."""
    layers = layers or [one_file()]
    made: dict[str, Any] = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
    }
    if config is not None:
        config(made)
    listed: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": put(path, to_json(made), f"{OCI}.config.v1+json"),
        "layers": [
            put(path, layer.data, f"{OCI}.layer.v1.tar{SUFFIX[layer.compression]}")
            for layer in layers
        ],
    }
    if manifest is not None:
        manifest(listed)
    enter(path, put(path, to_json(listed), listed.get("mediaType", "")), tag)
    return path


def forge_index(
    path: Path, children: Sequence[dict[str, Any]], *, media_type: str = f"{OCI}.index.v1+json"
) -> Path:
    """A layout with an index of these children, tagged `latest`."""
    document = {"schemaVersion": 2, "mediaType": media_type, "manifests": list(children)}
    enter(path, put(path, to_json(document), media_type), "latest")
    return path


def child(path: Path, platform: str, **more: Any) -> dict[str, Any]:
    """A genuine image for a platform, as the child of an index in the layout."""
    parts = platform.split("/")
    described = dict(zip(("os", "architecture", "variant"), parts, strict=False))
    layer = one_file(content=platform.encode())
    config = {**described, "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]}}
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": put(path, to_json(config), f"{OCI}.config.v1+json"),
        "layers": [put(path, layer.data, f"{OCI}.layer.v1.tar+gzip")],
    }
    entry = put(path, to_json(manifest), f"{OCI}.manifest.v1+json")
    return {**entry, "platform": described, **more}


def one_file(name: str = "hello", content: bytes = b"hello\n", compression: str = "gzip") -> Layer:
    """A layer with one small file."""
    return pack_layer([Entry(name, content)], compression)
