"""Genuine images, all the way from a layout to what the real Trivy finds in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from demo.images import Entry, Layer, flip_byte, pack_layer, pack_layout
from supplychain.errors import DigestMismatchError
from supplychain.images.cache import BlobCache
from supplychain.images.fetch import VerifiedImage, fetch
from supplychain.images.layout import OciLayout
from supplychain.images.resolve import resolve
from supplychain.model.evidence import Scan
from supplychain.scan.database import DatabaseStore
from supplychain.scan.scanner import ScanTarget
from supplychain.scan.trivy import TrivyScanner
from tests.kit.images import (
    copied,
    debian_layers,
    debian_layout,
    node_layer,
    python_layer,
    static_layer,
)

Look = Callable[[Path], Scan]


def _fetched(layout: Path, tmp_path: Path) -> VerifiedImage:
    into = tmp_path / "into"
    into.mkdir()
    store = OciLayout(layout)
    image = resolve(store, store.choose().digest).images[0]
    return fetch(store, image, cache=BlobCache(tmp_path / "cache"), into=into, keep=False)


@pytest.fixture
def look(
    tmp_path: Path, trivy_scanner: TrivyScanner, database_store: DatabaseStore, workspace: Path
) -> Look:
    """Fetch an image and scan what came."""

    def scan(layout: Path) -> Scan:
        verified = _fetched(layout, tmp_path)
        target = ScanTarget(
            verified.layout,
            verified.subject,
            verified.platform,
            verified.config_digest,
            tuple(layer.diff_id for layer in verified.layers),
        )
        current = database_store.current()
        return trivy_scanner.scan(target, database=current, workspace=workspace).scan

    return scan


def _packed(folder: Path, entries: list[Entry], compression: str = "gzip") -> Path:
    pack_layout(folder, [pack_layer(entries, compression, 1)])
    return folder


def test_debian(look: Look) -> None:
    scan = look(debian_layout())
    found = {component.name: component for component in scan.components}
    assert scan.operating_system.startswith("debian ")
    assert {"base-files", "libc6", "libssl3", "openssl", "zlib1g"} <= set(found)
    assert found["openssl"].purl.startswith("pkg:deb/debian/openssl@")
    assert found["openssl"].layer is not None


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_debian_in_layers_of_every_kind(look: Look, tmp_path: Path, compression: str) -> None:
    system, database = debian_layers()
    layers = [pack_layer(system, compression, 1), pack_layer(database, "gzip")]
    pack_layout(tmp_path / "image", layers)
    assert "openssl" in {component.name for component in look(tmp_path / "image").components}


def test_a_whiteout_takes_away_what_a_lower_layer_brought(look: Look, tmp_path: Path) -> None:
    keep = python_layer(["requests"])
    gone = python_layer(["urllib3"])
    (folder,) = {entry.path.rpartition("/")[0] for entry in gone if entry.path.endswith("METADATA")}
    parent, _, name = folder.rpartition("/")
    whiteout = pack_layer([Entry(f"{parent}/.wh.{name}")])
    pack_layout(tmp_path / "image", [pack_layer([*keep, *gone]), whiteout])
    assert {component.name for component in look(tmp_path / "image").components} == {"requests"}


def test_a_python_application(look: Look, tmp_path: Path) -> None:
    scan = look(_packed(tmp_path / "image", python_layer()))
    names = {component.name.lower() for component in scan.components}
    assert names >= {"jinja2", "requests", "urllib3"}
    assert {component.ecosystem for component in scan.components} == {"python-pkg"}


def test_a_node_application(look: Look, tmp_path: Path) -> None:
    scan = look(_packed(tmp_path / "image", node_layer()))
    assert "npm" in {component.name for component in scan.components}
    assert len(scan.components) > 50


def test_scratch_with_one_static_binary(look: Look, tmp_path: Path) -> None:
    scan = look(_packed(tmp_path / "image", static_layer()))
    assert scan.operating_system == ""
    assert {component.ecosystem for component in scan.components} == {"gobinary"}
    assert "stdlib" in {component.name for component in scan.components}


def test_127_layers_of_an_application(look: Look, tmp_path: Path) -> None:
    layers: list[Layer] = [pack_layer(python_layer(["requests"]), "gzip", 1)]
    layers += [pack_layer([Entry(f"app/{number}", str(number).encode())]) for number in range(126)]
    pack_layout(tmp_path / "image", layers)
    assert "requests" in {component.name for component in look(tmp_path / "image").components}


def test_one_byte_of_a_real_layer_makes_it_another_image(tmp_path: Path) -> None:
    layout = copied(debian_layout(), tmp_path / "copy")
    flip_byte(layout)
    with pytest.raises(DigestMismatchError, match="layer 1 of 2"):
        _fetched(layout, tmp_path)
    assert not (tmp_path / "into" / "index.json").exists()
