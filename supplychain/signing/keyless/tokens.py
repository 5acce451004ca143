"""Identity tokens: who we are, in the words of an OIDC issuer, and where they come from.

A token is a secret until it expires: it is shown nowhere, and it goes to the certificate authority
and to nobody else.
"""

from __future__ import annotations

import base64
import contextlib
import json
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import id as ambient_identity
import urllib3
from sigstore.errors import Error as LibraryError
from sigstore.oidc import IdentityError, IdentityToken, Issuer, IssuerError

from supplychain.errors import ConfigurationError, InputError, NotFoundError, SigstoreError
from supplychain.signing.keyless.answers import without_tokens

AUDIENCE = "sigstore"
_FILE_LIMIT = 64 * 1024
# What is asked for an ambient token may ask others in turn: an agent, a metadata server.
_AMBIENT_WAIT = 60.0

# Gives a token that can still be used; asked again where a certificate has to be renewed.
Identify = Callable[[], IdentityToken]


def from_text(text: str, origin: str) -> Identify:
    """A token that somebody has put somewhere.

    Args:
        text: The token.
        origin: Where it comes from, for errors.
    """
    return lambda: read(text, origin)


def from_file(path: Path) -> Identify:
    """The token in a file, read anew each time: whoever wrote it may renew it.

    Raises:
        ConfigurationError: The path is a token.
    """
    if _claims(str(path)) is not None:
        raise ConfigurationError(
            "an identity token stands where the file that holds it belongs",
            because="whoever lists the processes of this machine sees it there",
            hint="get a new one, and put it into a file or into SIGSTORE_ID_TOKEN",
        )
    return lambda: read(_content(path), str(path))


def ambient(or_else: Identify | None = None) -> Identify:
    """The identity that the surroundings give: GitHub Actions, GitLab, Buildkite, CircleCI, GCP.

    Args:
        or_else: What to do where there are no such surroundings; None for an error.
    """

    def identify() -> IdentityToken:
        found = _detected()
        if found is not None:
            return read(found, "the surroundings")
        if or_else is not None:
            return or_else()
        raise ConfigurationError(
            "nothing here says who signs",
            because="there is no identity token, no CI with one for us, and no terminal",
            hint="give --identity-token FILE, or let the CI job have one: `id-token: write` on "
            "GitHub, `id_tokens: SIGSTORE_ID_TOKEN: {aud: sigstore}` on GitLab",
        )

    return identify


def browser(issuer: str) -> Identify:
    """Whom a person logs in as, in a browser or with a code; only for somebody at a terminal.

    Args:
        issuer: The OIDC issuer that the signing config names.
    """

    def identify() -> IdentityToken:
        try:
            # The library asks for a code on stdout, which is for results.
            with contextlib.redirect_stdout(sys.stderr):
                return Issuer(issuer).identity_token(client_id=AUDIENCE)
        except (LibraryError, IssuerError, ambient_identity.IdentityError, ValueError) as error:
            raise SigstoreError(
                f"{issuer} did not say who you are",
                because=without_tokens(str(error)) or None,
                hint="try again, or give --identity-token FILE",
            ) from None

    return identify


def read(text: str, origin: str) -> IdentityToken:
    """A token, if it can be used now.

    Args:
        text: The token.
        origin: Where it comes from, for errors.

    Raises:
        ConfigurationError: It cannot; says why, and nothing of the token itself.
    """
    token = text.strip()
    try:
        return IdentityToken(token, AUDIENCE)
    except (IdentityError, ValueError, TypeError):
        why, hint = _wrong(token)
    raise ConfigurationError(
        f"the identity token from {origin} cannot be used", because=why, hint=hint
    )


def _wrong(token: str) -> tuple[str, str]:
    """Why a token cannot be used, and what to do."""
    again = f"get a new one for the audience {AUDIENCE!r}"
    claims = _claims(token)
    if claims is None:
        return "it is no JSON Web Token", again
    missing = [name for name in ("iss", "aud", "sub", "iat", "exp") if name not in claims]
    if missing:
        return f"it does not say {missing[0]!r}", again
    audience = claims["aud"]
    if AUDIENCE not in (audience if isinstance(audience, list) else [audience]):
        return f"it is for the audience {str(audience)[:80]!r}, not {AUDIENCE!r}", again
    now = datetime.now(UTC)
    if (ended := _instant(claims["exp"])) is not None and ended <= now:
        return f"it expired at {ended.isoformat()}, {(now - ended).total_seconds():.0f} s ago", (
            "get a new one just before signing: such tokens live for minutes"
        )
    starts = [begun for name in ("nbf", "iat") if (begun := _instant(claims.get(name)))]
    if starts and max(starts) > now:
        return f"it does not count before {max(starts).isoformat()}", "set this machine's clock"
    return "it lacks what its issuer's tokens have to say, or is malformed", again


def _claims(token: str) -> dict[str, Any] | None:
    """What a token says, unverified: that is for the certificate authority to do."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        value = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _instant(value: object) -> datetime | None:
    if not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_LIMIT + 1)
    except FileNotFoundError:
        raise NotFoundError(
            f"there is no identity token {path}", hint="name the file that holds it"
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"the identity token {path} cannot be read", because=error.strerror
        ) from None
    if len(data) > _FILE_LIMIT:
        raise InputError(f"{path} is larger than any identity token")
    return data.decode("utf-8", "replace")


def _detected() -> str | None:
    """What the surroundings give, unless they take for ever: some ask programs, or the network."""
    found: list[str | None] = []
    failed: list[str] = []

    def detect() -> None:
        try:
            found.append(ambient_identity.detect_credential(AUDIENCE))
        except (
            ambient_identity.IdentityError,
            urllib3.exceptions.HTTPError,
            OSError,
            ValueError,
        ) as error:
            failed.append(without_tokens(str(error)))

    thread = threading.Thread(target=detect, daemon=True)
    thread.start()
    thread.join(_AMBIENT_WAIT)
    if found:
        return found[0]
    raise SigstoreError(
        "the surroundings did not give an identity token",
        because=failed[0] if failed else f"no answer within {_AMBIENT_WAIT:.0f} s",
        hint=_PERMISSION
        if failed and "permission" in failed[0]
        else "see the CI's own log; --identity-token FILE gives a token by hand",
        retryable=not failed,
    )


_PERMISSION = "let the job have one: `permissions: {id-token: write}`; forks have none"
