"""Everything that may hold an image leads to the same digest, and to a verdict about it."""

from __future__ import annotations

import gzip
import json
import tarfile
from pathlib import Path

import pytest

from demo.images import Layer, pack_tar
from supplychain.images.registry.options import RegistryOptions
from tests.kit.cli import Desk
from tests.kit.docker_daemon import Daemon
from tests.kit.registry import PASSWORD, USERNAME, RunningRegistry
from tests.kit.saving import docker_save
from tests.kit.shop import attached_to, digest_of, push

_NAME = "supplychain-test/shop:1.0"


def test_a_registry_by_tag_and_by_digest(
    desk: Desk, repaired: Path, debian_registry: RunningRegistry
) -> None:
    reference = debian_registry.fresh()
    digest = push(repaired, reference)

    for source in (f"{reference}:1.0", f"docker://{reference}@{digest}"):
        done = desk.type("run", source, "-e", "prod").ended(0)
        assert done.stdout.startswith(f"ALLOW  {reference}@{digest} in prod")
    desk.type("verify", f"{reference}:1.0", "--key", desk.public_key, "--type", "vuln").ended(0)
    assert desk.recorded() == [digest]


def test_a_tag_that_moves_means_another_image(
    desk: Desk, repaired: Path, vulnerable: Path, debian_registry: RunningRegistry
) -> None:
    reference = debian_registry.fresh()
    first = push(repaired, reference, "latest")
    desk.type("run", str(reference), "-e", "prod").ended(0)
    second = push(vulnerable, reference, "latest")

    asked = desk.type("gate", str(reference), "-e", "prod").ended(10)
    assert "nothing is recorded about this digest" in asked.stdout
    desk.type("run", str(reference), "-e", "prod").ended(10)
    assert desk.recorded() == [second, first]


def test_a_registry_behind_a_login(
    desk: Desk, repaired: Path, debian_registry_with_login: RunningRegistry
) -> None:
    reference = debian_registry_with_login.fresh()
    logged_in = {
        "SUPPLYCHAIN_REGISTRY_USERNAME": USERNAME,
        "SUPPLYCHAIN_REGISTRY_PASSWORD": PASSWORD,
    }
    digest = push(repaired, reference, options=RegistryOptions(USERNAME, PASSWORD))

    desk.type("run", f"{reference}:1.0", "-e", "prod", **logged_in).ended(0)
    with desk.nothing_changes():
        desk.type("run", f"{reference}:1.0", "-e", "prod").refused(1, reference.registry, "try: ")
    assert desk.recorded() == [digest]


def test_a_registry_with_a_certificate_of_ones_own(
    desk: Desk, repaired: Path, debian_registry_with_tls: RunningRegistry
) -> None:
    reference, cacert = debian_registry_with_tls.fresh(), debian_registry_with_tls.cacert
    assert cacert is not None
    digest = push(repaired, reference, options=RegistryOptions(cacert=cacert))

    trusting = ("--registry-cacert", cacert)
    done = desk.type("run", f"{reference}:1.0", "-e", "prod", *trusting).ended(0)
    assert digest in done.stdout


def test_a_layout_by_tag_by_digest_and_as_a_plain_path(desk: Desk, repaired: Path) -> None:
    digest = digest_of(repaired)

    for source in (f"oci:{repaired}:latest", f"oci:{repaired}@{digest}", str(repaired)):
        done = desk.type("scan", source, "-o", "json").ended(0).json()
        assert done["subject"] == {"name": "repaired", "digest": digest}
    assert desk.recorded() == [digest]


def test_a_layout_in_a_tar(desk: Desk, repaired: Path) -> None:
    archive = _tarred(repaired, desk.folder / "shop.tar")

    done = desk.type("run", f"oci-archive:{archive}", "-e", "prod").ended(0)
    assert done.stdout.startswith(f"ALLOW  shop.tar@{digest_of(repaired)} in prod")
    # The archive cannot hold signatures: they are in a layout in the data folder.
    digest = digest_of(repaired).removeprefix("sha256:")
    assert attached_to(desk.data / "layouts" / digest, f"sha256:{digest}") == 4


def test_the_layout_for_signatures_can_be_named(desk: Desk, repaired: Path) -> None:
    archive = _tarred(repaired, desk.folder / "shop.tar")

    desk.type("run", archive, "-e", "prod", "--layout", "signed").ended(0)
    desk.type("verify", "oci:signed", "--key", desk.public_key).ended(0)


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_what_docker_save_wrote_before_it_wrote_layouts(
    desk: Desk, repaired_layer: Layer, compressed: bool
) -> None:
    archive = desk.folder / "saved.tar"
    data = _saved(repaired_layer)
    archive.write_bytes(gzip.compress(data, 1) if compressed else data)

    for source in (f"docker-archive:{archive}", str(archive)):
        done = desk.type("run", source, "-e", "prod", "-o", "json").ended(0).json()
        assert done["verdict"] == "allow"
    assert len(desk.recorded()) == 1


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_what_docker_save_writes_today(desk: Desk, repaired: Path, compressed: bool) -> None:
    """A layout and beside it the manifest.json of old, for those who read that."""
    manifest = json.loads((repaired / "blobs" / digest_of(repaired).replace(":", "/")).read_bytes())
    named = [manifest["config"], *manifest["layers"]]
    config, *layers = (f"blobs/{entry['digest'].replace(':', '/')}" for entry in named)
    document = [{"Config": config, "RepoTags": ["shop:1.0"], "Layers": layers}]
    (repaired / "manifest.json").write_text(json.dumps(document))
    archive = _tarred(repaired, desk.folder / "saved.tar")
    if compressed:
        archive.write_bytes(gzip.compress(archive.read_bytes(), 1))

    done = desk.type("scan", f"docker-archive:{archive}", "-o", "json").ended(0).json()
    assert done["subject"]["digest"] == digest_of(repaired)


@pytest.mark.parametrize("kind", ["fake_daemon", "real_daemon"])
def test_a_docker_daemon(
    desk: Desk, repaired_layer: Layer, request: pytest.FixtureRequest, kind: str
) -> None:
    daemon: Daemon = request.getfixturevalue(kind)
    daemon.load(_saved(repaired_layer))
    try:
        host = {"DOCKER_HOST": daemon.host} if daemon.host else {}
        run = ("run", f"docker-daemon:{_NAME}", "-e", "prod")
        done = desk.type(*run, **host).ended(0)
        assert done.stdout.startswith("ALLOW  docker.io/supplychain-test/shop@sha256:")
        with desk.nothing_changes():
            done = desk.type("run", "docker-daemon:gone:1", "-e", "prod", **host)
        done.refused(1, "has no image 'gone:1'", "docker pull")
    finally:
        daemon.remove(_NAME)
    desk.type("gate", desk.recorded()[0], "-e", "prod").ended(0)
    assert desk.leftovers() == []


def test_a_daemon_that_is_not_there(desk: Desk) -> None:
    with desk.nothing_changes():
        done = desk.type(
            "run", "docker-daemon:shop:1", "-e", "prod", DOCKER_HOST="unix:///nowhere/docker.sock"
        )
    done.refused(1, "the Docker daemon cannot be reached", "try: start the daemon")


def _tarred(folder: Path, file: Path) -> Path:
    with tarfile.open(file, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.add(path, path.relative_to(folder).as_posix(), recursive=False)
    return file


def _saved(layer: Layer) -> bytes:
    """What `docker save` wrote up to version 24: plain layers, and no layout."""
    plain = Layer(gzip.decompress(layer.data), layer.diff_id, "none")
    return pack_tar(docker_save([plain], [_NAME]))
