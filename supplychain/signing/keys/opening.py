"""A key that is decrypted while others work: scrypt is made to take its time."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from supplychain.frozen import dataclass
from supplychain.signing.keys.keyfile import EncryptedKey, KeyFileSigner, Password
from supplychain.signing.signer import PublicKey


@dataclass(frozen=True, slots=True, repr=False)
class OpeningSigner:
    """A signer whose key may still be locked.

    Whoever needs the key waits for it, and gets the error where it cannot be decrypted.
    """

    _opening: Future[KeyFileSigner]

    def __repr__(self) -> str:
        """Which key it is, once that is known, and nothing of it."""
        opened = self._opening.done() and self._opening.exception() is None
        return f"OpeningSigner({self.public_key.fingerprint if opened else 'not open yet'})"

    @property
    def public_key(self) -> PublicKey:
        """What its signatures are checked with.

        Raises:
            InputError: The password is wrong, or what was encrypted is no P-256 key.
        """
        return self._opening.result().public_key

    def sign(self, data: bytes) -> bytes:
        """As `KeyFileSigner.sign`, and as `public_key`."""
        return self._opening.result().sign(data)

    def sign_digest(self, sha256: bytes) -> bytes:
        """As `KeyFileSigner.sign_digest`, and as `public_key`."""
        return self._opening.result().sign_digest(sha256)


def open_ahead(key: EncryptedKey, password: Password) -> OpeningSigner:
    """As `EncryptedKey.decrypt`, but the caller goes on meanwhile.

    Args:
        key: The key.
        password: Asked for at once.
    """
    secret = password()
    pool = ThreadPoolExecutor(1, "key")
    opening = pool.submit(key.decrypt, secret)
    pool.shutdown(wait=False)
    return OpeningSigner(opening)
