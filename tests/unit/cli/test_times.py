"""Durations, ages and sizes as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from supplychain.cli.times import ago, moment, size, span
from supplychain.errors import InputError


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (86400 + 61, "1 d"),
        (3 * 86400 + 4 * 3600 + 59, "3 d 4 h"),
        (-90, "1 min 30 s"),
    ],
)
def test_a_duration_has_at_most_two_neighbouring_units(seconds: int, text: str) -> None:
    assert span(seconds) == text
    assert span(timedelta(seconds=seconds)) == text


def test_past_and_future() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    assert ago(now - timedelta(hours=2), now) == "2 h ago"
    assert ago(now + timedelta(hours=2), now) == "in 2 h"


def test_a_moment_is_one_whatever_its_time_zone() -> None:
    now = datetime(2028, 3, 1, 9, tzinfo=UTC)
    for text in ("2028-02-29", "2028-02-29T05:45:00+05:45", "2028-02-28T14:00:00-10:00"):
        assert moment(text, now) == datetime(2028, 2, 29, tzinfo=UTC)
    assert moment("33h", now) == datetime(2028, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2027-02-29", "2028-02-29T09:00:00", "2028-02-29T23:59:60Z", "now", "", "-1d",
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="moment"):
        moment(text, datetime(2026, 11, 23, tzinfo=UTC))


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (25_300_000, "25.3 MB"), (2 * 10**9, "2.0 GB")],
)
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text
