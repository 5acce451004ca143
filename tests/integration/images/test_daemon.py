"""Images out of a Docker daemon: the same tests for a real one and for the fake."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from demo.images import Layer, pack_tar
from supplychain.errors import DigestMismatchError, InputError, NotFoundError, StoreError, ToolError
from supplychain.images.cache import BlobCache
from supplychain.images.daemon import save
from supplychain.images.fetch import VerifiedImage, fetch
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.resolve import resolve
from supplychain.images.source import open_source, parse_source
from tests.kit.docker_daemon import Daemon, FakeDaemon
from tests.kit.forging import one_file
from tests.kit.saving import docker_save

_NAME = "supplychain-test/app:1.0"


@pytest.fixture(params=["fake_daemon", "real_daemon"])
def daemon(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    found: Daemon = request.getfixturevalue(request.param)
    if found.host:
        monkeypatch.setenv("DOCKER_HOST", found.host)
    return found


@pytest.fixture
def fake(fake_daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> FakeDaemon:
    assert fake_daemon.host
    monkeypatch.setenv("DOCKER_HOST", fake_daemon.host)
    return fake_daemon


def _layers() -> list[Layer]:
    layer = one_file("a", compression="none")
    return [layer, one_file("b", os.urandom(200_000), "none"), layer]


def _fetched(name: str, tmp_path: Path) -> VerifiedImage:
    scratch, into = tmp_path / "scratch", tmp_path / "into"
    scratch.mkdir()
    into.mkdir()
    opened = open_source(parse_source(f"docker-daemon:{name}"), RegistryOptions(), scratch=scratch)
    image = resolve(opened.store, opened.digest, name=opened.name).images[0]
    cache = BlobCache(tmp_path / "cache")
    return fetch(opened.store, image, cache=cache, into=into, keep=opened.keep)


def test_an_image_comes_out_as_it_was_put_in(daemon: Daemon, tmp_path: Path) -> None:
    layers = _layers()
    daemon.load(pack_tar(docker_save(layers, [_NAME])))
    try:
        verified = _fetched(_NAME, tmp_path)
    finally:
        daemon.remove(_NAME)
    assert [str(layer.diff_id) for layer in verified.layers] == [one.diff_id for one in layers]
    assert verified.subject.name == "docker.io/supplychain-test/app"
    assert str(verified.platform) == "linux/amd64"


@pytest.mark.parametrize("name", ["supplychain-test/none:1.0", "sha256:" + "0" * 64])
def test_an_image_that_is_not_there(daemon: Daemon, tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFoundError, match="the Docker daemon has no image") as caught:
        save(name, tmp_path / "image.tar")
    assert "No such image" in str(caught.value.because)
    assert "docker pull" in str(caught.value.hint)


def test_a_name_that_is_none(daemon: Daemon, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'Not A Name' is no name of a Docker image"):
        save("Not A Name", tmp_path / "image.tar")


def test_a_daemon_that_fails(fake: FakeDaemon, tmp_path: Path) -> None:
    fake.failing = True
    with pytest.raises(ToolError, match="failed to give") as caught:
        save(_NAME, tmp_path / "image.tar")
    assert caught.value.because == "driver failed"


def test_a_daemon_that_breaks_off(fake: FakeDaemon, tmp_path: Path) -> None:
    fake.load(pack_tar(docker_save(_layers(), [_NAME])))
    fake.cut_after = 100_000
    with pytest.raises(ToolError, match="stopped while it gave") as caught:
        save(_NAME, tmp_path / "image.tar")
    assert caught.value.retryable


def test_a_daemon_that_gives_other_bytes(fake: FakeDaemon, tmp_path: Path) -> None:
    fake.load(pack_tar(docker_save(_layers(), [_NAME])))
    archive = fake.archives[_NAME]
    fake.archives[_NAME] = archive[:20_000] + b"x" + archive[20_001:]
    with pytest.raises(DigestMismatchError, match="layer 2 of 3"):
        _fetched(_NAME, tmp_path)


def test_no_daemon_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(ToolError, match="cannot be reached") as caught:
        save(_NAME, tmp_path / "image.tar")
    assert "DOCKER_HOST" in str(caught.value.hint)
    assert caught.value.retryable


def test_a_socket_that_we_may_not_use(fake: FakeDaemon, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may use every socket")
    assert fake.host
    Path(fake.host.removeprefix("unix://")).chmod(0)
    with pytest.raises(ToolError, match="cannot be reached") as caught:
        save(_NAME, tmp_path / "image.tar")
    assert "join the group" in str(caught.value.hint)


def test_an_archive_that_cannot_be_written(fake: FakeDaemon, tmp_path: Path) -> None:
    fake.load(pack_tar(docker_save(_layers(), [_NAME])))
    with pytest.raises(StoreError, match=r"none/image\.tar cannot be written"):
        save(_NAME, tmp_path / "none" / "image.tar")
