"""Tags that several writers share: read, changed and written back without losing an entry.

Registries have no conditional write. Among threads of one process a lock orders the writers. Among
processes each writer looks once more right before it writes, so that next to nothing passes between
the two; and again afterwards, when at least as long has gone by as all its own reading and writing
took: until nobody has written in between, and changing the tag again if its entry was lost. What
remains: a writer that is stopped between its last look and its write for longer than all others
wait can still undo an entry. Only what is no shared tag, a referrer in a registry with the API,
excludes that.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from supplychain.errors import ConflictError, NotFoundError
from supplychain.images.registry.manifests import Manifests
from supplychain.images.registry.retry import Clock
from supplychain.model.artifact import Manifest

_MOST_WRITES = 10
# Enough locks that unrelated images rarely share one, in bounded memory.
_LOCKS = tuple(Lock() for _ in range(64))


class Tags:
    """The tags of one repository.

    Args:
        manifests: The repository's manifests.
        name: The repository's whole name.
        clock: Time and chance.
    """

    def __init__(self, manifests: Manifests, name: str, clock: Clock) -> None:
        self._manifests = manifests
        self._name = name
        self._clock = clock

    def read(self, tag: str) -> Manifest | None:
        """What a tag points at now; None where there is no such tag."""
        try:
            return self._manifests.by_tag(tag)
        except NotFoundError:
            return None

    def amend(self, tag: str, change: Callable[[Manifest | None], Manifest]) -> Manifest:
        """See `ArtifactStore`.

        Raises:
            ConflictError: Others kept overwriting the tag.
        """
        with _LOCKS[hash((self._name, tag)) % len(_LOCKS)]:
            seen, longest = None, 0.0
            kept: Manifest | None = None
            for attempt in range(1, _MOST_WRITES + 1):
                began = self._clock.monotonic()
                current, wanted = self._prepared(tag, change)
                kept = current if current and current.digest == wanted.digest else None
                if kept and seen in {None, wanted.digest}:
                    return kept
                if not kept:
                    self._manifests.put(wanted, tag=tag)
                seen = wanted.digest
                longest = max(longest, self._clock.monotonic() - began)
                self._clock.sleep(longest * attempt * (1 + self._clock.chance()))
            if kept:
                return kept  # others go on and on, and have let it be
        raise ConflictError(
            f"the tag {tag!r} of {self._name} could not be updated",
            because="others kept writing it at the same time",
            hint="run it again",
            retryable=True,
        )

    def _prepared(
        self, tag: str, change: Callable[[Manifest | None], Manifest]
    ) -> tuple[Manifest | None, Manifest]:
        """What stands there and what should, the one still true once the other is made."""
        current = self.read(tag)
        wanted = change(current)
        for _ in range(_MOST_WRITES):
            if current is not None and current.digest == wanted.digest:
                break
            latest = self.read(tag)
            if latest == current:
                break
            current, wanted = latest, change(latest)
        return current, wanted
