"""Whatever is in an image, and however its layers are packed, it goes through."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from demo.images import Entry, Layer, compress, pack_layer, pack_layout
from tests.kit.cli import Desk
from tests.kit.forging import one_file
from tests.kit.images import (
    debian_layout,
    node_layer,
    python_layer,
    static_layer,
)
from tests.kit.shop import attached_to, digest_of

_INSTALLED = "usr/lib/python3/site-packages"


def test_debian(desk: Desk) -> None:
    scan = _scan(desk, debian_layout())

    assert scan["operating_system"].startswith("debian 12")
    found = {finding["purl"].partition("@")[0] for finding in scan["findings"]}
    assert "pkg:deb/debian/libc6" in found
    assert all(finding["severity"] for finding in scan["findings"])


def test_one_static_binary(desk: Desk, tmp_path: Path) -> None:
    layout = _layout(tmp_path, pack_layer(static_layer(), level=1))

    scan = _scan(desk, layout)
    assert scan["operating_system"] == ""
    assert scan["component_count"] > 0
    sbom = desk.type("sbom", f"oci:{layout}").ended(0)
    assert "pkg:golang/" in sbom.stdout


def test_node(desk: Desk, tmp_path: Path) -> None:
    layout = _layout(tmp_path, pack_layer(node_layer(), level=1))

    assert _scan(desk, layout)["component_count"] > 50
    assert "pkg:npm/npm@" in desk.type("sbom", f"oci:{layout}").ended(0).stdout


def test_python(desk: Desk, tmp_path: Path) -> None:
    layout = _layout(tmp_path, pack_layer(python_layer()))

    assert _scan(desk, layout)["component_count"] == 3
    assert "pkg:pypi/urllib3@" in desk.type("sbom", f"oci:{layout}").ended(0).stdout


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_each_compression(
    desk: Desk, vulnerable_layer: Layer, tmp_path: Path, compression: str
) -> None:
    plain = gzip.decompress(vulnerable_layer.data)
    layer = Layer(compress(plain, compression), vulnerable_layer.diff_id, compression)

    done = desk.type("run", f"oci:{_layout(tmp_path, layer)}", "-e", "prod").ended(10)
    assert "CVE-2019-10906" in done.stdout


def test_the_most_layers_that_docker_makes(
    desk: Desk, vulnerable_layer: Layer, tmp_path: Path
) -> None:
    layers = [one_file(f"file-{number}", b"%d" % number) for number in range(126)]
    layout = _layout(tmp_path, *layers[:63], vulnerable_layer, *layers[63:])

    done = desk.type("run", f"oci:{layout}", "-e", "prod").ended(10)
    assert "fetch     linux/amd64, 127 layers: every digest and diffID holds" in done.stderr
    assert "CVE-2019-10906" in done.stdout
    assert attached_to(layout) == 4


@pytest.mark.parametrize(
    "whiteouts",
    [
        [f"{_INSTALLED}/.wh.Jinja2-2.10.dist-info", f"{_INSTALLED}/.wh.urllib3-1.24.dist-info"],
        [f"{_INSTALLED}/.wh..wh..opq"],
    ],
    ids=["of-files", "opaque"],
)
def test_what_a_later_layer_removed_is_not_found(
    desk: Desk, vulnerable_layer: Layer, tmp_path: Path, whiteouts: Sequence[str]
) -> None:
    removal = pack_layer([Entry(path) for path in whiteouts])

    scan = _scan(desk, _layout(tmp_path, vulnerable_layer, removal))
    assert scan["findings"] == []
    assert scan["component_count"] == 0


def test_the_same_layer_twice(desk: Desk, repaired_layer: Layer, tmp_path: Path) -> None:
    layout = _layout(tmp_path, repaired_layer, one_file(), repaired_layer)

    desk.type("run", f"oci:{layout}", "-e", "prod").ended(0)


def _scan(desk: Desk, layout: Path) -> Any:
    done = desk.type("scan", f"oci:{layout}", "-o", "json").ended(0).json()
    assert done["subject"]["digest"] == digest_of(layout)
    (platform,) = done["platforms"]
    return platform["scan"]


def _layout(folder: Path, *layers: Layer) -> Path:
    pack_layout(folder / "image", layers)
    return folder / "image"
