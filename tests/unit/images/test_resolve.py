from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from demo.images import enter, put, to_json
from supplychain.errors import (
    InputError,
    LimitError,
    NotFoundError,
    SupplyChainError,
    VerificationError,
)
from supplychain.images.layout import OciLayout
from supplychain.images.limits import Limits
from supplychain.images.resolve import ResolvedImage, resolve
from supplychain.model.artifact import DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX
from supplychain.model.subject import Platform
from tests.kit.forging import Edit, child, forge, forge_index, one_file

_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"


def _resolved(
    path: Path, platform: str | None = None, limits: Limits | None = None
) -> ResolvedImage:
    store = OciLayout(path)
    wanted = None if platform is None else Platform.parse(platform)
    return resolve(store, store.resolve("latest").digest, platform=wanted, limits=limits)


def _refusal(path: Path, error: type[SupplyChainError] = InputError) -> str:
    with pytest.raises(error) as caught:
        _resolved(path)
    return f"{caught.value}; {caught.value.because}; {caught.value.hint}"


def _platforms(image: ResolvedImage) -> list[str]:
    return [str(one.platform) for one in image.images]


def _attestation(path: Path, platform: dict[str, str]) -> dict[str, Any]:
    return {
        **child(path, "linux/amd64"),
        "platform": platform,
        "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
    }


def test_a_manifest_is_an_image_for_the_platform_of_its_configuration(tmp_path: Path) -> None:
    forge(tmp_path, config=lambda c: c.update(architecture="arm", variant="v7"))
    image = _resolved(tmp_path)
    assert not image.is_index
    assert _platforms(image) == ["linux/arm/v7"]
    assert image.images[0].subject == image.subject
    assert image.images[0].raw == image.raw
    assert image.subject.digest.matches(image.raw)
    assert image.subject.name == str(tmp_path)


def test_every_platform_of_an_index_is_read_in_its_order(tmp_path: Path) -> None:
    names = ["linux/arm64/v8", "linux/amd64", "linux/arm/v7"]
    forge_index(tmp_path, [child(tmp_path, name) for name in names])
    image = _resolved(tmp_path)
    assert image.is_index
    assert _platforms(image) == names
    assert [str(one.platform) for one in image.children] == names
    assert image.subject.digest not in {one.subject.digest for one in image.images}


def test_attestations_are_no_platforms(tmp_path: Path) -> None:
    unknown = {"os": "unknown", "architecture": "unknown"}
    forge_index(tmp_path, [child(tmp_path, "linux/amd64"), _attestation(tmp_path, unknown)])
    assert _platforms(_resolved(tmp_path)) == ["linux/amd64"]


def test_an_annotation_does_not_hide_a_platform_that_a_runtime_would_run(tmp_path: Path) -> None:
    hidden = _attestation(tmp_path, {"os": "linux", "architecture": "amd64"})
    forge_index(tmp_path, [hidden])
    assert _platforms(_resolved(tmp_path)) == ["linux/amd64"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("linux/amd64", ["linux/amd64"]),
        ("linux/arm64", ["linux/arm64/v8"]),
        ("linux/arm", ["linux/arm/v6", "linux/arm/v7"]),
        ("linux/arm/v6", ["linux/arm/v6"]),
        ("linux/amd64/v1", ["linux/amd64"]),
    ],
)
def test_a_platform_is_selected(tmp_path: Path, wanted: str, found: list[str]) -> None:
    names = ["linux/amd64", "linux/arm64/v8", "linux/arm/v6", "linux/arm/v7"]
    forge_index(tmp_path, [child(tmp_path, name) for name in names])
    image = _resolved(tmp_path, wanted)
    assert _platforms(image) == found
    assert len(image.children) == 4


@pytest.mark.parametrize("wanted", ["linux/s390x", "linux/arm64/v9", "windows/amd64"])
def test_a_platform_that_is_not_there_is_refused_with_those_that_are(
    tmp_path: Path, wanted: str
) -> None:
    forge_index(tmp_path, [child(tmp_path, "linux/arm64/v8"), child(tmp_path, "linux/amd64")])
    with pytest.raises(NotFoundError, match=f"is not there for {wanted}") as caught:
        _resolved(tmp_path, wanted)
    assert caught.value.hint == "it is there for linux/amd64, linux/arm64/v8"


