"""A forge's services over HTTP: what Fulcio, Rekor v1 and v2 and a timestamp authority answer.

A test may put its own answer before theirs, to see what becomes of a service that is slow, busy,
hostile or wrong.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.kit.json_server import Reply
from tests.kit.sigstore import Forge, Identity, trust
from tests.kit.sigstore.bodies import Body
from tests.kit.sigstore.log import Entry

FULCIO, REKOR_1, REKOR_2 = "/api/v2/signingCert", "/api/v1/log/entries", "/api/v2/log/entries"
CLOCK = "/api/v1/timestamp"
LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came in.

    Attributes:
        method: Its method.
        path: Where to.
        headers: Its headers.
        body: What came with it.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Services:
    """Running services.

    Attributes:
        forge: What they answer with.
        instead: Answers before they do; None lets them answer.
        lifetime: How long certificates last.
        asked: Every request so far.
    """

    forge: Forge
    instead: Callable[[Asked], Reply | None] = lambda _: None
    lifetime: timedelta = LIFETIME
    asked: list[Asked] = field(default_factory=list)

    @property
    def root(self) -> bytes:
        """The trusted root."""
        return self.forge.trusted_root()

    def config(self, version: int = 2, *, clock: bool = True) -> bytes:
        """A signing config with a Rekor of this version, and with a clock or without."""
        forge = self.forge
        log = forge.tiles if version == 2 else forge.rekor
        return trust.encoded(
            trust.signing_config(
                authority=forge.authority, log=log, clock=forge.clock if clock else None
            )
        )

    def paths(self) -> list[str]:
        """Where the requests went to."""
        return [one.path for one in self.asked]

    def answer(self, asked: Asked) -> Reply:
        """What is answered to a request."""
        self.asked.append(asked)
        return self.instead(asked) or self.honest(asked)

    def honest(self, asked: Asked) -> Reply:
        """What the services themselves answer."""
        answers = {
            FULCIO: self._certificate,
            REKOR_1: self._first_entry,
            REKOR_2: self._second_entry,
            CLOCK: self._timestamp,
        }
        return answers[asked.path](asked) if asked.path in answers else Reply(404)

    def _certificate(self, asked: Asked) -> Reply:
        pem = base64.b64decode(json.loads(asked.body)["certificateSigningRequest"])
        claims = _claims(asked.headers["Authorization"].removeprefix("Bearer "))
        identity = Identity.email(claims["email"], issuer=claims["iss"])
        now = _now()
        leaf = self.forge.authority.issue(
            x509.load_pem_x509_csr(pem).public_key(),
            identity,
            valid=(now, now + self.lifetime),
            ct=(self.forge.ct,),
            sct_at=now,
        )
        return Reply(200, chain_of(leaf, *self.forge.authority.chain))

    def _first_entry(self, asked: Asked) -> Reply:
        proposed = json.loads(asked.body)
        spec = proposed["spec"]
        body = (
            _logged_envelope(spec["proposedContent"])
            if proposed["kind"] == "dsse"
            else Body.of("hashedrekord", "0.0.1", spec)
        )
        return Reply(201, first_entry(self.forge.rekor.record(body, _now())))

    def _second_entry(self, asked: Asked) -> Reply:
        spec = json.loads(asked.body)["hashedRekordRequestV002"]
        data = {"algorithm": "SHA2_256", "digest": spec["digest"]}
        logged = {"hashedRekordV002": {"data": data, "signature": spec["signature"]}}
        entry = self.forge.tiles.record(Body.of("hashedrekord", "0.0.2", logged), _now())
        return Reply(201, entry.value())

    def _timestamp(self, asked: Asked) -> Reply:
        query = tsp.TimeStampReq.load(asked.body)
        imprint = query["message_imprint"]
        stamp = self.forge.clock.stamp_digest(
            imprint["hashed_message"].native,
            _now(),
            algorithm=imprint["hash_algorithm"]["algorithm"].native,
            nonce=query["nonce"].native,
        )
        return Reply(201, stamp)


def chain_of(*certificates: x509.Certificate) -> dict[str, Any]:
    """A certificate and those above it, as Fulcio answers."""
    pems = [one.public_bytes(Encoding.PEM).decode() for one in certificates]
    return {"signedCertificateEmbeddedSct": {"chain": {"certificates": pems}}}


def first_entry(entry: Entry) -> dict[str, Any]:
    """An entry as Rekor v1 answers."""
    assert entry.proof is not None
    assert entry.promise is not None
    assert entry.integrated_at is not None
    proof = {
        "checkpoint": entry.proof.checkpoint,
        "hashes": [one.hex() for one in entry.proof.hashes],
        "logIndex": entry.proof.index,
        "rootHash": entry.proof.root.hex(),
        "treeSize": entry.proof.size,
    }
    value = {
        "body": base64.b64encode(entry.body).decode(),
        "integratedTime": int(entry.integrated_at.timestamp()),
        "logID": entry.log_id.hex(),
        "logIndex": entry.index,
        "verification": {
            "inclusionProof": proof,
            "signedEntryTimestamp": base64.b64encode(entry.promise).decode(),
        },
    }
    return {hashlib.sha256(entry.body).hexdigest(): value}


@contextlib.contextmanager
def sigstore_services() -> Iterator[Services]:
    """All of them on one free loopback port, with keys of their own."""
    server = _Server(("127.0.0.1", 0), _Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    forge = Forge.create(_now())
    server.services = Services(
        replace(
            forge,
            authority=replace(forge.authority, url=url),
            rekor=replace(forge.rekor, url=url),
            tiles=replace(forge.tiles, url=url),
            clock=replace(forge.clock, url=f"{url}{CLOCK}"),
        )
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.services
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    services: Services

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may hang up when it has what it wants."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self._reply()

    def _reply(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(self.command, self.path, dict(self.headers), raw)
        reply = self.server.services.answer(asked)
        value = reply.value if isinstance(reply.value, bytes) else json.dumps(reply.value).encode()
        self.send_response_only(reply.status)
        for name, text in reply.headers.items():
            self.send_header(name, text)
        if "Content-Length" not in reply.headers:
            self.send_header("Content-Length", str(len(value)))
        self.end_headers()
        self.wfile.write(value)
        if "Content-Length" in reply.headers:
            self.close_connection = True


def _logged_envelope(proposed: dict[str, Any]) -> Body:
    """What Rekor v1 keeps of an envelope: hashes, signatures and who verifies them."""
    envelope = json.loads(proposed["envelope"])
    payload = base64.b64decode(envelope["payload"])
    signed = zip(envelope["signatures"], proposed["verifiers"], strict=True)
    return Body.of(
        "dsse",
        "0.0.1",
        {
            "envelopeHash": _sha256(proposed["envelope"].encode()),
            "payloadHash": _sha256(payload),
            "signatures": [{"signature": one["sig"], "verifier": by} for one, by in signed],
        },
    )


def _sha256(data: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _claims(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return claims


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
