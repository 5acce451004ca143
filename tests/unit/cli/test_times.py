"""Durations, ages and sizes as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from supplychain.cli.times import ago, size, span


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


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (25_300_000, "25.3 MB"), (2 * 10**9, "2.0 GB")],
)
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text
