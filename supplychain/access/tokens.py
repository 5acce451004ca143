"""The text of a token or of a session: shown once, kept as a digest, compared in constant time.

`sct_` and `scs_` tell scanners for secrets what it is, the identifier is public and finds the row,
the secret behind it is 256 random bits. So much randomness needs no slow hash.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import field

from supplychain.errors import UnauthenticatedError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest

PREFIX = "sct"
SESSION = "scs"
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_ID_LENGTH = 12
_SECRET_BYTES = 32
_TEXT = re.compile(rf"([a-z]+)_([a-z0-9]{{{_ID_LENGTH}}})_([A-Za-z0-9_-]{{43}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made.

    Attributes:
        identifier: Its public part.
        digest: What is kept of the secret.
        text: All of it, to be shown once.
    """

    identifier: str
    digest: Digest
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Presented:
    """A token that somebody came with; nobody looked yet whether there is such a one.

    Attributes:
        identifier: The public part.
        digest: Over the secret.
    """

    identifier: str
    digest: Digest = field(repr=False)

    def is_of(self, kept: Digest) -> bool:
        """Whether its secret is the one that was kept, in constant time."""
        return hmac.compare_digest(str(self.digest), str(kept))


def make_token(prefix: str = PREFIX) -> NewToken:
    """A new token, or what a session is known by, of the system's randomness."""
    identifier = "".join(secrets.choice(_LETTERS) for _ in range(_ID_LENGTH))
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    return NewToken(identifier, Digest.of(secret.encode()), f"{prefix}_{identifier}_{secret}")


def read_token(text: str) -> Presented:
    """The parts of a token.

    Raises:
        UnauthenticatedError: It has no such form. The text is not repeated: it may be a secret.
    """
    found = _read(text, PREFIX)
    if found is None:
        raise UnauthenticatedError(
            "this is no token of ours",
            because=f"tokens have the form {PREFIX}_…_…",
            hint="supplychain tokens create",
        )
    return found


def read_session(text: str) -> Presented:
    """The parts of what a browser shows of a session.

    Raises:
        UnauthenticatedError: It has no such form.
    """
    found = _read(text, SESSION)
    if found is None:
        raise UnauthenticatedError("this is no session of ours", hint="log in: /v1/login")
    return found


def _read(text: str, prefix: str) -> Presented | None:
    match = _TEXT.fullmatch(text)
    if match is None or match[1] != prefix:
        return None
    return Presented(match[2], Digest.of(match[3].encode()))
