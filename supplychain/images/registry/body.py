"""Reading what a server sends: never more than was allowed, never decoded."""

from __future__ import annotations

from collections.abc import Iterator

from supplychain.errors import LimitError
from supplychain.images.registry.address import Origin
from supplychain.images.registry.failures import NETWORK_ERRORS, raise_for_exception
from supplychain.images.registry.response import Response

CHUNK = 1024 * 1024
_DRAIN_LIMIT = 64 * 1024


def read_chunks(response: Response, *, limit: int, what: str) -> Iterator[bytes]:
    """The body in chunks of at most `CHUNK` bytes; the response is closed at the end.

    Args:
        response: An answer whose body is unread.
        limit: The most bytes that it may have.
        what: What it is, for the error.

    Raises:
        LimitError: It declares or has more bytes than `limit`.
        TransientError: The connection was cut.
        RegistryError: The server was too slow.
    """
    with response:
        declared = response.headers.get("Content-Length", "")
        if declared.isdecimal() and int(declared[:20]) > limit:
            raise _too_large(what, limit)
        received = 0
        while chunk := _read(response, CHUNK):
            received += len(chunk)
            if received > limit:
                raise _too_large(what, limit)
            yield chunk


def read_body(response: Response, *, limit: int, what: str) -> bytes:
    """The whole body; otherwise as `read_chunks`."""
    return b"".join(read_chunks(response, limit=limit, what=what))


def drain(response: Response) -> None:
    """Read a body that nobody wants, so that its connection can be used again."""
    with response:
        _read(response, _DRAIN_LIMIT)


def _read(response: Response, size: int) -> bytes:
    try:
        data: bytes = response.raw.read(size, decode_content=False)
    except NETWORK_ERRORS as error:
        raise_for_exception(error, Origin.of(response.url))
    return data


def _too_large(what: str, limit: int) -> LimitError:
    return LimitError(f"{what} is too large", because=f"it has more than {limit} bytes")
