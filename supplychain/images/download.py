"""A file that somebody publishes on the web: with the care that registries are met with."""

from __future__ import annotations

from urllib.parse import urlsplit

from supplychain.errors import InputError
from supplychain.images.registry.address import without_secrets
from supplychain.images.registry.body import read_body
from supplychain.images.registry.failures import raise_for_status
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.retry import Clock, Retry
from supplychain.images.registry.wire import Wire
from supplychain.network.addresses import is_loopback


def is_url(text: str) -> bool:
    """Whether a text is an address on the web and not a file."""
    return urlsplit(text).scheme in {"http", "https"} and "://" in text


def download(url: str, options: RegistryOptions, *, limit: int) -> bytes:
    """The file at a URL, whole.

    Args:
        url: `https://…`; without TLS only from this machine itself.
        options: Authorities, timeouts, repetitions; no login is sent.
        limit: The most bytes that it may have.

    Raises:
        InputError: The URL carries a login, or would be reached without TLS.
        LimitError: It is larger.
        NotFoundError: There is no such file.
        RegistryError: The server cannot be reached, or does not give it.
    """
    parts = urlsplit(url)
    shown = without_secrets(url)
    if parts.username is not None or parts.password is not None:
        raise InputError(f"{shown} carries a login", hint="give one that needs none")
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise InputError(f"{shown} is not reached by TLS", hint="give one that begins https://")
    wire = Wire(options)

    def fetch() -> bytes:
        response = wire.send("GET", url, headers={"Accept": "*/*"})
        if response.status != 200:
            raise_for_status(response, shown)
        return read_body(response, limit=limit, what=shown)

    try:
        return Retry(options.retries, Clock()).call(fetch)
    finally:
        wire.close()
