"""From what a user typed to a run that workers can take up, wherever they are."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.bootstrap import parts
from supplychain.bootstrap.logs import request_id
from supplychain.bootstrap.over_record import OverRecord
from supplychain.bootstrap.targets import named
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.runs import Bounds, Origin, Run, RunEvent, RunRequest, RunState
from supplychain.model.spans import carrier
from supplychain.settings import Settings

if TYPE_CHECKING:
    from supplychain.images.source import FileSource
    from supplychain.records.record import Record

_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as workers understand it.

    Attributes:
        request: What is wanted; a path in it is absolute.
        registry: Where the image is fetched from; "" for files.
        digest: What the reference stands for, where it says so itself.
    """

    request: RunRequest
    registry: str
    digest: Digest | None


def asked(settings: Settings, request: RunRequest) -> Asked:
    """A request, checked before anybody works on it.

    Raises:
        InputError: The reference names no image, or one that is not for others to name; or the
            platform is none.
        NotFoundError: It names a file that is not there.
    """
    from supplychain.images.source import FileSource, RegistrySource
    from supplychain.model.subject import Platform

    if request.platform:
        Platform.parse(request.platform)
    source = named(settings, request.reference)
    if isinstance(source, RegistrySource):
        return Asked(request, source.reference.registry, source.reference.digest)
    if not isinstance(source, FileSource):
        return Asked(request, "", None)
    behind = source.wanted
    text = _file_text(source, behind)
    return Asked(
        replace(request, reference=text), "", behind if isinstance(behind, Digest) else None
    )


def submit(
    settings: Settings,
    record: Record,
    request: RunRequest,
    *,
    requested_by: str,
    at: datetime,
    key: str | None = None,
) -> Run:
    """Ask for a run.

    Args:
        settings: All settings.
        record: Of the project.
        request: What is wanted.
        requested_by: Who wants it.
        at: Now (aware, UTC).
        key: What the submitter calls it, so that submitting it again makes no second run.

    Raises:
        InputError: The reference names no image, or the platform is none.
        NotFoundError: It names a file that is not there.
        ConflictError: Something else was submitted under the key.
    """
    found = asked(settings, request)
    return record.runs.submit(
        found.request,
        registry=found.registry,
        requested_by=requested_by,
        at=at,
        key=key,
        digest=found.digest,
        origin=origin(),
    )


def origin() -> Origin:
    """What is asking at this moment, for whoever follows the run through logs and traces."""
    return Origin(request_id.get(), carrier().get("traceparent", ""))


class Runs(OverRecord):
    """What workers are asked to do, as commands ask for it."""

    def submit(self, request: RunRequest, *, key: str | None, at: datetime) -> Run:
        """Ask for a run; see `submit`."""
        by = parts.actor(self._settings)
        return submit(self._settings, self._opened(), request, requested_by=by, at=at, key=key)

    def list(self, *, states: Sequence[RunState], limit: int) -> Sequence[Run]:
        """Runs, the newest first."""
        return self._opened().runs.list(states=states, limit=limit)

    def get(self, run: str) -> Run:
        """One run."""
        return self._opened().runs.get(run)

    def cancel(self, run: str, *, at: datetime) -> Run:
        """Stop a run."""
        return self._opened().runs.cancel(run, by=parts.actor(self._settings), at=at)

    def again(self, run: str, *, at: datetime) -> Run:
        """Ask for the same once more."""
        return self._opened().runs.again(run, by=parts.actor(self._settings), at=at)

    def follow(self, run: str, after: int) -> Iterator[RunEvent]:
        """Events as they happen, until the run is over."""
        while True:
            # Asked in this order, nothing is missed.
            over = self.get(run).state.over
            for event in self._opened().runs.events(run, after=after):
                after = event.number
                yield event
            if over:
                return
            time.sleep(_LOOK_SECONDS)


def at_digest(reference: str, digest: Digest) -> str:
    """The same image by its digest; what cannot be asked for by one stays as it is."""
    from supplychain.images.source import FileSource, RegistrySource, parse_source

    source = parse_source(reference)
    if isinstance(source, RegistrySource):
        return f"{source.reference.name}@{digest}"
    return _file_text(source, digest) if isinstance(source, FileSource) else reference


def bounds(settings: Settings) -> Bounds:
    """How many runs may be under way at once.

    Raises:
        ConfigurationError: A setting is no number above 0.
    """
    return Bounds(settings.count("runs_per_registry"), settings.count("runs_per_organisation"))


def _file_text(source: FileSource, wanted: str | Digest | None) -> str:
    behind = "" if wanted is None else f"@{wanted}" if isinstance(wanted, Digest) else f":{wanted}"
    return f"{source.kind}:{Path(source.path).resolve()}{behind}"
