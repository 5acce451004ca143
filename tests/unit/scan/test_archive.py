from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from supplychain.errors import InputError, LimitError, NotFoundError
from supplychain.scan import archive
from supplychain.scan.archive import unpack

FILES = {"trivy.db": b"database", "metadata.json": b"{}"}


def tarball(path: Path, *members: tuple[tarfile.TarInfo | str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for member, content in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def special(name: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("below", ["", "db"])
@pytest.mark.parametrize("ask_for", ["folder", "file"])
def test_a_folder_or_the_file_in_it(tmp_path: Path, target: Path, below: str, ask_for: str) -> None:
    folder = tmp_path / "source" / below
    folder.mkdir(parents=True)
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    (folder / "other").write_text("not ours")
    unpack(folder / "trivy.db" if ask_for == "file" else tmp_path / "source", target)
    assert content(target) == FILES


@pytest.mark.parametrize("prefix", ["", "./"])
def test_an_archive(tmp_path: Path, target: Path, prefix: str) -> None:
    members = [(prefix + name, data) for name, data in FILES.items()]
    unpack(tarball(tmp_path / "db.tar.gz", *members), target)
    assert content(target) == FILES


@pytest.mark.parametrize(
    "member",
    [
        "../trivy.db",
        "/trivy.db",
        "db/trivy.db",
        "trivy.db",
        "something else",
        special("metadata.json", tarfile.SYMTYPE),
        special("metadata.json", tarfile.LNKTYPE),
        special("metadata.json", tarfile.CHRTYPE),
        special("metadata.json", tarfile.DIRTYPE),
    ],
    ids=["above", "absolute", "below", "twice", "other", "symlink", "link", "device", "folder"],
)
def test_an_archive_with_anything_else_in_it_is_refused_by_name(
    tmp_path: Path, target: Path, member: tarfile.TarInfo | str
) -> None:
    source = tarball(tmp_path / "db.tar.gz", ("trivy.db", b"x"), (member, b""))
    name = member if isinstance(member, str) else member.name
    with pytest.raises(InputError, match=f"holds '{name}'"):
        unpack(source, target)
    assert set(content(target)) <= {"trivy.db"}


def test_what_is_missing_is_named(tmp_path: Path, target: Path) -> None:
    with pytest.raises(NotFoundError):
        unpack(tmp_path / "nothing", target)
    with pytest.raises(InputError, match=r"no trivy\.db in"):
        unpack(tmp_path, target)
    with pytest.raises(InputError, match=r"does not hold metadata\.json"):
        unpack(tarball(tmp_path / "db.tar.gz", ("trivy.db", b"x")), target)


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_an_archive_that_is_cut_short_is_refused(tmp_path: Path, target: Path, cut: float) -> None:
    import random

    noise = random.Random(1).randbytes(100_000)
    path = tarball(tmp_path / "db.tar.gz", ("trivy.db", noise), ("metadata.json", b"{}"))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * cut)])
    with pytest.raises(InputError, match="not a gzip-compressed tar archive"):
        unpack(path, target)


@pytest.mark.parametrize("data", [b"", b"text", gzip.compress(b"text")], ids=["0", "text", "gzip"])
def test_what_is_no_archive_is_refused(tmp_path: Path, target: Path, data: bytes) -> None:
    (tmp_path / "db.tar.gz").write_bytes(data)
    with pytest.raises(InputError):
        unpack(tmp_path / "db.tar.gz", target)


def test_a_bomb_is_cut_off_where_its_limit_is(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(archive._LIMITS, "trivy.db", 4_000_000)
    path = tarball(
        tmp_path / "db.tar.gz", ("trivy.db", b"\0" * 50_000_000), ("metadata.json", b"{}")
    )
    assert path.stat().st_size < 60_000
    with pytest.raises(LimitError, match=r"trivy\.db is larger"):
        unpack(path, target)
    assert (target / "trivy.db").stat().st_size <= 4_000_000
