"""Whose word counts, and what it has to come with."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.model.identity import Identity
from supplychain.signing.trust.keys import VerifyingKey

if TYPE_CHECKING:
    from supplychain.signing.trust.root import TrustedRoot


class TrustedIdentity(Protocol):
    """Somebody whose certificates count."""

    def accepts(self, identity: Identity, /) -> bool:
        """Whether a certificate issued to this identity is theirs."""
        ...


class LogDemand(StrEnum):
    """What is demanded of transparency log entries."""

    # At least one, and each has to hold.
    REQUIRED = "required"
    # None, but each that is there has to hold.
    OPTIONAL = "optional"
    # None, and what is there is neither looked at nor believed.
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose word counts.

    A signature with a key says who made it and nothing else, so a log entry is not demanded of it
    by itself. One with a certificate needs an instant at which the certificate held: a log or a
    timestamp authority has to give it, whatever is demanded here.

    Attributes:
        keys: Public keys.
        identities: Whose certificates count.
        root: Gives the authorities, logs and clocks that are believed, where they are needed: to
            read them takes time. None where nobody is.
        log_of_keys: What is demanded of log entries where a key verifies.
        log_of_identities: What is demanded of them where a certificate does.
        timestamp: Whether an authority's timestamp is demanded.
        published: Whether a certificate must have been published in a certificate log.
    """

    keys: tuple[VerifyingKey, ...] = ()
    identities: tuple[TrustedIdentity, ...] = ()
    root: Callable[[], TrustedRoot] | None = None
    log_of_keys: LogDemand = LogDemand.OPTIONAL
    log_of_identities: LogDemand = LogDemand.REQUIRED
    timestamp: bool = False
    published: bool = True

    @property
    def anybody(self) -> bool:
        """Whether anybody's word counts."""
        return bool(self.keys or self.identities)

    def require_anybody(self) -> None:
        """Refuse to verify where nothing could be believed.

        Raises:
            InputError: There is no key and no identity.
        """
        if not self.anybody:
            raise InputError(
                "no key was given to verify with, and no identity",
                because="without one, nothing could be believed",
                hint="give the signer's public key: --key cosign.pub; or whom the certificate "
                "must be issued to: --certificate-identity and --certificate-oidc-issuer",
            )


NOBODY = Trust()
