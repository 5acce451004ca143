"""A provider of identities that does as it should, or lies; and a browser to log in with."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from starlette.testclient import TestClient

from supplychain.bootstrap.access import add_member
from supplychain.bootstrap.parts import now
from supplychain.model.access import Acting, Member, Role, Scope
from tests.kit.issuer import Issuer
from tests.kit.json_server import JsonServer, Reply, Request, json_server
from tests.kit.serving import Served
from tests.kit.visitors import HOST, SESSION

CALLBACK = f"{HOST}/v1/login/callback"
SECRET = "a secret: of + the client"
CLIENT = "supply chain"
ATTEMPT = "__Host-supplychain-login"


def login_settings(issuer: str, **more: str) -> dict[str, str]:
    """What an operator sets so that people log in."""
    return {
        "oidc_private": "127.0.0.1,localhost",
        "login_issuer": issuer,
        "login_client_id": CLIENT,
        "login_redirect": CALLBACK,
        **more,
    }


@dataclass(slots=True)
class Provider:
    """A provider behind a socket.

    Attributes:
        issuer: Its keys, and what it says of itself.
        server: What answers.
        codes: What was asked for with each code that it gave and nobody used.
        claims: What its identity tokens say beside or instead of what they should.
        makes: Makes the identity token of claims.
    """

    issuer: Issuer
    server: JsonServer
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    makes: Callable[[Mapping[str, Any]], str] | None = None

    def agreed(self, url: str, sub: str = "s-alice") -> dict[str, str]:
        """What somebody is sent back with who says at its page that they are this one."""
        asked = dict(parse_qsl(urlsplit(url).query))
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["redirect_uri"] == CALLBACK
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**asked, "sub": sub}
        return {"code": code, "state": asked["state"]}

    def answer(self, request: Request) -> Reply:
        if request.path == "/token":
            return self._token(request)
        document = self.issuer.document(request.path)
        return Reply(404) if document is None else Reply(200, document)

    def _token(self, request: Request) -> Reply:
        form = request.body
        asked = self.codes.pop(form.get("code", ""), None)
        hashed = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
        if request.headers.get("Authorization") != basic():
            return Reply(401, {"error": "invalid_client"})
        if (
            asked is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != asked["redirect_uri"]
            or challenge != asked["code_challenge"]
        ):
            return Reply(400, {"error": "invalid_grant"})
        said = self.issuer.claims(datetime.now(UTC), aud=CLIENT, sub=asked["sub"])
        claims = {**said, "nonce": asked["nonce"], **self.claims}
        token = (self.makes or self.issuer.token)(claims)
        return Reply(200, {"access_token": "a", "token_type": "Bearer", "id_token": token})


def basic() -> str:
    """How our server says who it is (RFC 6749, section 2.3.1: each part as in a form)."""
    both = "supply+chain:a+secret%3A+of+%2B+the+client"
    return f"Basic {base64.b64encode(both.encode()).decode()}"


@contextmanager
def provider() -> Iterator[Provider]:
    """A provider on a free port."""
    with json_server() as server:
        issuer = Issuer(server.address)
        issuer.turn("k1", "ES256")
        issuer.says = {
            "authorization_endpoint": f"{issuer.url}/authorize?tenant=1",
            "token_endpoint": f"{issuer.url}/token",
        }
        made = Provider(issuer, server)
        server.answer = made.answer
        yield made


class Browser:
    """Somebody's browser, with cookies; it goes where it is sent only when told to."""

    def __init__(self, served: Served, base_url: str = HOST) -> None:
        self.client = TestClient(
            served.app, base_url, raise_server_exceptions=False, follow_redirects=False
        )

    def get(self, path: str, **rest: Any) -> httpx.Response:
        answer: httpx.Response = self.client.get(path, **rest)
        return answer

    def begin(self, **query: str) -> str:
        """Begin to log in; the address at the provider."""
        answer = self.get("/v1/login", params=query)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def back(self, answered: Mapping[str, str]) -> httpx.Response:
        """Come back from the provider."""
        return self.get(f"/v1/login/callback?{urlencode(answered)}")

    def log_in(self, with_: Provider, sub: str = "s-alice", **query: str) -> httpx.Response:
        return self.back(with_.agreed(self.begin(**query), sub))

    @property
    def session(self) -> str | None:
        """The cookie of its session."""
        found: str | None = self.client.cookies.get(SESSION)
        return found

    def proof(self) -> dict[str, str]:
        """The headers by which a page of ours changes something."""
        token = self.get("/v1/me").json()["session"]["csrf_token"]
        return {"X-CSRF-Token": token, "Origin": HOST, "Sec-Fetch-Site": "same-origin"}

    def post(self, path: str, body: object = None, **headers: str) -> httpx.Response:
        answer: httpx.Response = self.client.post(path, json=body, headers=headers or self.proof())
        return answer


def member(
    served: Served,
    issuer: str,
    *roles: Role,
    name: str = "alice",
    subject: str | None = None,
    email: str = "",
    organisation: str = "default",
) -> None:
    """Let somebody be a member."""
    known = f"s-{name}" if subject is None else subject
    scope = Scope(roles or (Role.VIEWER,), None)
    add_member(
        served.service.store.entry.access(organisation, Acting("root", "a test", "a test")),
        Member(name, issuer, known, email, scope, now(), "root"),
    )


def later(served: Served, by: timedelta) -> None:
    """Let so much time pass for the server."""
    served.app.state.service = replace(served.service, clock=lambda: now() + by)
