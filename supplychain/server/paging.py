"""Pages of what is long, all of one moment: what is recorded meanwhile moves nothing."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Depends, Query, Request
from pydantic import BaseModel, BeforeValidator, Field
from starlette.responses import Response

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.gate.windows import rfc3339
from supplychain.server.answers import answer
from supplychain.server.caller import service_of
from supplychain.server.instants import utc
from supplychain.server.queries import digits

T = TypeVar("T")

_PAGING = frozenset({"cursor", "limit"})
# As many as every number has that a database takes.
_NUMBER = re.compile("[0-9]{1,18}")
_Limit = Annotated[
    int, BeforeValidator(digits), Query(ge=1, le=1000, description="at most so many")
]
_Cursor = Annotated[
    str | None,
    Query(max_length=1024, description="where the page begins: `next_cursor` of the one before"),
]


class Page(BaseModel):
    """What every page has."""

    next_cursor: str | None = Field(description="where the next page begins; null for no more")


@dataclass(frozen=True, slots=True)
class Pager:
    """Which page is asked for.

    Attributes:
        request: The request.
        limit: At most so many things.
        at: The moment that all pages are of (aware, UTC).
        after: What the page before ended with; "" for the first page.
    """

    request: Request
    limit: int
    at: datetime
    after: str

    @property
    def offset(self) -> int:
        """How many were on the pages before, where `after` counts them.

        Raises:
            InputError: It counts nothing.
        """
        return self.numbers(1)[0] if self.after else 0

    def numbers(self, count: int) -> tuple[int, ...]:
        """The numbers that `after` has, with full stops between them.

        Args:
            count: How many it has to have.

        Raises:
            InputError: It has others, or something else.
        """
        parts = self.after.split(".")
        if len(parts) != count or not all(map(_NUMBER.fullmatch, parts)):
            raise _unusable()
        return tuple(map(int, parts))

    def answer(self, name: str, data: Sequence[Any], following: str = "") -> Response:
        """A page as an answer.

        Args:
            name: What is on it.
            data: That, as data.
            following: After what the next page begins; "" where there is none.
        """
        cursor = _write(self.request, self.at, following) if following else None
        headers = {}
        if cursor is not None:
            url = self.request.url.include_query_params(cursor=cursor)
            headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
        return answer(self.request, {name: data, "next_cursor": cursor}, headers=headers)

    def answer_part(self, name: str, whole: Sequence[T], as_data: Callable[[T], Any]) -> Response:
        """The page of something that is there as a whole, in an order that stays."""
        begin = self.offset
        end = begin + self.limit
        data = [as_data(one) for one in whole[begin:end]]
        return self.answer(name, data, str(end) if end < len(whole) else "")


async def _pager(request: Request, limit: _Limit = 100, cursor: _Cursor = None) -> Pager:
    """What is asked for; not worth a thread."""
    if cursor is None:
        return Pager(request, limit, service_of(request).clock(), "")
    at, after = _read(request, cursor)
    return Pager(request, limit, at, after)


Paging = Annotated[Pager, Depends(_pager)]


def _write(request: Request, at: datetime, after: str) -> str:
    said = orjson.dumps([rfc3339(at), after, _of(request)])
    return base64.urlsafe_b64encode(said).decode().rstrip("=")


def _read(request: Request, cursor: str) -> tuple[datetime, str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        written, after, of = orjson.loads(base64.b64decode(padded, b"-_", validate=True))
        at = utc(datetime.fromisoformat(written), "cursor")
        # No database takes NUL in a text.
        usable = isinstance(after, str) and after.isprintable() and of == _of(request)
    except (InputError, ValueError, TypeError, binascii.Error):
        raise _unusable() from None
    if at is None or not usable:
        raise _unusable()
    return at, after


def _unusable() -> InputError:
    return InputError(
        "the cursor is none of this list",
        hint="take next_cursor as it is, with the same address and the same filters",
    )


def _of(request: Request) -> str:
    """What a cursor is good for: this address with these filters."""
    filters = sorted(pair for pair in request.query_params.multi_items() if pair[0] not in _PAGING)
    return hashlib.sha256(orjson.dumps([request.url.path, filters])).hexdigest()[:16]
