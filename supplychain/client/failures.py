"""What goes wrong on the way to a server, in our own taxonomy.

No exception of `requests` is chained: what it says is long, and of an address it says all.
"""

from __future__ import annotations

import requests

from supplychain.errors import ServerError


def moved(where: str, location: str) -> ServerError:
    """A redirect, which nobody follows."""
    return ServerError(
        f"{where} sends on to {location[:200] or 'nowhere'}",
        because="nobody is followed: the token would go along",
        hint="if that is your server, name it itself: supplychain --server URL …",
        retryable=False,
    )


def late(where: str, seconds: float) -> ServerError:
    """No whole answer in time."""
    return ServerError(
        f"{where} does not answer in time",
        because=f"no answer was whole within {seconds:.0f} s",
        hint="SUPPLYCHAIN_SERVER_TIMEOUT=2m waits longer",
    )


def failed(error: Exception, where: str, seconds: float) -> ServerError:
    """What a library could not do."""
    if isinstance(error, requests.exceptions.SSLError):
        return ServerError(
            f"the certificate of {where} is not trusted",
            because=_innermost(error),
            hint="name the authority that it is of: SUPPLYCHAIN_SERVER_CACERT=ca.pem",
            retryable=False,
        )
    if isinstance(error, requests.Timeout):
        return late(where, seconds)
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return ServerError(f"the answer of {where} was cut off", because=_innermost(error))
    return ServerError(
        f"{where} cannot be reached",
        because=_innermost(error),
        hint=f"look whether it runs: curl {where}/readyz",
    )


def _innermost(error: BaseException) -> str:
    """What really happened, under all that was wrapped around it."""
    seen = {id(error)}
    while True:
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((one for one in error.args if isinstance(one, BaseException)), None)
        if inner is None or id(inner) in seen:
            break
        seen.add(id(inner))
        error = inner
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text)[:300]
