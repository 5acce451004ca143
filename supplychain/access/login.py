"""Logging in by OpenID Connect: what the provider is asked, and what its answer has to be.

The authorisation code flow with PKCE (RFC 7636, S256). Whatever ties the answer to the question,
the state, the nonce and the verifier, is made from one secret that the browser alone has: who has
read the database, the provider's log or an address cannot finish what another browser began.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlencode

from supplychain.access.identity_tokens import read_unverified, verify
from supplychain.access.issuers import Issuers
from supplychain.access.trust import require_url
from supplychain.errors import IdentityProviderError, InputError, UnauthenticatedError
from supplychain.frozen import dataclass

Post = Callable[[str, Mapping[str, str], Mapping[str, str]], Mapping[str, Any]]

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_ERROR = re.compile(r"[a-z_]{1,60}", re.ASCII)
_LONGEST_CODE = 4096
_LONGEST_SUBJECT = 255
_SCOPES = "openid email"


@dataclass(frozen=True, slots=True)
class Client:
    """What this server is to a provider.

    Attributes:
        issuer: The provider.
        identifier: What the provider calls this server.
        redirect: Where the provider sends people back to, character by character.
    """

    issuer: str
    identifier: str
    redirect: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One browser's attempt to log in.

    Attributes:
        secret: What only this browser has.
    """

    secret: str = field(repr=False)

    @property
    def state(self) -> str:
        """What the provider hands back, so that nobody is logged in whom somebody else sent."""
        return self._made("state")

    @property
    def nonce(self) -> str:
        """What the identity token repeats, so that no token of another login is taken."""
        return self._made("nonce")

    @property
    def verifier(self) -> str:
        """What the code is worth nothing without."""
        return self._made("verifier")

    @property
    def challenge(self) -> str:
        """What the provider is told of the verifier."""
        return _base64(hashlib.sha256(self.verifier.encode()).digest())

    def _made(self, purpose: str) -> str:
        return _base64(hmac.digest(self.secret.encode(), purpose.encode(), "sha256"))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom a provider vouches for.

    Attributes:
        issuer: The provider.
        subject: What it calls them, for good.
        email: Their address, where it has verified it; else "".
    """

    issuer: str
    subject: str
    email: str


def new_attempt() -> Attempt:
    """An attempt that begins now."""
    return Attempt(secrets.token_urlsafe(32))


def read_attempt(text: str) -> Attempt:
    """The attempt that a browser has begun.

    Raises:
        UnauthenticatedError: It has begun none.
    """
    if not _SECRET.fullmatch(text):
        raise UnauthenticatedError("this browser has not begun to log in", hint="log in: /v1/login")
    return Attempt(text)


def question(client: Client, said: Mapping[str, Any], attempt: Attempt) -> str:
    """The address at which the provider asks somebody who they are.

    Args:
        client: What this server is to the provider.
        said: What the provider says of itself.
        attempt: Whose question it is.

    Raises:
        IdentityProviderError: The provider cannot do it safely.
    """
    methods = said.get("code_challenge_methods_supported", ["S256"])
    if not isinstance(methods, list) or "S256" not in methods:
        raise _unusable(client, "it does not take PKCE with S256")
    asked = {
        "response_type": "code",
        "client_id": client.identifier,
        "redirect_uri": client.redirect,
        "scope": _SCOPES,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
    }
    endpoint = _endpoint(client, said, "authorization_endpoint")
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"


def require_own(attempt: Attempt, state: str) -> None:
    """Refuse an answer to a question that another browser, or nobody, has asked.

    Raises:
        UnauthenticatedError: It is one.
    """
    if not hmac.compare_digest(attempt.state.encode(), state.encode()):
        raise UnauthenticatedError(
            "this is the answer to another login",
            because="its state is not the one of this browser",
            hint="log in again: /v1/login",
        )


def code_in(answered: Mapping[str, str], client: Client, said: Mapping[str, Any]) -> str:
    """The code that a provider gave.

    Args:
        answered: What the browser was sent back with.
        client: What this server is to the provider.
        said: What the provider says of itself.

    Raises:
        UnauthenticatedError: It gave none, or another provider did.
    """
    issuer = answered.get("iss")
    is_told = said.get("authorization_response_iss_parameter_supported") is True
    if issuer != client.issuer if issuer is not None else is_told:
        raise UnauthenticatedError(
            "another provider than the one that was asked has answered",
            because="its iss is not the issuer that people log in by",
        )
    if (error := answered.get("error")) is not None:
        # What it says beside the code is anybody's text, and is not repeated.
        code = error if _ERROR.fullmatch(error) else "an error that is none"
        raise UnauthenticatedError("the provider lets nobody in", because=f"it says {code}")
    code = answered.get("code", "")
    if not 0 < len(code) <= _LONGEST_CODE:
        raise UnauthenticatedError("the provider gave no code")
    return code


def person_of(
    code: str,
    attempt: Attempt,
    *,
    client: Client,
    said: Mapping[str, Any],
    secret: str | None,
    issuers: Issuers,
    post: Post,
    at: datetime,
) -> Person:
    """Who it is, by what the provider gives for its code.

    Args:
        code: The code.
        attempt: Whose it is.
        client: What this server is to the provider.
        said: What the provider says of itself.
        secret: What the server shows the provider; None for none.
        issuers: Gives the provider's keys.
        post: Sends a form.
        at: The instant (aware, UTC).

    Raises:
        UnauthenticatedError: The provider does not take the code, or its token does not hold or
            is another one's.
        IdentityProviderError: The provider cannot be asked, or gives no token.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect,
        "code_verifier": attempt.verifier,
    }
    headers = _shown(client, said, secret, form)
    given = post(_endpoint(client, said, "token_endpoint"), form, headers)
    if (error := given.get("error")) is not None:
        if error == "invalid_grant":
            raise UnauthenticatedError(
                "the provider does not take this code",
                because="it was used before, is over, or is another one's",
                hint="log in again: /v1/login",
            )
        named = error if isinstance(error, str) and _ERROR.fullmatch(error) else "an error"
        raise _unusable(client, f"it answers {named}")
    token = given.get("id_token")
    if not isinstance(token, str):
        raise _unusable(client, "it gives no identity token")
    claims = verify(read_unverified(token), issuers, issuer=client.issuer, at=at)
    return _person(claims, client, attempt)


