"""Who says who somebody is: two OpenID Connect issuers, one for people and one for workflows."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt

from tests.kit.misbehaving import Exchange, ScriptedServer, redirect, reply
from tests.kit.sigstore.authority import Identity
from tests.kit.sigstore.keys import new_key

AUDIENCE = "sigstore"
DEVELOPER = "dev@example.com"
_ALGORITHM = "ES256"
_KEY_ID = "a key of the tests"
_LIFETIME = 600


class Issuers:
    """The issuers. Tokens are minted in place; a client may also ask for them as it does in life.

    Args:
        server: Where they answer.

    Attributes:
        people: The issuer of tokens that name an email address; it has a login for browsers.
        workflows: The issuer of tokens that name a GitHub workflow.
    """

    def __init__(self, server: ScriptedServer) -> None:
        self._key = new_key()
        self._server = server
        self._challenges: dict[str, str] = {}
        self._job = uuid.uuid4().hex
        self.people = f"{server.url}/people"
        self.workflows = f"{server.url}/workflows"
        for issuer in (self.people, self.workflows):
            path = urlsplit(issuer).path
            about = json.dumps(_about(issuer)).encode()
            found = "application/json"
            server.on(
                "GET", f"{path}/.well-known/openid-configuration", reply(200, about, kind=found)
            )
            server.on("GET", f"{path}/keys", reply(200, self._keys(), kind=found))
        server.on("GET", "/people/auth", self._log_in)
        server.on("POST", "/people/token", self._hand_out)
        server.on("GET", "/workflows/token", self._give_to_job)

    def token(self, email: str = DEVELOPER, **claims: object) -> str:
        """A token of a person; claims add to it or replace what it says."""
        known = {"sub": email, "email": email, "email_verified": True}
        return self._mint(self.people, {**known, **claims})

    def workflow_token(
        self, repository: str = "acme/shop", ref: str = "refs/heads/main", **claims: object
    ) -> str:
        """A token of a workflow; claims add to it or replace what it says."""
        return self._mint(self.workflows, {**_workflow(repository, ref), **claims})

    def github_environ(self) -> dict[str, str]:
        """The environment of a GitHub job that may ask for tokens, of `acme/shop` on main."""
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self._job,
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.workflows}/token?api-version=2.0",
        }

    def identity(self, token: str) -> Identity:
        """Whom a token names, as an authority believes it.

        Raises:
            jwt.InvalidTokenError: It is not of these issuers, not for Sigstore, or not valid now.
        """
        known = [self.people, self.workflows]
        claims: dict[str, Any] = jwt.decode(
            token,
            self._key.public_key(),
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            issuer=known,
            leeway=5,
            options={"require": ["exp", "iat", "sub"]},
        )
        if claims["iss"] == self.people:
            if claims.get("email_verified") is not True:
                raise jwt.InvalidTokenError("the address was not verified")
            return Identity.email(claims["email"], self.people)
        return Identity.workflow(
            claims["repository"], claims["ref"], sha=claims["sha"], issuer=self.workflows
        )

    def _mint(self, issuer: str, claims: Mapping[str, object]) -> str:
        now = int(time.time())
        usual = {"iss": issuer, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + _LIFETIME}
        headers = {"kid": _KEY_ID}
        return jwt.encode({**usual, **claims}, self._key, _ALGORITHM, headers=headers)

    def _keys(self) -> bytes:
        numbers = self._key.public_key().public_numbers()
        key = {"kty": "EC", "crv": "P-256", "alg": _ALGORITHM, "use": "sig", "kid": _KEY_ID}
        point = {"x": _number(numbers.x), "y": _number(numbers.y)}
        return json.dumps({"keys": [{**key, **point}]}).encode()

    def _log_in(self, exchange: Exchange) -> None:
        asked = parse_qs(urlsplit(exchange.asked.path).query)
        code = uuid.uuid4().hex
        self._challenges[code] = asked["code_challenge"][0]
        answer = urlencode({"code": code, "state": asked["state"][0]})
        redirect(f"{asked['redirect_uri'][0]}?{answer}", 302)(exchange)

    def _hand_out(self, exchange: Exchange) -> None:
        asked = parse_qs(exchange.asked.body.decode())
        shown = hashlib.sha256(asked.get("code_verifier", [""])[0].encode()).digest()
        challenge = self._challenges.pop(asked.get("code", [""])[0], None)
        if challenge != urlsafe_b64encode(shown).rstrip(b"=").decode():
            reply(400, b'{"error":"invalid_grant"}', kind="application/json")(exchange)
            return
        token = self.token()
        given = {"access_token": token, "id_token": token, "token_type": "Bearer"}
        reply(200, json.dumps(given).encode(), kind="application/json")(exchange)

    def _give_to_job(self, exchange: Exchange) -> None:
        asked = parse_qs(urlsplit(exchange.asked.path).query)
        if (exchange.asked.authorization or "").lower() != f"bearer {self._job}":
            reply(401, b'{"message":"no"}', kind="application/json")(exchange)
            return
        audience = asked.get("audience", [AUDIENCE])[0]
        value = json.dumps({"count": 1, "value": self.workflow_token(aud=audience)}).encode()
        reply(200, value, kind="application/json")(exchange)


def workflow_name(repository: str = "acme/shop", ref: str = "refs/heads/main") -> str:
    """How a certificate names a workflow."""
    return f"https://github.com/{repository}/.github/workflows/release.yml@{ref}"


def _workflow(repository: str, ref: str) -> dict[str, object]:
    sha = "1234567890123456789012345678901234567890"
    called = f"{repository}/.github/workflows/release.yml@{ref}"
    return {
        "sub": f"repo:{repository}:ref:{ref}",
        "repository": repository,
        "repository_id": "1001",
        "repository_owner": repository.partition("/")[0],
        "repository_owner_id": "2002",
        "repository_visibility": "public",
        "workflow": "release",
        "workflow_ref": called,
        "workflow_sha": sha,
        "job_workflow_ref": called,
        "job_workflow_sha": sha,
        "event_name": "push",
        "ref": ref,
        "sha": sha,
        "runner_environment": "github-hosted",
        "run_id": "3003",
        "run_attempt": "1",
    }


def _about(issuer: str) -> dict[str, object]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/auth",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/keys",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [_ALGORITHM],
        "code_challenge_methods_supported": ["S256"],
    }


def _number(value: int) -> str:
    return urlsafe_b64encode(value.to_bytes(32)).rstrip(b"=").decode()
