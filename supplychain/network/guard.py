"""The one door through which a server connects to what others name.

A caller names an image, the registry it lies in answers with redirects, token services and upload
addresses, and DNS says where all of them are: each of these is somebody else's word. So nothing is
decided by a URL. Whoever opens a connection hands host and port to `Guard.dial`, which looks the
host up among those that the operator named, resolves it once, refuses where any of the answers is
an address that nobody may be led to, and connects to an answer that it has checked. What comes in
between cannot change it: nobody resolves a second time.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

from supplychain.errors import DestinationError
from supplychain.network.addresses import Address, Refusal, parse_address, refusal_of
from supplychain.network.names import Named, plain_host

# The addresses of a host, as text.
Resolve = Callable[[str], Sequence[str]]
# A host with more of them is a weapon and no host.
_MOST_ADDRESSES = 64


def system_resolve(host: str) -> Sequence[str]:
    """The addresses of a host as this machine resolves it.

    Raises:
        OSError: There is none.
    """
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


class Guard:
    """Lets connections through to what was named, and to nothing else; safe among threads.

    Args:
        registries: The registries, and the repositories in them, that images are taken from.
        beside: Hosts that those may send us on to: token services, storage.
        private: Hosts that may lie at private addresses. Who names an address here may be led to
            exactly that one.
        resolve: Finds the addresses of a host.
    """

    def __init__(
        self,
        registries: Sequence[Named],
        beside: Sequence[Named] = (),
        private: Sequence[Named] = (),
        *,
        resolve: Resolve = system_resolve,
    ) -> None:
        self._registries = tuple(registries)
        self._beside = tuple(beside)
        self._private = tuple(private)
        self._resolve = resolve

    def admit_repository(self, host: str, port: int, repository: str) -> None:
        """Refuse a repository that is not among those named.

        Args:
            host: The host that serves its registry.
            port: Its port.
            repository: Its path there.

        Raises:
            DestinationError: It is not.
        """
        plain = self._plain(host)
        if not any(
            one.is_host(plain, port) and one.is_repository(repository) for one in self._registries
        ):
            raise _not_named(f"{_shown(plain, port)}/{repository}")

    def admit(self, host: str, port: int) -> None:
        """Refuse a host that is not among those named, by its name alone.

        Raises:
            DestinationError: It is not.
        """
        self._named(host, port)

    def dial(self, host: str, port: int, timeout: float | None) -> socket.socket:
        """A connection to a host.

        Args:
            host: A name, or an address as it stands in a URL.
            port: TCP port.
            timeout: Seconds for each address that is tried.

        Raises:
            DestinationError: The host is not named, or one of its addresses is refused.
            OSError: It cannot be resolved, or does not answer.
        """
        failed: OSError | None = None
        for address in self._addresses(self._named(host, port)):
            try:
                return socket.create_connection((str(address), port), timeout)
            except OSError as error:
                failed = error
        raise failed or OSError(f"{host} has no address")

    def _named(self, host: str, port: int) -> str:
        """A host in its plain form, where it is named."""
        plain = self._plain(host)
        if not any(one.is_host(plain, port) for one in (*self._registries, *self._beside)):
            raise _not_named(_shown(plain, port))
        return plain

    def _addresses(self, host: str) -> tuple[Address, ...]:
        """Where a host is, every answer checked."""
        literal = parse_address(host)
        answers = (host,) if literal is not None else self._resolve(host)
        if not answers or len(answers) > _MOST_ADDRESSES:
            raise _refused(host, f"it resolves to {len(answers)} addresses")
        found = []
        for answer in answers:
            address = parse_address(answer)
            if address is None:
                raise _refused(host, f"it resolves to {answer[:60]!r}")
            refusal = refusal_of(address)
            if refusal and not self._is_opened(host, refusal, literal=literal is not None):
                at = "" if literal is not None else f"it resolves to {address}: "
                raise _refused(host, f"{at}{refusal.because}")
            found.append(address)
        return tuple(found)

    def _is_opened(self, host: str, refusal: Refusal, *, literal: bool) -> bool:
        """Whether the operator has named the host for addresses of that kind."""
        named = any(
            host.endswith(f".{one.host}") if one.below else host == one.host
            for one in self._private
        )
        return named and not refusal.always and (refusal.private or literal)

    @staticmethod
    def _plain(host: str) -> str:
        plain = plain_host(host)
        if plain is None:
            raise _refused(host[:80], "it is neither a plain name nor an address written in full")
        return plain


def _shown(host: str, port: int) -> str:
    text = f"[{host}]" if ":" in host else host
    return text if port in {80, 443} else f"{text}:{port}"


def _not_named(what: str) -> DestinationError:
    return DestinationError(
        f"{what} is not a place that images may be taken from",
        because="it is not among the registries that are allowed here",
        hint="an operator may name it in registry_allowed; hosts that an allowed registry sends "
        "on to, in registry_beside",
    )


def _refused(host: str, because: str) -> DestinationError:
    return DestinationError(
        f"nothing is fetched from {host}",
        because=because,
        hint="if it is your own registry, an operator may name it in registry_private",
    )
