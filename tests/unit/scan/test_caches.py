from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from supplychain.errors import StoreError, ToolError
from supplychain.scan import caches
from supplychain.scan.caches import CachePool


def test_scans_at_once_get_caches_of_their_own_and_later_ones_the_warm_ones(tmp_path: Path) -> None:
    pool, database = CachePool(tmp_path / "pool"), tmp_path / "db"
    with pool.cache(database) as first, pool.cache(database) as second:
        assert first != second
    with pool.cache(database) as third:
        assert third == first


def test_the_databases_in_a_cache_are_those_asked_for(tmp_path: Path) -> None:
    pool = CachePool(tmp_path / "pool")
    old, new, java = (tmp_path / name for name in ("old", "new", "java"))
    for folder in (old, new, java):
        folder.mkdir()
    with pool.cache(old, java) as cache:
        assert ((cache / "db").resolve(), (cache / "java-db").resolve()) == (old, java)
    with pool.cache(new) as cache:
        assert (cache / "db").resolve() == new
        assert not (cache / "java-db").is_symlink()


def test_a_killed_scan_leaves_nothing_that_stops_the_next(tmp_path: Path) -> None:
    pool = CachePool(tmp_path / "pool")
    with pool.cache(tmp_path) as cache:
        (cache / "db.new").symlink_to("nowhere")
        (cache / "db").unlink()
    with pool.cache(tmp_path) as cache:
        assert (cache / "db").resolve() == tmp_path


def test_there_is_an_end_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caches, "_MOST_WORKERS", 2)
    pool = CachePool(tmp_path / "pool")
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(pool.cache(tmp_path))
        with pytest.raises(ToolError) as caught, pool.cache(tmp_path):
            pytest.fail("there were two caches and three got one")
    assert caught.value.retryable


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "pool").write_text("a file where a folder should be")
    with pytest.raises(StoreError) as caught, CachePool(tmp_path / "pool").cache(tmp_path):
        pytest.fail("there is no such cache")
    assert "SUPPLYCHAIN_CACHE_DIR" in str(caught.value.hint)
