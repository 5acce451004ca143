"""Whether others are alive, told without any clock that could be wrong."""

from __future__ import annotations

from supplychain.worker.watch import Watch

LEASE, BEAT = 10.0, 2.0


def _dead(watch: Watch, beats: dict[str, int], now: float) -> list[str]:
    return [name for name, _ in watch.dead(beats, now)]


def _watched(counts: list[int]) -> list[list[str]]:
    watch = Watch("me", LEASE, BEAT)
    return [_dead(watch, {"other": n, "me": 0}, BEAT * i) for i, n in enumerate(counts)]


def test_who_beats_is_alive() -> None:
    assert not any(_watched(list(range(20))))


def test_who_has_stopped_is_dead_after_the_lease_and_nobody_is_to_himself() -> None:
    told = _watched([1, 2, *[3] * 8])

    assert told.index(["other"]) == 8  # the beat at 4 s was its last: more than 10 s later


def test_who_looked_away_begins_anew() -> None:
    """A worker that was stopped, or whose database was gone, knows nothing of the time between."""
    watch = Watch("me", LEASE, BEAT)
    assert _dead(watch, {"other": 1}, 0.0) == []

    assert _dead(watch, {"other": 1}, 60.0) == []
    assert _dead(watch, {"other": 1}, 62.0) == []


def test_what_is_missing_once_may_be_on_its_way() -> None:
    watch = Watch("me", LEASE, BEAT)

    assert not watch.twice_missing({"a"})
    assert watch.twice_missing({"a", "b"})
    assert not watch.twice_missing(set())
