from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.vulndb import PAGE_SIZE, write_bbolt
from supplychain.errors import VulnerabilityDatabaseError
from supplychain.scan import bbolt
from supplychain.scan.bbolt import bucket_names

_NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
_VALUES = st.binary(max_size=2 * PAGE_SIZE)


@settings(max_examples=60, deadline=None)
@given(buckets=st.dictionaries(_NAMES, st.dictionaries(_NAMES, _VALUES, max_size=6), max_size=80))
def test_names_every_bucket_that_holds_something(
    buckets: dict[str, dict[str, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("bbolt") / "trivy.db"
    path.write_bytes(write_bbolt(buckets))
    assert bucket_names(path) == tuple(sorted(name for name, held in buckets.items() if held))


def test_a_tree_of_many_buckets_has_branches(tmp_path: Path) -> None:
    path = tmp_path / "trivy.db"
    path.write_bytes(write_bbolt({f"bucket {n:05d}": {"k": b"v"} for n in range(3000)}))
    assert len(bucket_names(path)) == 3000


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "trivy.db"
    path.write_bytes(write_bbolt({f"bucket {n}": {"k": b"v" * 900} for n in range(40)}))
    return path


@pytest.mark.parametrize(
    "data", [b"", b"x", b"x" * 20_000, b"\0" * 20_000], ids=["empty", "byte", "text", "zeros"]
)
def test_refuses_what_is_no_database(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "trivy.db"
    path.write_bytes(data)
    with pytest.raises(VulnerabilityDatabaseError, match=r"trivy\.db is not a"):
        bucket_names(path)


def test_refuses_a_file_that_is_cut_short(database: Path) -> None:
    database.write_bytes(database.read_bytes()[:-1])
    with pytest.raises(VulnerabilityDatabaseError) as caught:
        bucket_names(database)
    assert "cut short" in str(caught.value.because)


def test_one_damaged_meta_page_is_survived_and_two_are_not(database: Path) -> None:
    data = bytearray(database.read_bytes())
    data[16 + 20] ^= 1
    database.write_bytes(data)
    assert len(bucket_names(database)) == 40
    data[PAGE_SIZE + 16 + 20] ^= 1
    database.write_bytes(data)
    with pytest.raises(VulnerabilityDatabaseError) as caught:
        bucket_names(database)
    assert "meta page" in str(caught.value.because)


@settings(max_examples=150, deadline=None)
@given(at=st.integers(3 * PAGE_SIZE), value=st.integers(0, 255))
def test_damage_is_a_refusal_or_an_answer_and_never_a_crash(
    at: int, value: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = bytearray(write_bbolt({f"bucket {n}": {"k": b"v" * 900} for n in range(40)}))
    data[at % len(data)] = value
    path = tmp_path_factory.mktemp("damaged") / "trivy.db"
    path.write_bytes(data)
    with suppress(VulnerabilityDatabaseError):
        assert all(isinstance(name, str) for name in bucket_names(path))


def test_a_branch_that_leads_back_to_itself_is_refused(tmp_path: Path) -> None:
    data = bytearray(write_bbolt({f"bucket {n:05d}": {"k": b"v"} for n in range(3000)}))
    root = bbolt.META.unpack_from(data, 16)[4]
    at = root * PAGE_SIZE + bbolt.PAGE_HEADER.size
    position, size, _ = bbolt.BRANCH_ELEMENT.unpack_from(data, at)
    bbolt.BRANCH_ELEMENT.pack_into(data, at, position, size, root)
    path = tmp_path / "trivy.db"
    path.write_bytes(data)
    with pytest.raises(VulnerabilityDatabaseError) as caught:
        bucket_names(path)
    assert "twice" in str(caught.value.because)
