"""What a user may say about a registry."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.errors import ConfigurationError
from supplychain.frozen import dataclass

if TYPE_CHECKING:
    from supplychain.network.guard import Guard


@dataclass(frozen=True, slots=True)
class RegistryOptions:
    """How to reach the registries of one run.

    Attributes:
        username: Log in with this name; None to use the Docker configuration.
        password: The password that goes with `username`.
        token: A bearer token for the registry itself, sent as it is; excludes `username`.
        cacert: PEM file with certificate authorities to trust beside the usual ones. With it
            even a loopback registry must speak TLS.
        insecure: Registries (`host[:port]`) that may speak plain HTTP or show any certificate.
        connect_timeout: Seconds to establish a connection.
        read_timeout: Seconds without a byte before a registry counts as dead; also how long it
            may stay under the least rate (see `wire`).
        retries: How often a call is repeated after 429, 5xx or a cut connection.
        docker_config: Docker's configuration folder; None for `$DOCKER_CONFIG`, then `~/.docker`.
        guard: Opens every connection, those of redirects, token services and uploads among them,
            or refuses it; proxies of the environment are not used then. None to go wherever a
            reference leads, as a user's own command does.
    """

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    cacert: Path | None = None
    insecure: tuple[str, ...] = ()
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    retries: int = 4
    docker_config: Path | None = None
    guard: Guard | None = None

    def __post_init__(self) -> None:
        """Refuse half a login and two at once.

        Raises:
            ConfigurationError: The options contradict one another.
        """
        if (self.username is None) != (self.password is None):
            raise ConfigurationError(
                "a registry login needs a user name and a password",
                hint="give --registry-username with SUPPLYCHAIN_REGISTRY_PASSWORD, or neither",
            )
        if self.username is not None and self.token is not None:
            raise ConfigurationError(
                "a registry token and a user name exclude each other",
                hint="set SUPPLYCHAIN_REGISTRY_TOKEN, or a user name and a password",
            )