def _person(claims: Mapping[str, Any], client: Client, attempt: Attempt) -> Person:
    audience = claims.get("aud")
    for_whom = audience if isinstance(audience, list) else [audience]
    azp = claims.get("azp", client.identifier if len(for_whom) == 1 else None)
    if client.identifier not in for_whom or azp != client.identifier:
        raise _refused("it is for somebody else than this server")
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(
        nonce.encode(), attempt.nonce.encode()
    ):
        raise _refused("it is of another login: its nonce is not the one of this browser")
    subject, email = claims.get("sub"), claims.get("email")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise _refused("it does not say who it is about")
    is_verified = isinstance(email, str) and claims.get("email_verified") is True
    return Person(client.issuer, subject, str(email) if is_verified else "")


def _shown(
    client: Client, said: Mapping[str, Any], secret: str | None, form: dict[str, str]
) -> Mapping[str, str]:
    """Let the server say who it is, in headers or in the form (RFC 6749, section 2.3.1)."""
    ways = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    if secret is None:
        form["client_id"] = client.identifier
        return {}
    if isinstance(ways, list) and "client_secret_basic" in ways:
        both = f"{quote_plus(client.identifier)}:{quote_plus(secret)}"
        return {"Authorization": f"Basic {base64.b64encode(both.encode()).decode()}"}
    if isinstance(ways, list) and "client_secret_post" in ways:
        form |= {"client_id": client.identifier, "client_secret": secret}
        return {}
    raise _unusable(client, "it takes no secret of a client")


def _endpoint(client: Client, said: Mapping[str, Any], name: str) -> str:
    url = said.get(name)
    try:
        require_url(str(url), name)
    except InputError as error:
        raise _unusable(client, str(error)) from error
    return str(url)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _refused(because: str) -> UnauthenticatedError:
    return UnauthenticatedError("this identity token does not hold", because=because)


def _unusable(client: Client, because: str) -> IdentityProviderError:
    return IdentityProviderError(
        f"nobody can log in by {client.issuer}", because=because, retryable=False
    )
