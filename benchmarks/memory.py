"""Peak memory of `supplychain run` for an image of 2 GB, whoever of its children left aside."""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from isal import igzip

from benchmarks.scene import Scene, Unavailable, push, scene
from benchmarks.table import Row, skipped
from demo.images import OCI, Entry, Layer, digest, enter, pack_layer, pack_tar, put, to_json
from supplychain.images.reference import Reference
from supplychain.model.artifact import OCI_MANIFEST
from tests.kit.images import debian_layers

_MIB = 1 << 20
_LAYERS, _FILES, _FILE = 8, 8, 32 * _MIB
_MOST_MIB = 150
_NAME = f"peak memory, image of {_LAYERS * _FILES * _FILE / 1e9:.1f} GB"
_TARGET = f"under {_MOST_MIB} MB"
# The process tells its own high-water mark. What wait4 gives would count what it was forked from,
# and that of children says nothing about their parent.
_TELLING = """
import atexit, pathlib, re, sys
def tell():
    status = pathlib.Path("/proc/self/status").read_text()
    pathlib.Path("peak").write_text(re.search(r"VmHWM:\\s*(\\d+) kB", status)[1])
atexit.register(tell)
from supplychain.cli import main
main()
"""


def measure() -> list[Row]:
    """The whole of `run`, from a registry and from an OCI layout."""
    try:
        with scene() as here, tempfile.TemporaryDirectory(prefix="bench-") as name:
            layout = Path(name) / "layout"
            _pack(layout)
            there = Reference(here.registry.address, "bench/large")
            image, _ = push(layout, there)
            return [_row(here, "registry", image), _row(here, "OCI layout", f"oci:{layout}")]
    except Unavailable as reason:
        return [skipped(_NAME, str(reason), _TARGET)]


def _row(here: Scene, place: str, source: str) -> Row:
    here.reset_caches()
    here.process(sys.executable, "-c", _TELLING, "run", source, "-e", "prod", "-q")()
    mib = int((here.folder / "peak").read_text()) / 1024
    return Row(f"{_NAME}, {place}", f"{mib:.0f} MB", target=_TARGET, met=mib < _MOST_MIB)


def _pack(layout: Path) -> None:
    """Write the image, one layer at a time, so that measuring does not need its memory itself."""
    descriptors, diff_ids = [], []
    for layer in _layers():
        descriptors.append(put(layout, layer.data, f"{OCI}.layer.v1.tar+gzip"))
        diff_ids.append(layer.diff_id)
    rootfs = {"type": "layers", "diff_ids": diff_ids}
    config = to_json({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs})
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": put(layout, config, f"{OCI}.config.v1+json"),
        "layers": descriptors,
    }
    enter(layout, put(layout, to_json(manifest), OCI_MANIFEST), "latest")


def _layers() -> Iterator[Layer]:
    """A small Debian, and above it files that do not compress: no window reaches a repetition."""
    for entries in debian_layers():
        yield pack_layer(entries)
    chance = random.Random(2)  # noqa: S311 - not a secret, but the same each time
    for layer in range(_LAYERS):
        block = chance.randbytes(_MIB)
        entries = [
            Entry(f"srv/data/{layer}-{number}.bin", _rolled(block, number))
            for number in range(_FILES)
        ]
        plain = pack_tar(entries)
        yield Layer(igzip.compress(plain, 0), digest(plain), "gzip")


def _rolled(block: bytes, by: int) -> bytes:
    start = by * 1000 + 1
    return (block[start:] + block[:start]) * (_FILE // _MIB)