def test_a_manifest_for_another_platform_than_demanded_is_refused(tmp_path: Path) -> None:
    forge(tmp_path, config=lambda c: c.update(architecture="s390x"))
    with pytest.raises(NotFoundError, match="is not there for linux/amd64") as caught:
        _resolved(tmp_path, "linux/amd64")
    assert caught.value.hint == "it is there for linux/s390x"


def test_dockers_media_types_are_read(tmp_path: Path) -> None:
    def docker(manifest: dict[str, Any]) -> None:
        manifest["mediaType"] = DOCKER_MANIFEST
        manifest["config"]["mediaType"] = "application/vnd.docker.container.image.v1+json"
        manifest["layers"][0]["mediaType"] = _DOCKER_LAYER

    forge(tmp_path, manifest=docker)
    assert _resolved(tmp_path).media_type == DOCKER_MANIFEST
    forge_index(tmp_path, [child(tmp_path, "linux/amd64")], media_type=DOCKER_INDEX)
    assert _resolved(tmp_path).is_index


def test_an_index_that_lists_one_image_for_two_platforms_is_refused(tmp_path: Path) -> None:
    """Whichever of the two counted, a runtime that heeds the other would run what nobody judged."""
    image, other = child(tmp_path, "linux/arm/v7"), child(tmp_path, "linux/arm/v6")
    forge_index(tmp_path, [image, {**image, "platform": other["platform"]}])
    assert "as linux/arm/v7 and as linux/arm/v6" in _refusal(tmp_path)
    forge_index(tmp_path, [image, image, other])
    assert _platforms(_resolved(tmp_path)) == ["linux/arm/v7", "linux/arm/v6"]


def test_an_index_within_an_index_is_refused(tmp_path: Path) -> None:
    inner = to_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []})
    forge_index(tmp_path, [put(tmp_path, inner, OCI_INDEX)])
    assert "holds another index" in _refusal(tmp_path)


def test_an_index_that_lists_its_own_kind_under_a_manifests_type_is_refused(
    tmp_path: Path,
) -> None:
    inner = to_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []})
    entry = put(tmp_path, inner, DOCKER_MANIFEST)
    platform = {"os": "linux", "architecture": "amd64"}
    forge_index(tmp_path, [{**entry, "platform": platform}])
    assert "but says that it is" in _refusal(tmp_path)


def test_an_index_without_platforms_is_refused(tmp_path: Path) -> None:
    forge_index(tmp_path, [])
    assert "without any platform" in _refusal(tmp_path)


def test_a_child_without_a_platform_is_refused(tmp_path: Path) -> None:
    forge_index(tmp_path, [{**child(tmp_path, "linux/amd64"), "platform": None}])
    assert "does not say which platform" in _refusal(tmp_path)


def test_too_many_platforms_are_refused(tmp_path: Path) -> None:
    forge_index(tmp_path, [child(tmp_path, f"linux/cpu{number}") for number in range(5)])
    assert len(_resolved(tmp_path, limits=Limits(platforms=5)).images) == 5
    with pytest.raises(LimitError, match="more than 4 platforms"):
        _resolved(tmp_path, limits=Limits(platforms=4))


def test_an_index_that_misstates_a_platform_is_refused(tmp_path: Path) -> None:
    entry = child(tmp_path, "linux/arm64")
    forge_index(tmp_path, [{**entry, "platform": {"os": "linux", "architecture": "amd64"}}])
    assert "contradicts the index" in _refusal(tmp_path, VerificationError)


def test_an_index_that_misstates_a_size_is_refused(tmp_path: Path) -> None:
    forge_index(tmp_path, [{**child(tmp_path, "linux/amd64"), "size": 5}])
    assert "its index says 5" in _refusal(tmp_path, VerificationError)


def test_a_windows_image_is_refused_because_it_would_look_clean(tmp_path: Path) -> None:
    forge_index(tmp_path, [child(tmp_path, "linux/amd64"), child(tmp_path, "windows/amd64")])
    assert "--platform linux/amd64" in _refusal(tmp_path)
    assert _platforms(_resolved(tmp_path, "linux/amd64")) == ["linux/amd64"]


