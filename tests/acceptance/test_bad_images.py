"""Images that lie or are made to harm: refused by name, and nothing recorded or signed."""

from __future__ import annotations

import json
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from demo.images import OCI, Entry, Layer, digest, pack_layer, pack_layout, put
from tests.kit.cli import Desk
from tests.kit.forging import child, forge, forge_index, one_file
from tests.kit.shop import digest_of

Make = Callable[[Path], object]


def _lying_digest(path: Path) -> None:
    forge(path)
    (blob,) = (path / "blobs" / "sha256").glob(digest(one_file().data).removeprefix("sha256:"))
    blob.write_bytes(one_file(content=b"jello\n").data)


def _longer(path: Path) -> None:
    forge(path)
    (blob,) = (path / "blobs" / "sha256").glob(digest(one_file().data).removeprefix("sha256:"))
    blob.write_bytes(blob.read_bytes() + b"more")


def _lying_diff_id(path: Path) -> None:
    def lie(config: dict[str, Any]) -> None:
        config["rootfs"]["diff_ids"] = ["sha256:" + 64 * "b"]

    forge(path, config=lie)


def _bomb(path: Path) -> None:
    """A file of 300 MB of zeros, in 300 kB."""
    size = 300 << 20
    info = tarfile.TarInfo("zeros")
    info.size = size
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(info.tobuf())]
    parts += [packer.compress(bytes(1 << 20)) for _ in range(size >> 20)]
    parts.append(packer.compress(bytes(1024)) + packer.flush())
    # What it unpacks to does not matter: nobody gets that far.
    pack_layout(path, [Layer(b"".join(parts), "sha256:" + 64 * "c", "gzip")])


def _holding(entry: Entry) -> Make:
    return lambda path: pack_layout(path, [pack_layer([entry])])


def _huge_manifest(path: Path) -> None:
    forge(path)
    with (path / "blobs" / digest_of(path).replace(":", "/")).open("r+b") as file:
        file.truncate(100 << 20)


def _schema_1(path: Path) -> None:
    forge(path, manifest=lambda made: made.update(schemaVersion=1))


def _empty(path: Path) -> None:
    pack_layout(path, [])


def _helm_chart(path: Path) -> None:
    kind = "application/vnd.cncf.helm.config.v1+json"
    forge(path, manifest=lambda made: made["config"].update(mediaType=kind))


def _windows(path: Path) -> None:
    forge(path, config=lambda made: made.update(os="windows"))


def _index_in_index(path: Path) -> None:
    inner = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": []}
    entry = put(path, json.dumps(inner).encode(), f"{OCI}.index.v1+json")
    forge_index(path, [entry])


def _wrong_platform(path: Path) -> None:
    described = {"os": "linux", "architecture": "arm64"}
    forge_index(path, [child(path, "linux/amd64") | {"platform": described}])


def _misdeclared(path: Path) -> None:
    """A layer that says zstd and is gzip."""
    forge(
        path, manifest=lambda made: made["layers"][0].update(mediaType=f"{OCI}.layer.v1.tar+zstd")
    )


CASES: dict[str, tuple[Make, int, tuple[str, ...]]] = {
    "digest": (_lying_digest, 1, ("layer 1 of 1", "try: it was changed or damaged")),
    "longer": (_longer, 2, ("bytes, its descriptor says", "try: it was changed or damaged")),
    "diff-id": (_lying_diff_id, 1, ("layer 1 of 1", "expected the diffID sha256:bbb")),
    "bomb": (_bomb, 2, ("layer 1 of 1", "a decompression bomb")),
    "parent": (_holding(Entry("../etc/passwd", b"x")), 2, ("leads outside of the root",)),
    "inner-parent": (_holding(Entry("a/../../b", b"x")), 2, ("leads outside of the root",)),
    "absolute": (_holding(Entry("/etc/passwd", b"x")), 2, ("the absolute path '/etc/passwd'",)),
    "device": (
        _holding(Entry("dev/sda", kind=tarfile.CHRTYPE)),
        2,
        ("'dev/sda' is a character device",),
    ),
    "link": (
        _holding(Entry("a", kind=tarfile.LNKTYPE, target="../../etc/shadow")),
        2,
        ("leads outside of the root",),
    ),
    "huge-manifest": (_huge_manifest, 2, ("104,857,600 bytes, over 4,194,304",)),
    "schema-1": (_schema_1, 2, ("an image of Docker's schema 1", "try: build the image again")),
    "empty": (_empty, 2, ("is an empty image", "so nothing can be said")),
    "artifact": (_helm_chart, 2, ("is no container image", "helm")),
    "windows": (_windows, 2, ("is for windows/amd64", "try: choose a Linux platform")),
    "nested": (_index_in_index, 2, ("holds another index",)),
    "platform": (_wrong_platform, 1, ("its configuration contradicts the index",)),
    "compression": (_misdeclared, 2, ("layer 1 of 1",)),
}


@pytest.mark.parametrize(("make", "code", "words"), CASES.values(), ids=CASES)
def test_a_bad_image_is_refused(
    desk: Desk, tmp_path: Path, make: Make, code: int, words: tuple[str, ...]
) -> None:
    make(tmp_path / "image")

    with desk.nothing_changes(tmp_path / "image"):
        done = desk.type("run", f"oci:{tmp_path / 'image'}", "-e", "prod")
    done.refused(code, *words)


def test_another_architecture_than_was_asked_for(desk: Desk, tmp_path: Path) -> None:
    forge(tmp_path / "image")

    asked = ("run", f"oci:{tmp_path / 'image'}", "-e", "prod", "--platform", "linux/arm64")
    with desk.nothing_changes(tmp_path / "image"):
        done = desk.type(*asked)
    done.refused(1, "is not there for linux/arm64", "try: it is there for linux/amd64")


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("registry.example/Shop:1", 2, ("is not an image reference", "did you mean", "shop")),
        ("registry.example/shop:", 2, ("the tag is empty",)),
        ("shop@sha256:1234", 2, ("is not a digest",)),
        ("", 2, ("is not an image reference",)),
        ("oci:", 2, ("names nothing", "try: write oci:NAME")),
        ("oci:nowhere", 1, ("nowhere does not exist", "try: ")),
        ("./nowhere.tar", 1, ("nowhere.tar", "does not exist")),
        ("oci:policies", 1, ("is no OCI layout",)),
        ("release.pub/..", 2, ("is not an image reference",)),
        ("./release.pub", 2, ("release.pub is not an archive that is accepted",)),
    ],
)
def test_a_source_that_is_none(desk: Desk, source: str, code: int, words: tuple[str, ...]) -> None:
    with desk.nothing_changes():
        done = desk.type("run", source, "-e", "prod")
    done.refused(code, *words)


def test_several_images_in_one_layout_are_not_guessed_between(desk: Desk, tmp_path: Path) -> None:
    for tag in ("blue", "green"):
        forge(tmp_path / "images", [one_file(tag)], tag=tag)

    with desk.nothing_changes(tmp_path / "images"):
        done = desk.type("run", f"oci:{tmp_path / 'images'}", "-e", "prod")
    done.refused(2, "they are blue, green", "try: name one")


def test_a_limit_of_ones_own(desk: Desk, tmp_path: Path) -> None:
    forge(tmp_path / "image", [one_file(content=bytes(1 << 20))])

    with desk.nothing_changes(tmp_path / "image"):
        done = desk.type(
            "run", f"oci:{tmp_path / 'image'}", "-e", "prod", SUPPLYCHAIN_MAX_UNPACKED_SIZE="512KiB"
        )
    done.refused(2, "524,288 bytes")
