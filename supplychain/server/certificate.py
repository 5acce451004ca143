"""What a server shows to those who connect, read again when its files are replaced."""

from __future__ import annotations

import logging
import ssl
import threading
from pathlib import Path

from supplychain.bootstrap.looks import Look, look_at
from supplychain.errors import ConfigurationError

_LOG = logging.getLogger("supplychain.server")
_LOOK_AGAIN_SECONDS = 5.0


class Certificate:
    """A certificate and its key; while it is entered, its files are watched.

    Args:
        chain: The certificate chain, PEM.
        key: Its private key, PEM.

    Raises:
        ConfigurationError: They cannot be used.
    """

    def __init__(self, chain: Path, key: Path) -> None:
        self._chain, self._key = chain, key
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="certificate", daemon=True)
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])
        self._seen = self._look()
        try:
            self._load()
        except OSError as error:  # ssl.SSLError is one
            raise ConfigurationError(
                f"the certificate {chain} cannot be used with the key {key}",
                because=str(error),
                hint="--tls-cert takes the chain in PEM, --tls-key its private key",
            ) from error

    def __enter__(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        """Watch no longer."""
        self._over.set()
        self._thread.join()

    def look_again(self) -> None:
        """Take what the files hold now, where they have changed; what is unusable is left."""
        found = self._look()
        if found == self._seen:
            return
        try:
            self._load()
        except OSError as error:
            # Half of a new pair, perhaps: the next look sees the other half.
            _LOG.warning("the new certificate cannot be used yet: %s", error)
        else:
            self._seen = found

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_AGAIN_SECONDS):
            self.look_again()

    def _load(self) -> None:
        # A pair that does not fit is refused before the context is touched.
        trial = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        for context in (trial, self.context):
            context.load_cert_chain(self._chain, self._key, password=_none)

    def _look(self) -> tuple[Look | None, Look | None]:
        return look_at(self._chain), look_at(self._key)


def _none() -> str:
    """The password of a key that has none; OpenSSL would ask the terminal for one."""
    return ""
