from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest

from supplychain.errors import ConflictError, ToolMissingError
from supplychain.model.digest import Digest
from supplychain.scan.binary import allowed_binaries, find_trivy
from supplychain.scan.fingerprints import Fingerprints


def fake_trivy(folder: Path, version: str, *, flag: bool = False) -> Path:
    """A script that would tell on whoever ran it, with the build information of a Go program."""
    info = f"\tmod\tgithub.com/aquasecurity/trivy\tv{version}\t\n"
    if flag:
        info = f'\tbuild\t-ldflags="-X github.com/aquasecurity/trivy/pkg/version/app.ver={version}"'
    path = folder / "trivy"
    path.parent.mkdir(exist_ok=True)
    marker = folder / "was-run"
    head = f"#!/bin/sh\ntouch {marker}\nexit 1\n".encode()
    path.write_bytes(head + b"\xff Go buildinf:\x08\x02" + b"\0" * 16 + info.encode())
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def digest_of(path: Path) -> Digest:
    return Digest("sha256", hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture
def memory(tmp_path: Path) -> Fingerprints:
    return Fingerprints(tmp_path / "hashes")


def test_an_unlisted_binary_is_refused_with_the_line_that_would_allow_it(
    tmp_path: Path, memory: Fingerprints
) -> None:
    path = fake_trivy(tmp_path / "bin", "0.80.1")
    with pytest.raises(ToolMissingError, match="was not run") as caught:
        find_trivy(path, search_path="", fingerprints=memory)
    digest = digest_of(path)
    assert f'trivy_sha256 = "{digest.hex}"  # {path} 0.80.1' in str(caught.value.hint)
    assert str(digest) in str(caught.value.because)
    assert not (tmp_path / "bin" / "was-run").exists()


@pytest.mark.parametrize("flag", [False, True], ids=["module", "linker flag"])
def test_a_trusted_binary_is_found_on_the_path_and_not_run_to_learn_its_version(
    tmp_path: Path, memory: Fingerprints, flag: bool
) -> None:
    path = fake_trivy(tmp_path / "bin", "0.80.1", flag=flag)
    found = find_trivy(
        None, search_path=str(path.parent), trusted=[digest_of(path)], fingerprints=memory
    )
    assert (found.path, found.version, found.digest) == (path, "0.80.1", digest_of(path))
    assert not (tmp_path / "bin" / "was-run").exists()


def test_the_setting_goes_before_the_path(tmp_path: Path, memory: Fingerprints) -> None:
    first, second = fake_trivy(tmp_path / "a", "0.80.1"), fake_trivy(tmp_path / "b", "0.81.0")
    found = find_trivy(
        second, search_path=str(first.parent), trusted=[digest_of(second)], fingerprints=memory
    )
    assert found.path == second


@pytest.mark.parametrize("version", ["0.69.4", "0.69.5", "0.69.6"])
def test_malicious_releases_are_refused_by_name_even_where_they_are_trusted(
    tmp_path: Path, memory: Fingerprints, version: str
) -> None:
    path = fake_trivy(tmp_path / "bin", version)
    with pytest.raises(ToolMissingError, match="malicious") as caught:
        find_trivy(path, search_path="", trusted=[digest_of(path)], fingerprints=memory)
    assert "CVE-2026-33634" in str(caught.value.because)
    assert not (tmp_path / "bin" / "was-run").exists()


@pytest.mark.parametrize("version", ["0.69.3", "0.70.9", "0.9.99"])
def test_what_is_older_than_the_floor_is_refused(
    tmp_path: Path, memory: Fingerprints, version: str
) -> None:
    path = fake_trivy(tmp_path / "bin", version)
    with pytest.raises(ToolMissingError, match="too old"):
        find_trivy(path, search_path="", trusted=[digest_of(path)], fingerprints=memory)


def test_what_does_not_tell_its_version_is_refused_though_trusted(
    tmp_path: Path, memory: Fingerprints
) -> None:
    path = fake_trivy(tmp_path / "bin", "devel")
    with pytest.raises(ToolMissingError, match="does not tell its version"):
        find_trivy(path, search_path="", trusted=[digest_of(path)], fingerprints=memory)


def test_where_there_is_none_the_user_is_told_how_to_get_one(
    tmp_path: Path, memory: Fingerprints
) -> None:
    with pytest.raises(ToolMissingError) as caught:
        find_trivy(None, search_path=str(tmp_path), fingerprints=memory)
    assert "SUPPLYCHAIN_TRIVY" in str(caught.value.hint)
    with pytest.raises(ToolMissingError, match="cannot be read"):
        find_trivy(tmp_path / "gone", search_path="", fingerprints=memory)


def test_a_binary_swapped_after_the_check_is_not_handed_out(
    tmp_path: Path, memory: Fingerprints
) -> None:
    path = fake_trivy(tmp_path / "bin", "0.80.1")
    found = find_trivy(path, search_path="", trusted=[digest_of(path)], fingerprints=memory)
    with found.opened() as descriptor:
        assert descriptor > 2
    path.unlink()
    fake_trivy(tmp_path / "bin", "0.80.1")
    with pytest.raises(ConflictError, match="changed"), found.opened():
        pytest.fail("a file that was not checked was handed out")


def test_a_binary_rewritten_while_it_runs_spoils_the_run(
    tmp_path: Path, memory: Fingerprints
) -> None:
    path = fake_trivy(tmp_path / "bin", "0.80.1")
    found = find_trivy(path, search_path="", trusted=[digest_of(path)], fingerprints=memory)
    with pytest.raises(ConflictError, match="changed"), found.opened():
        path.write_bytes(path.read_bytes() + b"#")


def test_the_packaged_list_says_what_it_allows() -> None:
    assert allowed_binaries()
    assert all(version >= "0.71" for version in allowed_binaries().values())
