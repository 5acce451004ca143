"""The server without a socket, over a record that a `Typist` fills behind it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from supplychain.server.app import create
from supplychain.server.opening import embedded, token_file
from supplychain.server.protocol import Protocol
from supplychain.server.service import Service
from supplychain.settings import Settings
from tests.kit.scans import SUBJECT
from tests.kit.typist import Typist

DECIDE = "/v1/gates/prod/decide"


@dataclass(frozen=True, slots=True)
class Served:
    """A server, somebody who may ask it everything, and a typist at its machine."""

    typist: Typist
    service: Service
    app: FastAPI
    client: TestClient

    def get(self, path: str, **rest: Any) -> httpx.Response:
        answer: httpx.Response = self.client.get(path, **rest)
        return answer

    def post(self, path: str, body: object, **rest: Any) -> httpx.Response:
        answer: httpx.Response = self.client.post(path, json=body, **rest)
        return answer

    def decide(self, image: str = str(SUBJECT), environment: str = "prod") -> httpx.Response:
        return self.post(f"/v1/gates/{environment}/decide", {"image": image})


@contextmanager
def serving(typist: Typist, **given: str | None) -> Iterator[Served]:
    """A server over what a typist has, with settings of its own."""
    settings = Settings({"actor": "ada", **given}, os.environ, typist.folder)
    with embedded(settings) as service:
        app = create(service)
        token = token_file(settings).read_text().strip()
        with TestClient(
            app, raise_server_exceptions=False, headers={"Authorization": f"Bearer {token}"}
        ) as client:
            yield Served(typist, service, app, client)


@pytest.fixture
def served(typist: Typist, request: pytest.FixtureRequest) -> Iterator[Served]:
    """A server over an empty record without any policy; parametrised by settings."""
    with serving(typist, **getattr(request, "param", {})) as found:
        yield found


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """The same application where any program of this machine reaches it: its URL."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as where:
        config = uvicorn.Config(
            app, http=Protocol, ws="none", lifespan="off", log_config=None, access_log=False
        )
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, kwargs={"sockets": [where]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{where.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document that an answer has to be."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["code"] == code, document
    assert document["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text
    return document
