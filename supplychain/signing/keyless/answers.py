"""What a service says beside what it was asked for: why not, and when to come again."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from supplychain.errors import InputError, SigstoreError, SupplyChainError
from supplychain.signing.encoding import read_json

_HIDDEN = "********"
# What a signed token looks like wherever it is repeated.
_TOKEN = re.compile(r"\bey[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?")


def without_tokens(text: str, token: str = "") -> str:
    """A text of a server, short and on one line, without a token that it may repeat.

    Args:
        text: What it says.
        token: The one that was sent there, if one was.
    """
    shown = text.replace(token, _HIDDEN) if token else text
    return " ".join(_TOKEN.sub(_HIDDEN, shown).split())[:300]


def said(data: bytes) -> str:
    """What an error's body says; "" where it is no such thing."""
    try:
        value = read_json(data, "the answer", limit=len(data)).value
    except InputError:
        return ""
    message = value.get("message") if isinstance(value, dict) else None
    return message if isinstance(message, str) else ""


def seconds(retry_after: str | None, now: datetime) -> float | None:
    """`Retry-After` is a number of seconds or an HTTP date (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        until = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds())


def not_holding(error: SupplyChainError) -> SigstoreError:
    """What services gave, and what does not verify by the trusted root.

    Args:
        error: Why it does not.
    """
    return SigstoreError(
        "what the Sigstore services gave does not hold, so nothing was kept",
        because=f"{error}" + (f": {error.because}" if error.because else ""),
        hint="check that the trusted root is that of the services in the signing config, "
        "and that all clocks agree",
        retryable=False,
    )
