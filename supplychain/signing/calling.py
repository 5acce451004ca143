"""What all calls to services have in common, whether they keep keys or bear witness."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests


def no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Authentication that adds nothing: else a login from ~/.netrc replaces the token."""
    return request


def innermost(error: BaseException) -> str:
    """The words of the first cause: what lies around it only repeats addresses."""
    seen: BaseException = error
    while (inner := seen.__cause__ or seen.__context__) is not None:
        seen = inner
    return str(getattr(seen, "strerror", None) or seen)[:300]