def test_an_image_without_layers_is_refused(tmp_path: Path) -> None:
    forge(
        tmp_path,
        config=lambda c: c["rootfs"].update(diff_ids=[]),
        manifest=lambda m: m.update(layers=[]),
    )
    assert "is an empty image" in _refusal(tmp_path)


def _layer(**fields: object) -> Edit:
    return lambda manifest: manifest["layers"][0].update(fields)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (_layer(mediaType=_FOREIGN), "kept elsewhere"),
        (_layer(urls=["https://example.com/layer"]), "kept elsewhere"),
        (_layer(mediaType="application/x-lzma"), "unknown type 'application/x-lzma'"),
        (_layer(digest="sha256:abc"), "not a digest that is accepted"),
        (_layer(digest="md5:" + "a" * 32), "not a digest that is accepted"),
        (_layer(size=-1), "'size' is not a whole number"),
        (lambda m: m.update(config=None), "names no configuration"),
        (lambda m: m["config"].update(mediaType="application/vnd.cncf.helm"), "no container image"),
        (lambda m: m.update(schemaVersion=1), "schema 1"),
        (lambda m: m.update(mediaType=_SCHEMA_1), "schema 1"),
        (lambda m: m.update(mediaType="text/html"), "neither an image manifest nor an index"),
        (lambda m: m.update(manifests=[m["config"]]), "but lists manifests"),
        (lambda m: m.update(Layers=[]), "another case"),
        (lambda m: m.update(layers={}), "'layers' is not a list"),
        (lambda m: m.update(schemaVersion="2"), "'schemaVersion'"),
    ],
)
def test_a_manifest_that_is_not_sound_is_refused(tmp_path: Path, edit: Edit, words: str) -> None:
    forge(tmp_path, manifest=edit)
    assert words in _refusal(tmp_path)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda c: c.pop("architecture"), "which platform"),
        (lambda c: c.update(os=""), "which platform"),
        (lambda c: c.pop("rootfs"), "does not list the image's layers"),
        (lambda c: c["rootfs"].update(type="other"), "does not list the image's layers"),
        (lambda c: c["rootfs"].update(diff_ids="x"), "'diff_ids' is not a list"),
        (lambda c: c["rootfs"].update(DIFF_IDS=[]), "another case"),
    ],
)
def test_a_configuration_that_is_not_sound_is_refused(
    tmp_path: Path, edit: Edit, words: str
) -> None:
    forge(tmp_path, config=edit)
    assert words in _refusal(tmp_path)


@pytest.mark.parametrize("count", [0, 2])
def test_as_many_diff_ids_as_layers(tmp_path: Path, count: int) -> None:
    diff_id = one_file().diff_id
    forge(tmp_path, config=lambda c: c["rootfs"].update(diff_ids=[diff_id] * count))
    assert f"the diffIDs of {count}" in _refusal(tmp_path, VerificationError)


def test_layers_and_bytes_beyond_the_limits_are_refused_unread(tmp_path: Path) -> None:
    forge(tmp_path, [one_file(str(number)) for number in range(3)])
    assert len(_resolved(tmp_path, limits=Limits(layers=3)).images[0].manifest.layers) == 3
    with pytest.raises(LimitError, match="more than 2 layers"):
        _resolved(tmp_path, limits=Limits(layers=2))
    with pytest.raises(LimitError, match="more than are read"):
        _resolved(tmp_path, limits=Limits(compressed_bytes=100))
    with pytest.raises(LimitError, match="over 100"):
        _resolved(tmp_path, limits=Limits(config_bytes=100))


def test_a_missing_manifest_or_configuration_is_not_found(tmp_path: Path) -> None:
    entry = child(tmp_path, "linux/amd64")
    forge_index(tmp_path, [entry])
    (tmp_path / "blobs" / entry["digest"].replace(":", "/")).unlink()
    assert "has no blobs" in _refusal(tmp_path, NotFoundError)
    enter(tmp_path, put(tmp_path, b"nothing", ""), "latest")
    assert "not a JSON document" in _refusal(tmp_path)
