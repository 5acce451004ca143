from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from supplychain.errors import ConflictError
from supplychain.model.digest import Digest
from supplychain.scan import fingerprints
from supplychain.scan.fingerprints import Fingerprints


def digest(memory: Fingerprints, path: Path) -> Digest:
    with path.open("rb") as file:
        return memory.digest(file, path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    return path


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every file had been left alone for a while."""
    monkeypatch.setattr(fingerprints, "_SETTLED_NS", -1)


def read_count(memory: Fingerprints, path: Path) -> int:
    """How often two questions made it read the file."""
    read: list[str] = []

    def compute() -> str:
        read.append("once more")
        return "what was worked out"

    with path.open("rb") as file:
        answers = {memory.recall(file, path, "fact", compute) for _ in range(2)}
    assert answers == {"what was worked out"}
    return len(read)


@pytest.mark.usefixtures("settled")
def test_an_untouched_file_is_read_once(tmp_path: Path, path: Path) -> None:
    assert read_count(Fingerprints(tmp_path / "memory"), path) == 1


def test_a_file_changed_a_moment_ago_is_not_remembered_yet(tmp_path: Path, path: Path) -> None:
    assert read_count(Fingerprints(tmp_path / "memory"), path) == 2


@pytest.mark.usefixtures("settled")
def test_content_put_back_under_the_old_times_is_noticed(tmp_path: Path, path: Path) -> None:
    memory = Fingerprints(tmp_path / "memory")
    assert digest(memory, path) == Digest.of(b"content")
    before = path.stat()
    time.sleep(0.02)  # longer than the kernel's coarse clock ticks
    path.write_bytes(b"CONTENT")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_mtime_ns, after.st_size, after.st_ino) == (
        before.st_mtime_ns,
        before.st_size,
        before.st_ino,
    )
    assert digest(memory, path) == Digest.of(b"CONTENT")


def test_a_file_that_changes_while_it_is_read_has_no_fingerprint(
    tmp_path: Path, path: Path
) -> None:
    memory = Fingerprints(tmp_path / "memory")

    def meddle() -> str:
        path.write_bytes(b"something longer")
        return "hash of nothing that ever was"

    with path.open("rb") as file, pytest.raises(ConflictError):
        memory.recall(file, path, "sha256", meddle)
    assert not (tmp_path / "memory").exists()


@pytest.mark.usefixtures("settled")
def test_a_memory_that_cannot_be_written_costs_time_and_nothing_else(
    tmp_path: Path, path: Path
) -> None:
    (tmp_path / "memory").write_text("a file where a folder should be")
    memory = Fingerprints(tmp_path / "memory")
    assert digest(memory, path) == digest(memory, path) == Digest.of(b"content")


@pytest.mark.usefixtures("settled")
def test_the_memory_is_private(tmp_path: Path, path: Path) -> None:
    digest(Fingerprints(tmp_path / "memory"), path)
    assert (tmp_path / "memory").stat().st_mode & 0o777 == 0o700
