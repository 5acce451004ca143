"""How Protocol Buffers are written in JSON (ProtoJSON), read strictly.

Writers leave out what is zero or empty, and spell 64-bit numbers as strings; both are taken.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime

from supplychain.errors import InputError, LimitError
from supplychain.signing.encoding import as_object, as_text, members, read_base64

# int64, and before the year 10000: nothing that is counted or dated here is greater.
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_INT64 = 2**63
_LAST_SECOND = 253_402_300_799
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z", re.ASCII
)


def fields(
    value: object, what: str, *, required: Collection[str] = (), optional: Collection[str] = ()
) -> dict[str, object]:
    """The members of a message without those that say nothing; no other may be there.

    Raises:
        InputError: Not an object, a member is missing, or one is unknown.
    """
    said = {k: v for k, v in as_object(value, what).items() if v is not None}
    return members(said, what, required=required, optional=optional)


def number(value: object, what: str) -> int:
    """An unsigned 64-bit integer, as a number or as a string; 0 where it was left out.

    Raises:
        InputError: It is anything else.
    """
    if value is None:
        return 0
    if type(value) is int and 0 <= value < _INT64:
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value) and int(value) < _INT64:
        return int(value)
    raise InputError(f"{what} is no number that can be")


def unix_time(value: object, what: str) -> datetime:
    """An instant in seconds since 1970.

    Raises:
        InputError: It is no such number.
    """
    seconds = number(value, what)
    if seconds > _LAST_SECOND:
        raise InputError(f"{what} is no instant")
    return datetime.fromtimestamp(seconds, UTC)


def instant(value: object, what: str) -> datetime:
    """A timestamp, RFC 3339 in UTC.

    Raises:
        InputError: It is anything else.
    """
    written = as_text(value, what)
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        moment = None
    if moment is None or not _INSTANT.fullmatch(written):
        raise InputError(f"{what} is no instant: {written[:40]!r}")
    return moment


def octets(value: object, what: str) -> bytes:
    """Bytes, base64; none where they were left out.

    Raises:
        InputError: It is anything else.
    """
    return b"" if value is None else read_base64(value, what)


def several(value: object, what: str, *, limit: int) -> list[object]:
    """A repeated field; empty where it was left out.

    Raises:
        LimitError: It has more than `limit` elements.
        InputError: It is no list.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise InputError(f"{what} is not a list")
    if len(value) > limit:
        raise LimitError(f"{what} has {len(value)} elements, at most {limit} are read")
    return value
