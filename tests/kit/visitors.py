"""Somebody of each role who comes to a server with a token of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from supplychain.access.tokens import make_token
from supplychain.bootstrap.access import add_member, create_token
from supplychain.model.access import Acting, MadeToken, Member, Role, Scope, Session
from supplychain.records.tenants import Organisations
from supplychain.server.sessions import csrf_token
from tests.kit.serving import Served

HOST = "https://supplychain.example"
ISSUER = "https://login.example"
SESSION = "__Host-supplychain-session"
# What an operator sets so that people log in.
LOGIN = {
    "login_issuer": ISSUER,
    "login_client_id": "supplychain",
    "login_redirect": f"{HOST}/v1/login/callback",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a token, or logged in; a stranger has neither."""

    served: Served
    token: str | None
    session: str | None = None

    def ask(self, method: str, path: str, **rest: Any) -> httpx.Response:
        headers = dict(rest.pop("headers", {}))
        # The client's own token stays at home.
        headers["Authorization"] = f"Bearer {self.token}" if self.token else ""
        if self.session is not None:
            headers["Cookie"] = f"{SESSION}={self.session}"
            headers["Origin"] = HOST
            headers["X-CSRF-Token"] = csrf_token(self.session)
        answer: httpx.Response = self.served.client.request(method, path, headers=headers, **rest)
        return answer

    def get(self, path: str, **rest: Any) -> httpx.Response:
        return self.ask("GET", path, **rest)

    def post(self, path: str, body: object, **rest: Any) -> httpx.Response:
        return self.ask("POST", path, json=body, **rest)


def make(
    served: Served,
    roles: Sequence[Role],
    *,
    owner: str = "alice",
    organisation: str = "default",
    projects: tuple[str, ...] | None = None,
    lasts: timedelta = timedelta(days=1),
) -> MadeToken:
    """A token on record."""
    return create_token(
        served.service.store.entry.access(organisation, Acting("root", "a test", "a test")),
        name="for a test",
        owner=owner,
        scope=Scope(tuple(roles), projects),
        lasts=lasts,
        by="root",
        at=served.service.clock(),
    )


def visitor(served: Served, *roles: Role, **rest: Any) -> Visitor:
    """Somebody who comes with a new token."""
    return Visitor(served, make(served, roles, **rest).text)


def person(
    served: Served, *roles: Role, name: str = "alice", organisation: str = "default"
) -> Visitor:
    """A member who is logged in, on a server with `LOGIN`."""
    access = served.service.store.entry.access(organisation, Acting("root", "a test", "a test"))
    at, scope = served.service.clock(), Scope(roles, None)
    member = Member(name, ISSUER, f"s-{name}", "", scope, at, "root")
    if access.members.named(name) is None:
        add_member(access, member)
    made = make_token("scs")
    session = Session(made.identifier, member, at, at + timedelta(hours=1), at)
    access.sessions.start(session, made.digest)
    return Visitor(served, None, made.text)


def organisation(served: Served, name: str = "bank") -> None:
    """Another organisation."""
    engine = served.service.store.entry._engine
    Organisations(engine, Acting("root", "a test", "a test")).create(name, at=served.typist.now)
