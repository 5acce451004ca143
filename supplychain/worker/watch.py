"""Whether others are alive: by whether their beats go on, and by no clock that could differ."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping


class Watch:
    """What one worker has seen of the others.

    Who looked away cannot tell how long a beat has been missing: after a pause of its own (it was
    stopped, the database was gone), everybody's time begins anew.

    Args:
        name: Who watches.
        lease: Seconds without a beat after which somebody is taken for dead.
        beat: Seconds between two looks.
    """

    def __init__(self, name: str, lease: float, beat: float) -> None:
        self._name = name
        self._lease = lease
        self._pause = max(3 * beat, lease / 2)
        self._seen: dict[str, tuple[int, float]] = {}
        self._looked_at: float | None = None
        self._missing: frozenset[str] = frozenset()

    def dead(self, beats: Mapping[str, int], now: float) -> Iterator[tuple[str, int]]:
        """Whose beats have stopped, with what they stopped at.

        Args:
            beats: How often each worker has beaten that is not gone.
            now: By a clock that only goes on, this process's own.
        """
        if self._looked_at is not None and now - self._looked_at > self._pause:
            self._seen.clear()
        self._looked_at = now
        known, self._seen = self._seen, {}
        for name, count in beats.items():
            last, since = known.get(name, (count, now))
            if last != count:
                since = now
            self._seen[name] = count, since
            if name != self._name and now - since > self._lease:
                yield name, count

    def twice_missing(self, strays: Collection[str]) -> bool:
        """Whether something was missing at the last look too: else it may just be on its way."""
        again = self._missing & frozenset(strays)
        self._missing = frozenset(strays)
        return bool(again)
