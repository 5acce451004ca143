"""What a server answered, as long as its body is unread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from supplychain.frozen import dataclass

if TYPE_CHECKING:
    import urllib3

    from supplychain.images.registry.sending import Stream


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; as a context it is closed at the end, and its connection is free again.

    Attributes:
        status: HTTP status.
        headers: Headers; their names compare without regard to case.
        url: Where it came from.
        raw: The body, and the connection that it comes over.
        sent_headers: The headers of the request.
        sent_body: Its body; None where there was none.
    """

    status: int
    headers: Mapping[str, str]
    url: str
    raw: urllib3.BaseHTTPResponse = field(repr=False)
    sent_headers: Mapping[str, str] = field(repr=False)
    sent_body: bytes | str | Stream | None = field(repr=False)

    def close(self) -> None:
        """End it; a connection whose answer was not read to its end is of no more use."""
        self.raw.close()
        self.raw.release_conn()

    def __enter__(self) -> Self:
        """The answer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()
