"""Runs at a server: asked for, looked at, and followed as they go."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from supplychain.client import reading
from supplychain.client.connection import Connection
from supplychain.client.refusals import understood
from supplychain.errors import InputError, ServerError, SupplyChainError
from supplychain.model.runs import Run, RunEvent, RunRequest, RunState

_PATH = "/v1/runs"
_KEY = re.compile(r"[!-~]{1,255}")
_LOOK_SECONDS = 0.5


class Runs:
    """What workers of a server are asked to do.

    Args:
        connection: To the server.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def submit(self, request: RunRequest, *, key: str | None, at: datetime) -> Run:
        """Ask for a run.

        Args:
            request: What is wanted.
            key: What to call it, so that asking again makes no second run.
            at: Not sent: the server has a clock of its own.

        Raises:
            InputError: The key is none.
        """
        del at
        if key is not None and not _KEY.fullmatch(key):
            raise InputError("the key is none", because="it has 1 to 255 visible ASCII characters")
        body = {
            "reference": request.reference,
            "platform": request.platform,
            "environment": request.environment,
            "sign": request.sign,
            "priority": request.priority.name.lower(),
        }
        return self._read(self._connection.post(_PATH, body, key=key))

    def list(self, *, states: Sequence[RunState], limit: int) -> Sequence[Run]:
        """Runs, the newest first."""
        named = [str(state) for state in states] or None
        found = self._connection.pages(_PATH, "runs", {"state": named}, limit)
        return [self._read(one) for one in found]

    def get(self, run: str) -> Run:
        """One run."""
        return self._read(self._connection.get(_of(run)))

    def cancel(self, run: str, *, at: datetime) -> Run:
        """Stop a run."""
        del at
        return self._read(self._connection.post(f"{_of(run)}/cancel", {}))

    def again(self, run: str, *, at: datetime) -> Run:
        """Ask for the same once more."""
        del at
        return self._read(self._connection.post(f"{_of(run)}/again", {}))

    def follow(self, run: str, after: int) -> Iterator[RunEvent]:
        """Events as they happen, until the run is over.

        A stream that breaks off is taken up where it was, and a server that is away is waited for
        as long as one answer may take: it may be starting anew.

        Args:
            run: The run.
            after: Only those that came after this one.

        Raises:
            ServerError: It stays away, or its streams break off without saying anything.
        """
        lost_at: float | None = None
        while True:
            before = after
            try:
                for event in self._events(run, after):
                    after = event.number
                    yield event
                if after == before and self.get(run).state.over:
                    return
                lost_at = None
            except SupplyChainError as error:
                if not error.retryable:
                    raise
                now = time.monotonic()
                lost_at = now if lost_at is None or after != before else lost_at
                if now - lost_at > self._connection.seconds:
                    raise _left(error, run, after) from error
            if after == before:
                time.sleep(_LOOK_SECONDS)

    def _events(self, run: str, after: int) -> Iterator[RunEvent]:
        for fields in self._connection.events(f"{_of(run)}/events", after):
            with understood(self._connection.where):
                event = reading.event(json.loads(fields["data"]))
            if event.number > after:
                after = event.number
                yield event

    def _read(self, said: Any) -> Run:
        with understood(self._connection.where):
            return reading.run(said)


def _of(run: str) -> str:
    return f"{_PATH}/{quote(run, safe='')}"


def _left(error: SupplyChainError, run: str, after: int) -> ServerError:
    """Nobody tells any more how a run goes, which goes on all the same."""
    return ServerError(
        str(error),
        because=error.because,
        hint=f"the run goes on without you: supplychain runs follow {run} --after {after}",
    )
