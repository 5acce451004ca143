"""The headers of a request, looked at where they lie.

A mapping of all of them is made for those who read many; asked at every request, it takes longer
than the request does.
"""

from __future__ import annotations

from starlette.types import Scope


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of a name; None where there is none.

    Args:
        scope: The request's.
        name: In lower case.
    """
    for known, value in scope["headers"]:
        if known == name:
            text: str = value.decode("latin-1")
            return text
    return None
