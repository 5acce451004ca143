"""One token for the one user of a server on their own machine, in a file for them alone."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from datetime import datetime
from pathlib import Path

from supplychain.errors import ConfigurationError, StoreError, UnauthenticatedError
from supplychain.model.access import Principal, Role, Scope
from supplychain.records.private import make_folders

_SHORTEST = 32


class FixedToken:
    """Knows one token, whose holder may do everything.

    Args:
        token: The token.
        name: Who has it.
    """

    def __init__(self, token: str, name: str) -> None:
        self._hash = hashed(token)
        self._principal = Principal(name, "default", Scope(tuple(Role), None), "token file")

    def principal(self, token: str, *, at: datetime) -> Principal:  # noqa: ARG002  # it never ends
        """Whose a bearer token is.

        Raises:
            UnauthenticatedError: It is another one.
        """
        # Of the hashes, so that how long it takes tells nothing about the token.
        if not hmac.compare_digest(hashed(token), self._hash):
            raise UnauthenticatedError("nobody has this token")
        return self._principal


def token_in(path: Path) -> str:
    """The token in a file; a new one where there is no such file.

    Raises:
        ConfigurationError: Others can read the file, or what it holds is too short to be one.
        StoreError: It cannot be read or written.
    """
    try:
        make_folders(path.parent)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return _read(path)
        token = f"sct_{secrets.token_urlsafe(32)}"
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{token}\n")
    except OSError as error:
        raise StoreError(
            f"the token {path} cannot be used", because=error.strerror, retryable=False
        ) from error
    return token


def _read(path: Path) -> str:
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        token = file.read(1024).strip()
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigurationError(
            f"others can read the token in {path}",
            because=f"its mode is {stat.S_IMODE(mode):04o}",
            hint=f"remove it, and the next start makes a new one: rm {path}",
        )
    if len(token) < _SHORTEST or not token.isascii():
        raise ConfigurationError(
            f"{path} holds no token",
            because=f"it has fewer than {_SHORTEST} letters and digits",
            hint=f"remove it, and the next start makes a new one: rm {path}",
        )
    return token.decode("ascii")


def hashed(token: str) -> bytes:
    """What a token is kept and looked up by, so that it lies nowhere itself."""
    return hashlib.sha256(token.encode()).digest()
