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
from supplychain.errors import InputError, ServerError
from supplychain.model.runs import Run, RunEvent, RunRequest, RunState

_PATH = "/v1/runs"
_KEY = re.compile(r"[!-~]{1,255}")
_LOOK_SECONDS = 0.5
# A stream that breaks off so often without saying anything is no stream.
_MOST_BREAKS = 5


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
        """Events as they happen, until the run is over; a stream that breaks off is taken up.

        Args:
            run: The run.
            after: Only those that came after this one.

        Raises:
            ServerError: It breaks off again and again.
        """
        breaks = 0
        while True:
            before = after
            try:
                for fields in self._connection.events(f"{_of(run)}/events", after):
                    with understood(self._connection.where):
                        event = reading.event(json.loads(fields["data"]))
                    if event.number > after:
                        after, breaks = event.number, 0
                        yield event
            except ServerError as error:
                breaks += 1
                if not error.retryable or breaks == _MOST_BREAKS:
                    raise
            if after == before:
                if self.get(run).state.over and not breaks:
                    return
                time.sleep(_LOOK_SECONDS)

    def _read(self, said: Any) -> Run:
        with understood(self._connection.where):
            return reading.run(said)


def _of(run: str) -> str:
    return f"{_PATH}/{quote(run, safe='')}"
