from __future__ import annotations

from pathlib import Path

import pytest

from demo.images import pack_tar, tree
from supplychain.errors import InputError, NotFoundError
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.source import (
    DaemonSource,
    FileKind,
    FileSource,
    OpenedSource,
    RegistrySource,
    open_source,
    parse_source,
)
from supplychain.model.digest import Digest
from tests.kit.forging import forge, one_file

_DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """Two images in a folder whose name holds a colon."""
    forge(tmp_path / "lay:out", tag="1.0")
    return forge(tmp_path / "lay:out", [one_file("other")], tag="app:2.0")


def _opened(text: str, scratch: Path) -> OpenedSource:
    scratch.mkdir(exist_ok=True)
    return open_source(parse_source(text), RegistryOptions(), scratch=scratch)


@pytest.mark.parametrize("text", ["docker://debian:12", "debian:12", "docker.io/library/debian:12"])
def test_a_registry_reference(text: str) -> None:
    source = parse_source(text)
    assert isinstance(source, RegistrySource)
    assert str(source.reference) == "docker.io/library/debian:12"


@pytest.mark.parametrize(
    "text", ["", "UPPER", "a b", "docker://", "./nul\0", "http://example.com/app"]
)
def test_what_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_source(text)


@pytest.mark.parametrize("prefix", ["oci", "oci-archive", "docker-archive", "docker-daemon"])
def test_a_prefix_alone_is_refused(prefix: str) -> None:
    with pytest.raises(InputError, match="names nothing") as caught:
        parse_source(f"{prefix}:")
    assert caught.value.hint == f"write {prefix}:NAME"


@pytest.mark.parametrize("name", ["app:1.0", "registry.example:5000/app:1.0", "sha256:abc"])
def test_an_image_in_a_daemon(name: str) -> None:
    assert parse_source(f"docker-daemon:{name}") == DaemonSource(name)


@pytest.mark.parametrize(
    ("rest", "wanted"),
    [
        ("", None),
        (":1.0", "1.0"),
        (":app:2.0", "app:2.0"),
        (f"@{_DIGEST}", Digest.parse(_DIGEST)),
    ],
)
def test_a_layout_and_which_of_its_images(
    layout: Path, rest: str, wanted: str | Digest | None
) -> None:
    expected = FileSource(FileKind.LAYOUT, layout, wanted)
    assert parse_source(f"oci:{layout}{rest}") == expected
    assert parse_source(f"{layout}{rest}") == expected


def test_paths_start_like_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "image.tar").write_bytes(b"")
    archive = FileSource(FileKind.ARCHIVE, Path("image.tar"), None)
    assert parse_source("./image.tar") == archive
    assert parse_source("~/image.tar") == FileSource(FileKind.ARCHIVE, tmp_path / "image.tar", None)
    assert isinstance(parse_source("image.tar"), RegistrySource)


@pytest.mark.parametrize(
    "text",
    [
        *("./none", "oci:none:1.0", "oci-archive:none.tar", "/none/x@sha"),
        *("~nobody-of-this-name/x", "./" + "x" * 300),
    ],
)
def test_a_path_that_is_not_there(text: str) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        parse_source(text)


def test_a_digest_that_is_none_is_refused(layout: Path) -> None:
    with pytest.raises(InputError, match="is not a digest"):
        parse_source(f"oci:{layout}@sha256:short")


def test_a_layout_is_opened_at_one_digest(layout: Path, tmp_path: Path) -> None:
    first, second = (_opened(f"{layout}:{tag}", tmp_path / "s") for tag in ("1.0", "app:2.0"))
    assert (first.tag, second.tag) == ("1.0", "app:2.0")
    assert first.digest != second.digest
    assert first.name == "lay:out"
    assert not first.keep
    assert first.writable is first.store
    named = _opened(f"{layout}@{second.digest}", tmp_path / "s")
    assert (named.digest, named.tag) == (second.digest, None)


def test_of_several_images_one_has_to_be_named(layout: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        _opened(str(layout), tmp_path / "s")
    assert caught.value.because == "they are 1.0, app:2.0"
    assert "add its tag after a colon" in str(caught.value.hint)


@pytest.mark.parametrize("prefix", ["", "oci-archive:", "docker-archive:"])
def test_an_archive_is_known_by_its_content(tmp_path: Path, prefix: str) -> None:
    image = forge(tmp_path / "layout", tag="1.0")
    path = tmp_path / "image.tar"
    path.write_bytes(pack_tar(tree(image)))
    opened = _opened(f"{prefix}{path}:1.0", tmp_path / "s")
    assert opened.digest == _opened(f"oci:{image}", tmp_path / "s").digest
    assert opened.name == "image.tar"
    assert opened.writable is None
    assert not opened.keep
