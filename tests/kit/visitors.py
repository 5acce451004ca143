"""Somebody of each role who comes to a server with a token of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from supplychain.bootstrap.access import Made, create_token
from supplychain.model.access import Acting, Role, Scope
from supplychain.records.tenants import Organisations
from tests.kit.serving import Served


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a token; None for a stranger."""

    served: Served
    token: str | None

    def ask(self, method: str, path: str, **rest: Any) -> httpx.Response:
        headers = dict(rest.pop("headers", {}))
        # The client's own token stays at home.
        headers["Authorization"] = f"Bearer {self.token}" if self.token else ""
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
) -> Made:
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


def organisation(served: Served, name: str = "bank") -> None:
    """Another organisation."""
    engine = served.service.store.entry._engine
    Organisations(engine, Acting("root", "a test", "a test")).create(name, at=served.typist.now)
