"""A Sigstore: where its services are, and what their statements are believed by.

The clients are sigstore-python's, each with a session of ours. `_session` is where the library
keeps one, and all of its insides that is replaced, by inheritance.
"""

from __future__ import annotations

import logging
from dataclasses import field
from pathlib import Path
from urllib.parse import urlsplit

import requests
from sigstore._internal.rekor import RekorLogSubmitter
from sigstore._internal.rekor.client import RekorClient
from sigstore._internal.rekor.client_v2 import RekorV2Client
from sigstore._internal.timestamp import TimestampAuthorityClient
from sigstore._internal.tuf import DEFAULT_TUF_URL, TrustUpdater
from sigstore.errors import Error as LibraryError
from sigstore.models import SigningConfig, TrustedRoot
from sigstore.sign import SigningContext
from sigstore_models.trustroot import v1 as messages

from supplychain import __version__
from supplychain.errors import ConfigurationError, SigstoreError
from supplychain.frozen import dataclass
from supplychain.signing.keyless.exchange import Patience, Service, session

# At debug level the library logs what is signed; what it warns of, we refuse.
logging.getLogger("sigstore").setLevel(logging.ERROR)

_AGENT = {"User-Agent": f"supplychain/{__version__}"}
_JSON = {**_AGENT, "Content-Type": "application/json", "Accept": "application/json"}
_QUERY = {**_AGENT, "Content-Type": "application/timestamp-query"}
_REFUSED = (
    "it must know the token's issuer, and the token must be for it: compare its configuration, "
    "and see whether the token has expired"
)
_AUTHORITY_HINTS = {400: _REFUSED, 401: _REFUSED, 403: _REFUSED}
_LOG_HINTS = {
    400: "see its log: it may not take entries of this kind or size",
    413: "attest a large document by its digest, or use a log that takes digests (Rekor v2)",
}


