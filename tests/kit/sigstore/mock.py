"""A mock of the wire protocol of Sigstore's services, which can misbehave.

    mock.misbehave("fulcio", reply(429, headers={"Retry-After": "1"}), reply(500))
    mock.misbehave("tsa", mock.cut("tsa", after=100), always=True)

gives the answers in turn, and then honest ones again; `always` keeps the last. The answers of
`tests.kit.misbehaving` all fit: `reply`, `silence`, `endless`, `dripping`, `redirect`. The methods
below make some from what the mock would have said.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from tests.kit.misbehaving import Answer, Asked, Exchange, ScriptedServer, reply, scripted_server
from tests.kit.sigstore import protocol, trust
from tests.kit.sigstore.authority import Authority
from tests.kit.sigstore.clock import TimestampAuthority
from tests.kit.sigstore.ct import CtLog
from tests.kit.sigstore.forge import Forge
from tests.kit.sigstore.log import TransparencyLog
from tests.kit.sigstore.oidc import Issuers
from tests.kit.sigstore.private import PrivateSigstore
from tests.kit.sigstore.protocol import RefusedError, Response, now

SERVICES: Mapping[str, str] = MappingProxyType(
    {
        "fulcio": "/api/v2/signingCert",
        "fulcio 1": "/api/v1/signingCert",
        "rekor 1": "/api/v1/log/entries",
        "rekor 2": "/api/v2/log/entries",
        "tsa": "/api/v1/timestamp",
    }
)


class MockSigstore:
    """The mock: what it holds, what it was asked, and how it misbehaves.

    Args:
        server: Where it answers.
        folder: Where its documents are put.

    Attributes:
        forge: Makes what it answers.
        issuers: Whose tokens it believes.
    """

    def __init__(self, server: ScriptedServer, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._lock = threading.Lock()
        self.issuers = Issuers(server)
        self.forge = _forge(server.url)
        self._honest = _answering(self.forge, self.issuers)
        self._other = _answering(_forge(server.url), self.issuers)
        for service in SERVICES:
            self.behave(service)

    def sigstore(self, rekor: int = 2) -> PrivateSigstore:
        """Its documents, with a log of this version to be signed into."""
        forge = self.forge
        config = trust.signing_config(
            authority=forge.authority,
            log=forge.rekor if rekor == 1 else forge.tiles,
            clock=forge.clock,
            issuer=self.issuers.people,
        )
        folder = self._folder / f"rekor-{rekor}"
        root = forge.trusted_root_value()
        return PrivateSigstore.described("mock", self.issuers, folder, root, config)

    def asked(self, service: str) -> list[Asked]:
        """What a service was asked so far."""
        return self._server.asked("POST", SERVICES[service])

    def behave(self, service: str) -> None:
        """Answer honestly from now on."""
        self._server.on("POST", SERVICES[service], self.honest(service))

    def misbehave(self, service: str, *answers: Answer, always: bool = False) -> None:
        """Give these answers in turn."""
        after = () if always else (self.honest(service),)
        self._server.on("POST", SERVICES[service], *answers, *after)

    def honest(self, service: str) -> Answer:
        """What the service should say."""
        return lambda exchange: _send(exchange, self._said(self._honest, service, exchange))

    def late(self, service: str, seconds: float) -> Answer:
        """The honest answer, after a while."""

        def answer(exchange: Exchange) -> None:
            self._server.done.wait(seconds)
            self.honest(service)(exchange)

        return answer

    def cut(self, service: str, after: int) -> Answer:
        """The first bytes of the honest answer, as if it were to go on."""

        def answer(exchange: Exchange) -> None:
            said = self._said(self._honest, service, exchange)
            exchange.begin(
                said.status, {"Content-Length": str(len(said.body)), "Content-Type": said.kind}
            )
            exchange.wfile.write(said.body[:after])
            exchange.wfile.flush()
            exchange.hang_up()

        return answer

    def edited(
        self, service: str, edit: Callable[[bytes], bytes], *, kind: str | None = None
    ) -> Answer:
        """The honest answer with another body, or another content type."""

        def answer(exchange: Exchange) -> None:
            said = self._said(self._honest, service, exchange)
            reply(said.status, edit(said.body), kind=kind or said.kind)(exchange)

        return answer

    def unheard(self, service: str, status: int = 502) -> Answer:
        """Do what is asked, but answer with an error: the answer was lost on its way."""

        def answer(exchange: Exchange) -> None:
            self._said(self._honest, service, exchange)
            reply(status)(exchange)

        return answer

    def foreign(self, service: str) -> Answer:
        """The answer of another Sigstore, with keys that nobody trusts."""
        return lambda exchange: _send(exchange, self._said(self._other, service, exchange))

    def repeated(self, service: str, earlier: Asked) -> Answer:
        """The honest answer to another request: a certificate or an entry of something else."""

        def answer(exchange: Exchange) -> None:
            with self._lock:
                said = self._honest[service](earlier)
                if said.status == 409:
                    place = (said.headers or {})["Location"]
                    known = replace(earlier, path=place)
                    said = replace(protocol.found_1(self.forge.rekor, known), status=201)
            _send(exchange, said)

        return answer

    def _said(self, by: Mapping[str, _Answering], service: str, exchange: Exchange) -> Response:
        with self._lock:
            try:
                said = by[service](exchange.asked)
            except (RefusedError, ValueError, KeyError) as error:
                return protocol.refused(str(error))
            if place := (said.headers or {}).get("Location"):
                self._server.on("GET", place, self._find)
            return said

    def _find(self, exchange: Exchange) -> None:
        with self._lock:
            said = protocol.found_1(self.forge.rekor, exchange.asked)
        _send(exchange, said)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[MockSigstore]:
    """A mock that answers while the context lasts."""
    with scripted_server() as server:
        yield MockSigstore(server, folder)


_Answering = Callable[[Asked], Response]


def _forge(url: str) -> Forge:
    at = now()
    return Forge(
        at=at,
        authority=Authority.create(at=at, url=url),
        ct=CtLog.create(at=at, url=url),
        rekor=TransparencyLog.create(version=1, at=at, url=url),
        tiles=TransparencyLog.create(version=2, at=at, url=url),
        clock=TimestampAuthority.create(at=at, url=f"{url}{SERVICES['tsa']}"),
    )


def _answering(forge: Forge, issuers: Issuers) -> Mapping[str, _Answering]:
    return {
        "fulcio": lambda asked: protocol.certificate(forge, issuers, asked),
        "fulcio 1": lambda asked: protocol.certificate_1(forge, issuers, asked),
        "rekor 1": lambda asked: protocol.entry_1(forge.rekor, asked),
        "rekor 2": lambda asked: protocol.entry_2(forge.tiles, asked),
        "tsa": lambda asked: protocol.timestamp(forge, asked),
    }


def _send(exchange: Exchange, said: Response) -> None:
    reply(said.status, said.body, said.headers, kind=said.kind)(exchange)
