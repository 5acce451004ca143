"""What `docker save` wrote until Docker 24, made without Docker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from demo.images import Entry, Layer, digest, to_json


def docker_save(layers: Sequence[Layer], names: Iterable[str], **edit: Any) -> list[Entry]:
    """The members of such an archive: layers, configuration, then manifest.json."""
    config = to_json(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        }
    )
    name = f"{digest(config)[7:]}.json"
    members = [f"layer{number}/layer.tar" for number, _ in enumerate(layers)]
    image = {"Config": name, "RepoTags": list(names), "Layers": members, **edit}
    return [
        *(Entry(path, layer.data) for path, layer in zip(members, layers, strict=True)),
        Entry(name, config),
        Entry("manifest.json", to_json([image])),
    ]
