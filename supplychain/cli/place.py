"""Where a command gets its answers: from the record here, or from a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplychain.errors import InputError

if TYPE_CHECKING:
    from supplychain.bootstrap.here import Here
    from supplychain.cli.context import Context
    from supplychain.client.there import There


def place(shared: Context, *, create: bool = False) -> Here | There:
    """Where to ask; it is closed by whoever opened it.

    Args:
        shared: What the command was called with.
        create: Here, make a record where there is none yet.

    Raises:
        ConfigurationError: A server is named, and cannot be asked so.
    """
    if shared.settings.text("server"):
        return server(shared)
    from supplychain.bootstrap.here import Here

    return Here(shared.settings, create=create)


def server(shared: Context) -> There:
    """The server that is named; it is closed by whoever opened it.

    Args:
        shared: What the command was called with.

    Raises:
        InputError: None is named.
        ConfigurationError: It cannot be asked so.
    """
    settings = shared.settings
    if not settings.text("server"):
        raise InputError(
            "no server is named", hint="supplychain --server URL …, or SUPPLYCHAIN_SERVER"
        )
    from supplychain.bootstrap.targets import resolved
    from supplychain.client.there import There

    return There(settings, lambda text: resolved(settings, text))


def require_here(shared: Context, what: str) -> None:
    """Refuse what no server does.

    Args:
        shared: What the command was called with.
        what: What was asked for: `--attest`.

    Raises:
        InputError: A server is named.
    """
    if shared.settings.text("server"):
        raise InputError(
            f"{what} works on a record here, and not through a server",
            hint="leave it out; or do without --server and SUPPLYCHAIN_SERVER",
        )
