from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from supplychain.errors import NotFoundError, RegistryError
from supplychain.images.registry.failures import TransientError
from supplychain.images.registry.retry import Clock, Retry

_NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def _failing(times: int, retry_after: str | None = None) -> Callable[[], str]:
    """An attempt that fails so many times and then succeeds."""
    calls = []

    def attempt() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise TransientError(RegistryError(f"failure {len(calls)}"), retry_after)
        return "done"

    return attempt


def _retry(pauses: list[float], *, retries: int = 4, chance: float = 1.0) -> Retry:
    return Retry(retries, Clock(sleep=pauses.append, now=lambda: _NOW, chance=lambda: chance))


def test_what_succeeds_is_not_repeated() -> None:
    pauses: list[float] = []
    assert _retry(pauses).call(_failing(0)) == "done"
    assert pauses == []


def test_pauses_double_up_to_a_limit() -> None:
    pauses: list[float] = []
    assert _retry(pauses, retries=8).call(_failing(8)) == "done"
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


def test_chance_halves_a_pause_at_most() -> None:
    pauses: list[float] = []
    _retry(pauses, chance=0.0).call(_failing(2))
    assert pauses == [0.125, 0.25]


def test_the_last_failure_is_the_error() -> None:
    pauses: list[float] = []
    with pytest.raises(RegistryError, match="failure 3"):
        _retry(pauses, retries=2).call(_failing(99))
    assert len(pauses) == 2


def test_no_retries_means_one_attempt() -> None:
    pauses: list[float] = []
    with pytest.raises(RegistryError, match="failure 1"):
        _retry(pauses, retries=0).call(_failing(99))
    assert pauses == []


def test_what_no_repetition_cures_is_raised_at_once() -> None:
    pauses: list[float] = []

    def attempt() -> str:
        raise NotFoundError("gone")

    with pytest.raises(NotFoundError):
        _retry(pauses).call(attempt)
    assert pauses == []


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("3", 3.0),
        ("0", 0.0),
        (format_datetime(_NOW + timedelta(seconds=7), usegmt=True), 7.0),
        (format_datetime(_NOW - timedelta(days=1), usegmt=True), 0.0),
        ("soon", 0.25),
        ("-5", 0.25),
        ("", 0.25),
    ],
)
def test_retry_after_is_honoured_as_seconds_and_as_a_date(retry_after: str, seconds: float) -> None:
    pauses: list[float] = []
    assert _retry(pauses).call(_failing(1, retry_after)) == "done"
    assert pauses == [seconds]


@pytest.mark.parametrize(
    "retry_after", ["61", "9" * 400, format_datetime(_NOW + timedelta(days=400), usegmt=True)]
)
def test_nobody_waits_for_hours(retry_after: str) -> None:
    pauses: list[float] = []
    with pytest.raises(RegistryError) as caught:
        _retry(pauses).call(_failing(1, retry_after))
    assert pauses == []
    assert (caught.value.hint or "").startswith("try again in ")
    assert caught.value.retryable
