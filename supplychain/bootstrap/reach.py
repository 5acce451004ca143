"""Where this process may fetch from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplychain.errors import ConfigurationError
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


def admit(settings: Settings, registry: str, repository: str) -> None:
    """Refuse a repository that nobody may be sent to, without asking anybody.

    Raises:
        DestinationError: It is not among those that are named.
        ConfigurationError: A setting names what is no host.
    """
    from supplychain.images.registry.address import Origin, api_host

    named = guard(settings)
    if named is not None:
        origin = Origin.of(f"https://{api_host(registry)}")
        named.admit_repository(origin.host, origin.port, repository)


def require_one_login(settings: Settings) -> None:
    """A password is for one registry: others may not choose which one is shown it.

    Raises:
        ConfigurationError: A login is set, and a server may take images from several hosts.
    """
    if not settings.serving:
        return
    login = settings.text("registry_username") or settings.text("registry_token")
    hosts = {entry.partition("/")[0] for entry in settings.names("registry_allowed")}
    if login and (len(hosts) > 1 or any(host.startswith("*") for host in hosts)):
        raise ConfigurationError(
            "one login is set, and images may be taken from several registries",
            because="whoever names an image would choose which of them is shown it",
            hint="use Docker's own configuration, which has a login for each: docker login",
        )


def _served(entry: str) -> str:
    """The same by the name of the host that serves it, which is another for Docker Hub."""
    from supplychain.images.registry.address import api_host

    host, slash, path = entry.partition("/")
    return f"{api_host(host)}{slash}{path}"
