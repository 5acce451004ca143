"""Where this process may fetch from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplychain.settings import Settings

if TYPE_CHECKING:
    from supplychain.network.guard import Guard


def guard(settings: Settings) -> Guard | None:
    """The guard before every connection to a registry.

    None where a user works for themselves and has named no registries: what they type is where
    they want to go. A process that works for others has a guard in any case, and goes nowhere
    until somebody names registries.

    Raises:
        ConfigurationError: A setting names what is no host.
    """
    allowed = settings.names("registry_allowed")
    if not allowed and not settings.serving:
        return None
    from supplychain.network.guard import Guard
    from supplychain.network.names import parse_names

    return Guard(
        parse_names(map(_served, allowed), "registry_allowed", paths=True),
        parse_names(settings.names("registry_beside"), "registry_beside"),
        parse_names(settings.names("registry_private"), "registry_private", ports=False),
    )


def _served(entry: str) -> str:
    """The same by the name of the host that serves it, which is another for Docker Hub."""
    from supplychain.images.registry.address import api_host

    host, slash, path = entry.partition("/")
    return f"{api_host(host)}{slash}{path}"
