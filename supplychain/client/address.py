"""Which server is asked, by whose token: looked at before anything is sent."""

from __future__ import annotations

import re
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from supplychain.errors import ConfigurationError
from supplychain.frozen import dataclass
from supplychain.network.addresses import is_loopback
from supplychain.settings import mask_url

if TYPE_CHECKING:
    from supplychain.settings import Settings

_TOKEN = re.compile(r"[!-~]{1,8192}")


@dataclass(frozen=True, slots=True)
class Address:
    """A server, and how to come to it.

    Attributes:
        url: Where it is, without a slash at its end.
        project: Which project is asked about.
        token: By whose word.
        cacert: Authorities that its certificate may be of; None for the usual ones.
        seconds: How long one answer may take as a whole.
    """

    url: str
    project: str
    token: str = field(repr=False)
    cacert: Path | None
    seconds: float


def address_of(settings: Settings) -> Address:
    """The server that the settings name.

    Raises:
        ConfigurationError: It is no address, the token would travel for all to read, or is none.
    """
    given = settings.value("server")
    cacert = settings.path("server_cacert")
    if cacert is not None and not cacert.is_file():
        raise ConfigurationError(
            f"there is no file {cacert}", because="server_cacert names it", hint="correct it"
        )
    return Address(
        _checked(given.text or "", given.origin),
        settings.text("project") or "default",
        _token(settings),
        cacert,
        settings.duration("server_timeout"),
    )


def _checked(text: str, origin: str) -> str:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    if parts.scheme not in {"https", "http"} or not host or not plain or not text.isprintable():
        raise ConfigurationError(
            f"server = {mask_url(text)[:200]!r} is no address of a server",
            because=f"it comes from {origin}",
            hint="supplychain --server https://supplychain.example gate …",
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            f"{text[:200]} is not asked without TLS",
            because="the token would travel for all to read",
            hint=f"https://{parts.netloc}{parts.path}; http:// is for this machine alone",
        )
    return text.rstrip("/")


def _token(settings: Settings) -> str:
    given = settings.value("token")
    if not given.text:
        raise ConfigurationError(
            "nobody says by whose word the server is asked",
            because="no token is set",
            hint="put it into a file and name that in SUPPLYCHAIN_TOKEN_FILE, or set "
            "SUPPLYCHAIN_TOKEN",
        )
    # What libraries say of a header that they cannot send has all of it in it.
    if not _TOKEN.fullmatch(given.text):
        raise ConfigurationError(
            "the token is none",
            because=f"it holds more than visible ASCII characters; it comes from {given.origin}",
            hint="take it as `supplychain tokens create` printed it, on one line",
        )
    return given.text
