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

    Attributes:
        context: For TLS; whoever connects is shown what the files held last.

    Raises:
        ConfigurationError: They cannot be used.
    """

    def __init__(self, chain: Path, key: Path) -> None:
        self._chain, self._key = chain, key
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="certificate", daemon=True)
        self._seen = self._look()
        try:
            self.context = self._shown = self._load()
        except OSError as error:  # ssl.SSLError is one
            raise ConfigurationError(
                f"the certificate {chain} cannot be used with the key {key}",
                because=str(error),
                hint="--tls-cert takes the chain in PEM, --tls-key its private key",
            ) from error
        # OpenSSL may die of a context that is changed while somebody connects: it is exchanged.
        # This is called for those who name no server, too.
        self.context.sni_callback = self._show

    def __enter__(self) -> None:
        """Begin to watch."""
        self.look_again()  # it may have been made long before this process
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
            self._shown = self._load()
        except OSError as error:
            # Half of a new pair, perhaps: the next look sees the other half.
            _LOG.warning("the new certificate %s cannot be used yet: %s", self._chain, error)
        else:
            self._seen = found

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_AGAIN_SECONDS):
            self.look_again()

    def _show(self, connection: ssl.SSLObject, _name: str, _context: ssl.SSLContext) -> None:
        connection.context = self._shown

    def _load(self) -> ssl.SSLContext:
        """What the files hold; a pair that does not fit is refused."""
        found = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        found.minimum_version = ssl.TLSVersion.TLSv1_2
        found.set_alpn_protocols(["http/1.1"])
        found.load_cert_chain(self._chain, self._key, password=_none)
        return found

    def _look(self) -> tuple[Look | None, Look | None]:
        return look_at(self._chain), look_at(self._key)


def _none() -> str:
    """The password of a key that has none; OpenSSL would ask the terminal for one."""
    return ""
