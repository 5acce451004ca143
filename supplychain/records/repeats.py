"""Requests that are sent again under the same key: done once, answered each time."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Engine, delete, select, update

from supplychain.errors import ConflictError, InputError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.records.bulk import Filing
from supplychain.records.database import reading, writing
from supplychain.records.schema import idempotent_answers

_KEPT = timedelta(hours=24)
# No request takes so long: whoever was at it has died.
_LONGEST = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """What a request was answered with.

    Attributes:
        status: The status.
        location: Where what was made is; "" for nowhere.
        body: The body.
    """

    status: int
    location: str
    body: bytes = field(repr=False)


class Repeats:
    """The answers to one caller's requests; `Record.repeats` gives it.

    Args:
        engine: The record's database.
        project: The project's number.
        caller: Whose keys; those of others are others.
    """

    def __init__(self, engine: Engine, project: int, caller: str) -> None:
        self._engine = engine
        self._project = project
        self._caller = caller

    def claim(self, key: str, request: Digest, *, at: datetime) -> GivenAnswer | None:
        """Begin with a request, unless it was begun with before.

        Args:
            key: The caller's name for it.
            request: The digest of all that is asked.
            at: Now (aware, UTC).

        Returns:
            What it was answered with; None where it is to be done now.

        Raises:
            InputError: The key was used for something else.
            ConflictError: Somebody is at it, or nobody knows what became of it.
        """
        column = idempotent_answers.c
        with writing(self._engine) as connection:
            connection.execute(
                delete(idempotent_answers).where(
                    column.project_id == self._project, column.claimed_at < at - _KEPT
                )
            )
            mine = Filing(connection, self._project, at).insert(
                idempotent_answers,
                caller=self._caller,
                key=key,
                request_digest=request,
                claimed_at=at,
            )
            if mine:
                return None
        with reading(self._engine) as connection:
            row = connection.execute(select(idempotent_answers).where(*self._of(key))).first()
        if row is None:
            raise ConflictError("this request was given up just now", retryable=True)
        if row.request_digest != request:
            raise InputError(
                "this Idempotency-Key was used for another request",
                hint="take a new key for each new request",
            )
        if row.status is not None:
            return GivenAnswer(row.status, row.location or "", row.body)
        if at - row.claimed_at < _LONGEST:
            raise ConflictError("this very request is being answered", retryable=True)
        raise ConflictError(
            "nobody knows what became of this request",
            because="whoever was at it ended before it had an answer",
            hint="see whether it was done; where it was not, send it under a new key",
        )

    def keep(self, key: str, answer: GivenAnswer) -> None:
        """Keep the answer to a request that was begun with."""
        with writing(self._engine) as connection:
            connection.execute(
                update(idempotent_answers)
                .where(*self._of(key))
                .values(status=answer.status, location=answer.location or None, body=answer.body)
            )

    def give_up(self, key: str) -> None:
        """Forget a request that changed nothing: it may be sent again."""
        open_still = idempotent_answers.c.status.is_(None)
        with writing(self._engine) as connection:
            connection.execute(delete(idempotent_answers).where(*self._of(key), open_still))

    def _of(self, key: str) -> tuple[ColumnElement[bool], ...]:
        column = idempotent_answers.c
        return (
            column.project_id == self._project,
            column.caller == self._caller,
            column.key == key,
        )
