"""Whose word counts where somebody verifies: what the command line asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplychain.bootstrap.keys import Ask, public_keys
from supplychain.bootstrap.trust import trusted_root
from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.settings import Settings

if TYPE_CHECKING:
    from supplychain.gate.identities import TrustedIdentity
    from supplychain.signing.trust.trust import Trust


@dataclass(frozen=True, slots=True)
class Believed:
    """What somebody asks for, in cosign's words.

    Attributes:
        keys: Public keys, by reference.
        name: Whom the certificate must be issued to, word for word.
        name_regexp: The same as an expression.
        issuer: Which issuer must have vouched for it, word for word.
        issuer_regexp: The same as an expression.
        claims: What else the issuer must have said, by the names of policies.
        timestamp: Demand an authority's timestamp.
        ignore_tlog: Demand and look at no log entry.
        ignore_sct: Take certificates that no log lists.
    """

    keys: tuple[str, ...] = ()
    name: str | None = None
    name_regexp: str | None = None
    issuer: str | None = None
    issuer_regexp: str | None = None
    claims: tuple[tuple[str, str], ...] = ()
    timestamp: bool = False
    ignore_tlog: bool = False
    ignore_sct: bool = False

    @property
    def anybody(self) -> bool:
        """Whether anything is asked for that says whose word counts."""
        names = (self.name, self.name_regexp, self.issuer, self.issuer_regexp)
        return bool(self.keys or self.claims) or any(name is not None for name in names)


def believed(settings: Settings, asked: Believed, ask: Ask, *, anybody: bool = True) -> Trust:
    """Whose word counts.

    Args:
        settings: All settings.
        asked: What was asked for.
        ask: Asks for a password where a key needs one.
        anybody: Demand that somebody's does.

    Raises:
        InputError: Nobody's, or a name without an issuer, or a key beside an identity.
        SupplyChainError: A key or the trusted root cannot be read.
    """
    from supplychain.signing.trust.trust import LogDemand, Trust

    identities = _identities(asked)
    if asked.keys and identities:
        raise InputError(
            "a key and an identity were both given",
            because="a signature is made with one of them",
            hint="verify twice, to accept either",
        )
    ignored = LogDemand.IGNORED
    trust = Trust(
        public_keys(settings, list(asked.keys), ask),
        identities,
        trusted_root(settings),
        log_of_keys=ignored if asked.ignore_tlog else LogDemand.OPTIONAL,
        log_of_identities=ignored if asked.ignore_tlog else LogDemand.REQUIRED,
        timestamp=asked.timestamp,
        published=not asked.ignore_sct,
    )
    if anybody:
        trust.require_anybody()
    return trust


def _identities(asked: Believed) -> tuple[TrustedIdentity, ...]:
    """As a policy would name them: the same words mean the same here and there."""
    name = _one("--certificate-identity", asked.name, asked.name_regexp)
    issuer = _one("--certificate-oidc-issuer", asked.issuer, asked.issuer_regexp)
    if name is None and issuer is None and not asked.claims:
        return ()
    for claim, value in asked.claims:
        if not value:
            raise InputError(f"{claim} says nothing", hint="leave it out, or say what you mean")
    if name is None or issuer is None:
        missing = "--certificate-identity" if name is None else "--certificate-oidc-issuer"
        raise InputError(
            f"{missing} is missing",
            because="a name means nothing without who vouches for it, nor that without a name",
            hint="give both",
        )
    # Only here: they take time to load, and keys do without.
    from supplychain.gate.identities import TrustedIdentity
    from supplychain.gate.patterns import PATTERN

    for pattern in (asked.name_regexp, asked.issuer_regexp):
        if pattern is not None:
            PATTERN.parse(pattern)
    identity = TrustedIdentity(
        identity=asked.name or "",
        identity_regexp=asked.name_regexp or "",
        issuer=asked.issuer or "",
        issuer_regexp=asked.issuer_regexp or "",
        claims=tuple(sorted(asked.claims)),
    )
    return (identity,)


def _one(flag: str, text: str | None, pattern: str | None) -> str | None:
    if text is not None and pattern is not None:
        raise InputError(
            f"{flag} and {flag}-regexp were both given",
            because="a certificate is issued to one name, by one issuer",
            hint="give one of them",
        )
    found = text if pattern is None else pattern
    if found == "":
        raise InputError(f"{flag} is empty", because="that would be nobody", hint="say whom")
    return found
