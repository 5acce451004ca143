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
    settings = shared.settings
    if settings.text("server"):
        from supplychain.bootstrap.targets import resolved
        from supplychain.client.there import There

        return There(settings, lambda text: resolved(settings, text))
    from supplychain.bootstrap.here import Here

    return Here(settings, create=create)


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
