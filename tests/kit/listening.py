"""A server of ours on a port of this machine, for commands that are typed with `--server`."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import uvicorn

from supplychain.server.opening import token_file
from tests.kit.cli import Outcome
from tests.kit.serving import Served, serving
from tests.kit.typist import Typist


@dataclass(frozen=True, slots=True)
class Remote:
    """A typist whose record a server holds.

    Attributes:
        served: The server, over the typist's own record.
        url: Where it listens.
    """

    served: Served
    url: str

    @property
    def typist(self) -> Typist:
        return self.served.typist

    def type(self, *arguments: str) -> Outcome:
        """Type a command through the server, where no database can be found."""
        with self.typist.patch.context() as patch:
            patch.setenv("SUPPLYCHAIN_DATA_DIR", str(self.typist.folder / "nowhere"))
            patch.setenv("SUPPLYCHAIN_POLICIES", str(self.typist.folder / "none"))
            return self.typist.type("--server", self.url, *arguments)

    def here(self, *arguments: str) -> Outcome:
        """Type a command at the record itself."""
        return self.typist.type(*arguments)


@contextmanager
def listening(served: Served) -> Iterator[str]:
    """The server on a port; where."""
    config = uvicorn.Config(
        served.app, port=0, lifespan="off", log_config=None, server_header=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        [port] = {one.getsockname()[1] for each in server.servers for one in each.sockets}
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def remote(typist: Typist, request: pytest.FixtureRequest) -> Iterator[Remote]:
    """A server over an empty record; whoever types comes with the token that may do everything."""
    # By flags, for whoever types has no such places: `Remote.type`.
    places = {"data_dir": str(typist.data), "policies": str(typist.folder / "policies")}
    given = places | getattr(request, "param", {})
    with serving(typist, **given) as served, listening(served) as url:
        typist.patch.setenv("SUPPLYCHAIN_TOKEN_FILE", str(token_file(served.service.settings)))
        yield Remote(served, url)