@dataclass(frozen=True, slots=True)
class Instance:
    """A Sigstore.

    Attributes:
        root: The trusted root, its bytes.
        trusted_root: The same, as the library reads it.
        config: Where the services are.
    """

    root: bytes = field(repr=False)
    trusted_root: TrustedRoot = field(repr=False)
    config: SigningConfig = field(repr=False)

    @classmethod
    def parse(cls, root: bytes, config: bytes) -> Instance:
        """The instance that two files describe.

        Args:
            root: A trusted root, JSON.
            config: A signing config v0.2, JSON.

        Raises:
            ConfigurationError: One of them cannot be used.
        """
        what = "the trusted root"
        try:
            trusted_root = TrustedRoot(messages.TrustedRoot.from_json(root))
            what = "the signing config"
            found = SigningConfig(messages.SigningConfig.from_json(config))
            _require_addresses(found)
        except (LibraryError, ValueError, RecursionError) as error:
            raise ConfigurationError(
                f"{what} cannot be used",
                because=" ".join(str(error).split())[:300],
                hint="a private Sigstore's files are made by `cosign trusted-root create` and "
                "`cosign signing-config create`",
            ) from None
        return cls(root, trusted_root, found)

    @classmethod
    def public(cls, root: bytes | None = None) -> Instance:
        """The public-good instance, as its update service (TUF) describes it now.

        Args:
            root: A trusted root to believe instead of the one that the service gives.

        Raises:
            SigstoreError: That service cannot be reached, or what it says does not hold.
        """
        try:
            updater = TrustUpdater(DEFAULT_TUF_URL)
            known = root or Path(updater.get_trusted_root_path()).read_bytes()
            config = Path(updater.get_signing_config_path()).read_bytes()
        except (LibraryError, OSError, ValueError) as error:
            raise SigstoreError(
                "the public Sigstore does not say where its services are",
                because=str(error)[:300] or None,
                hint=f"check the way to {DEFAULT_TUF_URL}, or give --trusted-root and "
                "--signing-config as files",
            ) from None
        return cls.parse(known, config)

    def context(self, patience: Patience) -> SigningContext:
        """The library's clients, with sessions of ours.

        Args:
            patience: Time and chance.

        Raises:
            ConfigurationError: The signing config asks for what cannot be had.
        """
        clocks = [_Clock(client.url, patience) for client in self.config.get_tsas()]
        log = self._log(patience, has_clock=bool(clocks))
        authority = self.config.get_fulcio()
        authority.session.close()
        authority.session = session(
            Service("the certificate authority", authority.url, _AUTHORITY_HINTS), patience, _AGENT
        )
        return SigningContext(
            fulcio=authority, rekor=log, trusted_root=self.trusted_root, tsa_clients=[*clocks]
        )

    def witnesses(
        self, patience: Patience
    ) -> tuple[RekorLogSubmitter, tuple[TimestampAuthorityClient, ...]]:
        """The log and the clocks for what a key signs.

        Args:
            patience: Time and chance.

        Raises:
            ConfigurationError: There is no log, or none of the second kind.
        """
        log = self._log(patience, has_clock=bool(self.clock_count))
        if not isinstance(log, _SecondLog):
            raise ConfigurationError(
                "the signing config names a log that takes no signatures of keys from here",
                because="it is a Rekor v1",
                hint="name a Rekor v2 with a timestamp authority, or sign without a log",
            )
        return log, tuple(_Clock(client.url, patience) for client in self.config.get_tsas())

    @property
    def clock_count(self) -> int:
        """How many timestamps the signing config asks for."""
        return len(self.config.get_tsas())

    @property
    def issuer(self) -> str | None:
        """Where a person logs in; None where the signing config does not say."""
        try:
            return self.config.get_oidc_url()
        except LibraryError:
            return None

    def _log(self, patience: Patience, *, has_clock: bool) -> RekorLogSubmitter:
        logs = self.config.get_tlogs()
        if len(logs) != 1:
            raise ConfigurationError(
                f"the signing config asks for entries in {len(logs)} logs",
                because="a bundle gets an entry in one log here",
                hint='set its rekorTlogConfig to {"selector": "ANY"}',
            )
        [log] = logs
        if isinstance(log, RekorClient):
            return _FirstLog(log.url.removesuffix("/api/v1"), patience)
        if isinstance(log, RekorV2Client):
            if not has_clock:
                raise ConfigurationError(
                    "the signing config names no timestamp authority",
                    because="its log, a Rekor v2, does not say when something was signed",
                    hint="add one to its tsaUrls",
                )
            return _SecondLog(log.url.removesuffix("/api/v2"), patience)
        raise ConfigurationError("the signing config names a log that is not known")


def _require_addresses(config: SigningConfig) -> None:
    named = [config.get_fulcio(), *config.get_tlogs(), *config.get_tsas()]
    for url in [str(vars(client)["url"]) for client in named]:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url.rpartition('@')[2][:80]!r} is no address of a service")


class _FirstLog(RekorClient):
    """A Rekor v1."""

    def __init__(self, url: str, patience: Patience) -> None:
        super().__init__(url)
        self._ours = session(Service("the transparency log", url, _LOG_HINTS), patience, _JSON)

    @property
    def _session(self) -> requests.Session:
        return self._ours


class _SecondLog(RekorV2Client):
    """A Rekor v2."""

    def __init__(self, url: str, patience: Patience) -> None:
        super().__init__(url)
        self._ours = session(Service("the transparency log", url, _LOG_HINTS), patience, _JSON)

    @property
    def _session(self) -> requests.Session:
        return self._ours


class _Clock(TimestampAuthorityClient):
    """A timestamp authority."""

    def __init__(self, url: str, patience: Patience) -> None:
        super().__init__(url)
        self._ours = session(Service("the timestamp authority", url, {}), patience, _QUERY)

    @property
    def _session(self) -> requests.Session:
        return self._ours
