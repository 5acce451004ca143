"""What a server refuses with, as the error that it would have been here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from supplychain import errors
from supplychain.errors import (
    InputError,
    RateError,
    ServerError,
    SupplyChainError,
    UnauthenticatedError,
)

T = TypeVar("T")
_TEXT = 2000


def _kinds(root: type[SupplyChainError]) -> Iterator[type[SupplyChainError]]:
    yield root
    for kind in root.__subclasses__():
        yield from _kinds(kind)


_BY_CODE: Mapping[str, type[SupplyChainError]] = {
    kind.code: kind for kind in _kinds(SupplyChainError) if kind.__module__ == errors.__name__
}


def refusal(status: int, body: bytes, wait: float, where: str) -> SupplyChainError:
    """The error that an answer is about.

    Args:
        status: Its status.
        body: What it says: a problem document of ours, or anything.
        wait: After how many seconds the server wants to be asked again.
        where: The server, for people.
    """
    told = _problem(body)
    if told is None:
        return _foreign(status, where)
    message, because, hint = (_text(told.get(name)) for name in ("detail", "because", "hint"))
    kind = _BY_CODE.get(str(told.get("code")), ServerError)
    said = message or f"{where} answers {status}"
    if kind is RateError:
        return RateError(said, retry_after=wait, because=because, hint=hint)
    if kind is UnauthenticatedError and hint and "Authorization" in hint:
        hint = "SUPPLYCHAIN_TOKEN_FILE names the file with a token that holds"
    retryable = told.get("retryable") is True
    return kind(said, because=because, hint=hint, retryable=retryable)


def unreadable(where: str, because: str) -> ServerError:
    """An answer that cannot be one of a server of ours."""
    return ServerError(
        f"{where} answers what no server of supplychain's does",
        because=because,
        hint=f"look whether the address is right: curl {where}/readyz",
        retryable=False,
    )


@contextmanager
def understood(where: str) -> Iterator[None]:
    """Read an answer; what cannot be read is the server's fault.

    Raises:
        ServerError: It cannot.
    """
    try:
        yield
    except ServerError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, SupplyChainError) as error:
        raise unreadable(where, f"{type(error).__name__}: {str(error)[:200]}") from error


def each(where: str, found: Sequence[Any], read: Callable[[Any], T]) -> list[T]:
    """What is on a list, each read; raises as `understood`."""
    with understood(where):
        return [read(one) for one in found]


def plain(media_type: str) -> str:
    """A media type without its parameters."""
    return media_type.partition(";")[0].strip().lower()


def as_object(body: bytes, media_type: str, where: str) -> dict[str, Any]:
    """The JSON object that an answer is.

    Raises:
        ServerError: It is none.
    """
    if plain(media_type) != "application/json":
        raise unreadable(where, f"its answer is {media_type[:60] or 'of no type'}, and no JSON")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise unreadable(where, "its answer is no JSON") from None
    if not isinstance(found, dict):
        raise unreadable(where, "its answer is no JSON object")
    return found


def _problem(body: bytes) -> dict[str, Any] | None:
    """A problem document of ours; None for anything else, whatever it calls itself."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    ours = isinstance(found, dict) and isinstance(found.get("code"), str) and "detail" in found
    return found if ours else None


def _foreign(status: int, where: str) -> ServerError:
    """What stands before a server, or in its place."""
    if status in {502, 503, 504}:
        return ServerError(
            f"{where} cannot be reached", because=f"what stands before it answers {status}"
        )
    return unreadable(where, f"it answers {status} without a problem document")


def _text(value: object) -> str | None:
    return value[:_TEXT] if isinstance(value, str) and value else None


def refuse_policy(policy: Path | None) -> None:
    """Refuse a policy that somebody names beside a server.

    Raises:
        InputError: One is named.
    """
    if policy is not None:
        raise InputError(
            "a server judges by its own policies", hint="leave --policy out, or --server"
        )
