from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir as changed_folder
from pathlib import Path

import pytest

from supplychain.errors import ContentMissingError, NotFoundError, StoreError
from supplychain.model.digest import Digest
from supplychain.records.content import key_of
from supplychain.records.folder import FolderStore
from tests.kit.limits import file_size_limit, reachable_folder, unprivileged

DATA = b"a report" * 1_000


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str, int]]]:
    """Every fsync and rename, in order: what, which file, how large it was then."""
    entries: list[tuple[str, str, int]] = []
    really_sync, really_replace = os.fsync, os.replace

    def sync(descriptor: int) -> None:
        really_sync(descriptor)
        size = os.fstat(descriptor).st_size
        entries.append(("sync", str(Path(f"/proc/self/fd/{descriptor}").readlink()), size))

    def replace(source: Path, target: Path) -> None:
        size = Path(source).stat().st_size
        really_replace(source, target)
        entries.append(("rename", f"{source} {target}", size))

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", replace)
    yield entries
    monkeypatch.undo()


def test_the_file_is_synced_then_renamed_then_its_folder_is_synced(
    tmp_path: Path, journal: list[tuple[str, str, int]]
) -> None:
    root = tmp_path / "content"
    digest = FolderStore(root).put(DATA)

    target = root / key_of(digest)
    renames = [n for n, entry in enumerate(journal) if entry[0] == "rename"]
    assert len(renames) == 1
    draft, renamed_to = journal[renames[0]][1].split()
    assert renamed_to == str(target)
    assert Path(draft).parent == root / "unfinished"
    assert journal[renames[0] - 1] == ("sync", draft, len(DATA))
    assert journal[-1][:2] == ("sync", str(target.parent))


def test_every_new_folder_is_synced_into_the_one_that_holds_it(
    tmp_path: Path, journal: list[tuple[str, str, int]]
) -> None:
    root = tmp_path / "new" / "content"
    digest = FolderStore(root).put(DATA)

    synced = {path for what, path, _ in journal if what == "sync"}
    made = [root.parent, root, root / "sha256", (root / key_of(digest)).parent]
    assert {str(folder.parent) for folder in made} <= synced


def test_what_another_process_just_renamed_is_synced_too(
    tmp_path: Path, journal: list[tuple[str, str, int]]
) -> None:
    store = FolderStore(tmp_path)
    digest = store.put(DATA)
    journal.clear()

    store.put(DATA)

    assert [entry[:2] for entry in journal] == [("sync", str((tmp_path / key_of(digest)).parent))]


def test_files_are_read_only(tmp_path: Path) -> None:
    digest = FolderStore(tmp_path).put(DATA)

    mode = (tmp_path / key_of(digest)).stat().st_mode
    assert not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


def test_a_disk_that_fills_leaves_nothing(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    with file_size_limit(1_000), pytest.raises(StoreError, match="cannot be written") as caught:
        store.put(DATA)

    assert caught.value.hint
    assert "File too large" in (caught.value.because or "")
    assert not store.has(Digest.of(DATA))
    assert list(store.digests()) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert store.put(DATA) == Digest.of(DATA)


def test_a_read_only_folder_is_refused_with_a_hint() -> None:
    with reachable_folder() as folder:
        FolderStore(folder).put(b"before")
        folder.chmod(0o555)
        for inner in (folder / "sha256", folder / "unfinished"):
            inner.chmod(0o555)
        with unprivileged(), pytest.raises(StoreError, match="cannot be written") as caught:
            FolderStore(folder).put(DATA)
        for inner in (folder / "sha256", folder / "unfinished"):
            inner.chmod(0o755)

    assert "Permission denied" in (caught.value.because or "")
    assert caught.value.hint == "give this user the right to write there, or name another folder"
    assert not caught.value.retryable


def test_a_file_in_the_folders_place_is_refused_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "content").write_text("not a folder")
    store = FolderStore(tmp_path / "content")

    with pytest.raises(StoreError) as caught:
        store.put(DATA)
    assert caught.value.hint == "name a folder: something else is in its place"
    with pytest.raises(StoreError):
        store.has(Digest.of(DATA))


def test_what_a_killed_process_left_is_neither_listed_nor_in_the_way(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put(b"other")
    (tmp_path / "unfinished" / f"{Digest.of(DATA).hex}.0123456789abcdef").write_bytes(DATA[:10])

    assert not store.has(Digest.of(DATA))
    with pytest.raises(NotFoundError):
        store.get(Digest.of(DATA))
    assert list(store.digests()) == [Digest.of(b"other")]
    assert store.get(store.put(DATA)) == DATA


def test_many_putting_the_same_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        put = set(pool.map(lambda _: FolderStore(tmp_path / "content").put(DATA), range(64)))

    assert put == {Digest.of(DATA)}
    files = [path for path in (tmp_path / "content").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in files] == [DATA]


def test_what_is_no_file_is_no_document(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    digest = store.put(b"a report")
    path = tmp_path / key_of(digest)
    path.unlink()
    path.mkdir()

    assert list(store.digests()) == []
    assert not store.has(digest)
    with pytest.raises(ContentMissingError):
        store.get(digest)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made, changed_folder(path.parent):
        made.bind(path.name)  # the path of a socket is short


@pytest.mark.parametrize(
    "make",
    [os.mkfifo, _socket, lambda path: path.symlink_to("/dev/zero"), os.mkdir],
    ids=["pipe", "socket", "device", "folder"],
)
def test_what_is_no_file_is_nothing_and_waited_for_by_nobody(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    store = FolderStore(tmp_path / "content")
    digest = store.put(DATA)
    path = tmp_path / "content" / key_of(digest)
    path.unlink()
    make(path)
    assert not store.has(digest)
    assert list(store.digests()) == []
    with pytest.raises(ContentMissingError, match="has nothing under"):
        store.get(digest)
    if not path.is_dir():
        store.put(DATA)
        assert store.get(digest) == DATA
        path.unlink()
        make(path)
        store.put_chunks(digest, len(DATA), lambda: iter((DATA,)))
        assert store.get(digest) == DATA
