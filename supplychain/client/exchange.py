"""One request to a server of ours, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Any

import requests
from requests.auth import AuthBase

from supplychain.frozen import dataclass

Query = Mapping[str, Any]
Body = Callable[[], bytes | Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered.

    Attributes:
        media_type: What the body is.
        body: The body, whole.
    """

    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as often as it is sent; the body is made anew each time."""

    method: str
    path: str
    query: Query = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None


class Bearer(AuthBase):
    """The token; whoever names one is asked for no `~/.netrc`."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with the token."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
