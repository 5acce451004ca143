"""A vulnerability database as an OCI artifact, as Trivy publishes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from supplychain.errors import InputError, LimitError
from supplychain.model.artifact import ArtifactStore, Descriptor
from supplychain.model.digest import Digest

CONFIG_TYPE = "application/vnd.aquasec.trivy.config.v1+json"
LAYER_TYPE = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip"
# The published one has some 90 MB in 2026.
_LIMIT = 2 * 1024**3

# Called with the bytes that came so far and the bytes there are.
Progress = Callable[[int, int], None]


def ignore(done: int, size: int) -> None:
    """The progress that nobody looks at."""


def download(
    store: ArtifactStore,
    tag: str | Digest,
    target: Path,
    *,
    progress: Progress = ignore,
) -> Digest:
    """Fetch the database's `db.tar.gz`.

    Args:
        store: The repository.
        tag: Which one: a tag (the schema's version, `2`) or a digest.
        target: File to write; it must not exist.
        progress: Told how far it is.

    Returns:
        The digest of the artifact's manifest.

    Raises:
        InputError: The artifact is not a Trivy vulnerability database.
        LimitError: It is larger than any may be.
        SupplyChainError: Whatever the store raises.
    """
    digest = tag if isinstance(tag, Digest) else store.resolve(tag).digest
    layer = _layer(store.manifest(digest).raw, f"{store.name}@{digest}")
    done = 0
    with target.open("xb") as file:
        for chunk in store.blob_chunks(layer):
            done += len(chunk)
            if done > layer.size:
                raise LimitError(f"{store.name} sent more than the {layer.size} bytes it announced")
            file.write(chunk)
            progress(done, layer.size)
    return digest


def _layer(raw: bytes, name: str) -> Descriptor:
    try:
        manifest = json.loads(raw)
        config, layers = manifest["config"]["mediaType"], manifest["layers"]
        if config != CONFIG_TYPE or [layer["mediaType"] for layer in layers] != [LAYER_TYPE]:
            raise _not_a_database(name, f"its configuration is {config}")
        return _checked(layers[0], name)
    except (KeyError, TypeError, ValueError) as error:
        raise _not_a_database(name, f"its manifest cannot be read: {error!r}") from error


def _checked(layer: dict[str, Any], name: str) -> Descriptor:
    size = int(layer["size"])
    if size > _LIMIT:
        raise LimitError(f"{name} has {size} bytes, the limit is {_LIMIT}")
    return Descriptor(LAYER_TYPE, Digest.parse(layer["digest"]), size)


def _not_a_database(name: str, because: str) -> InputError:
    return InputError(
        f"{name} is not a Trivy vulnerability database",
        because=because,
        hint="name the repository of one: --db-repository ghcr.io/aquasecurity/trivy-db",
    )
