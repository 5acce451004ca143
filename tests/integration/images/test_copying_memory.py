"""Copying holds a few chunks of a blob in memory, however large the blob is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from demo.images import OCI, enter, put, to_json
from tests.kit.memory import peak
from tests.kit.registry import RunningRegistry

_BLOB_MB = 300
_CEILING_MB = 100  # 40 were seen


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A layout with an artifact of one large blob."""
    folder = tmp_path_factory.mktemp("large")
    layers = [put(folder, os.urandom(1 << 20) * _BLOB_MB, "application/octet-stream")]
    config = put(folder, b"{}", "application/vnd.oci.empty.v1+json")
    kind = f"{OCI}.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers}
    enter(folder, put(folder, to_json(manifest), kind), "latest")
    return folder


def test_memory_stays_flat(large: Path, tmp_path: Path, debian_registry: RunningRegistry) -> None:
    there = debian_registry.fresh()
    for source, destination in (
        (f"oci:{large}", f"{there}:1"),
        (f"{there}:1", f"oci:{tmp_path}/back:1"),
    ):
        command = ("copy", source, destination, "--output", "json")
        environ = {"PATH": os.defpath, "HOME": str(tmp_path), "LANG": "C.UTF-8"}
        megabytes, result = peak(*command, environ=environ)
        assert json.loads(result)["bytes"]["copied"] > _BLOB_MB << 20
        assert megabytes < _CEILING_MB
